"""`masq token`: who may use this node's API. Works on the files; the node need not run."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from masq_cli.commands.options import DEFAULT_DATA_DIR, Config, Json
from masq_cli.making.node import TOKENS_FILE
from masq_cli.show.tables import print_table
from masq_cli.show.values import plain
from masq_kernel.clock import SystemClock
from masq_kernel.entropy import OsEntropy
from masq_kernel.identity.tokens import SCOPES, TokenStore
from masq_kernel.runtime.settings import NodeSettings, load_section, read_file
from masq_kernel.units import UnixSeconds

__all__ = ["token"]

_CONFIG = DEFAULT_DATA_DIR / "masq.toml"

token = typer.Typer(help="Tokens that open this node's API.", no_args_is_help=True)

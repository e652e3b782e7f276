"""`masq up`: run this node's processes in the foreground. `masq service`: run one of them."""

import asyncio
import os
import sys
from typing import Annotated

import typer

from masq_cli.commands.options import DEFAULT_DATA_DIR, Config, Json, PassphraseFile
from masq_cli.commands.passphrases import ask_passphrase
from masq_cli.effective import effective_settings
from masq_cli.foreground import run_node
from masq_cli.ports import refuse_taken_ports
from masq_kernel.bus.subjects import Service
from masq_kernel.entropy import OsEntropy
from masq_kernel.identity.keystore import KeyStore
from masq_kernel.runtime.passphrase import ENVIRONMENT
from masq_kernel.runtime.settings import NodeSettings, load_section, read_file

__all__ = ["service", "up"]


def up(
    config: Config = DEFAULT_DATA_DIR / "masq.toml",
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Run this node here, until Ctrl-C: the bus and all services, kept alive."""
    sections = read_file(config)
    settings = effective_settings(sections)  # refuses each service's mistakes before any starts
    node = load_section(NodeSettings, "node", file=sections.get("node", {}))
    passphrase = ask_passphrase(passphrase_file or node.passphrase_file, is_new=False)
    # Once here, so that a wrong passphrase is one sentence and not one from each service.
    KeyStore.open(node.data_dir / "keystore.json", passphrase, OsEntropy())
    refuse_taken_ports(settings)
    environment = {**os.environ, ENVIRONMENT: passphrase}
    code = asyncio.run(run_node(node, config, environment, as_json=as_json))
    raise typer.Exit(code)


def service(
    name: Annotated[Service, typer.Argument(help="Which service.")],
    config: Config = DEFAULT_DATA_DIR / "masq.toml",
) -> None:
    """Become one service's process, as a container wants it; the bus must run already."""
    command = [sys.executable, "-m", f"masq_{name}", "--config", str(config)]
    sys.stdout.flush()
    os.execv(sys.executable, command)  # noqa: S606 - no shell, and every part is ours

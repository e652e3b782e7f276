"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["DEFAULT_DATA_DIR", "Config", "Json", "PassphraseFile", "Token", "Url"]

DEFAULT_DATA_DIR = Path.home() / ".masq"

Config = Annotated[
    Path,
    typer.Option("--config", envvar="MASQ_CONFIG", help="The node's configuration file."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Url = Annotated[
    str | None, typer.Option("--url", help="Where the API is, such as http://127.0.0.1:8642.")
]
Token = Annotated[
    str | None,
    typer.Option("--token", help="Opens the API; better given as MASQ_API_TOKEN.", metavar="TOKEN"),
]
PassphraseFile = Annotated[
    Path | None,
    typer.Option("--passphrase-file", help="A file whose first line opens the key store."),
]

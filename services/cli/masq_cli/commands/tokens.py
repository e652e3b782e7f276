"""`masq token`: who may use this node's API. Works on the files; the node need not run."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from masq_cli.commands.options import DEFAULT_DATA_DIR, Config, Json
from masq_cli.making.node import TOKENS_FILE
from masq_cli.show.tables import print_table
from masq_kernel.clock import SystemClock
from masq_kernel.entropy import OsEntropy
from masq_kernel.errors import OperatorError
from masq_kernel.identity.tokens import SCOPES, Token, TokenStore
from masq_kernel.runtime.settings import NodeSettings, load_section, read_file
from masq_kernel.units import UnixSeconds

__all__ = ["token"]

_CONFIG = DEFAULT_DATA_DIR / "masq.toml"

token = typer.Typer(help="Tokens that open this node's API.", no_args_is_help=True)


@token.command()
def create(
    name: Annotated[str, typer.Option(help="What it is for.")],
    scope: Annotated[
        list[str] | None, typer.Option(help=f"What it allows; all: {', '.join(SCOPES)}.")
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=3650, help="When it expires; never, if left out.")
    ] = None,
    config: Config = _CONFIG,
    as_json: Json = False,
) -> None:
    """Make a token and print it, this once. Without --scope it can read everything."""
    now = SystemClock().unix()
    life_s = None if days is None else int(timedelta(days=days).total_seconds())
    text = _store(config).create(
        name,
        scope or [each for each in SCOPES if each.endswith(":read")],
        OsEntropy(),
        now,
        expires_at=None if life_s is None else UnixSeconds(now + life_s),
    )
    typer.echo(json.dumps({"token": text}) if as_json else text)


@token.command("list")
def list_tokens(config: Config = _CONFIG, as_json: Json = False) -> None:
    """List all tokens; their secrets are not kept anywhere."""
    tokens = _store(config).list()
    if as_json:
        typer.echo(json.dumps([_facts(each) for each in tokens], indent=2))
        return
    rows = [
        (each.token_id, each.name, ", ".join(each.scopes), _day(each.expires_at)) for each in tokens
    ]
    print_table("API tokens", ("id", "name", "scopes", "expires"), rows, Console())


@token.command()
def revoke(
    token_id: Annotated[str, typer.Argument(help="The id, as `masq token list` shows it.")],
    config: Config = _CONFIG,
) -> None:
    """Make a token worthless, at once."""
    if not _store(config).revoke(token_id):
        problem = f"There is no token with the id {token_id}."
        raise OperatorError(problem, remedy="`masq token list` shows those there are.")
    typer.echo(f"Token {token_id} is revoked.")


def _store(config: Path) -> TokenStore:
    node = load_section(NodeSettings, "node", file=read_file(config).get("node", {}))
    return TokenStore(node.data_dir / TOKENS_FILE)


def _facts(each: Token) -> dict[str, object]:
    return {
        "id": each.token_id,
        "name": each.name,
        "scopes": list(each.scopes),
        "created_at": _day(each.created_at),
        "expires_at": None if each.expires_at is None else _day(each.expires_at),
    }


def _day(moment: UnixSeconds | None) -> str:
    return "never" if moment is None else datetime.fromtimestamp(moment, UTC).isoformat()

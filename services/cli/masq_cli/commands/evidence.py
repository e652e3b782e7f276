"""`masq disputes` and `masq ledger reconcile`: whose books do not agree with ours."""

import asyncio
import json
from typing import Annotated, Any

import typer
from rich.console import Console

from masq_cli.client import ApiClient, ApiPlace, find_api
from masq_cli.commands.options import DEFAULT_DATA_DIR, Config, Json, Token, Url
from masq_cli.show.tables import print_list
from masq_cli.show.views import DISPUTES, FINDINGS

__all__ = ["disputes", "reconcile"]

_CONFIG = DEFAULT_DATA_DIR / "masq.toml"
_RECONCILIATION = "/v1/ledger/reconciliation"
_POLL_S = 0.3


def disputes(
    only_open: Annotated[
        bool, typer.Option("--open", help="Leave out those that are closed.")
    ] = False,
    config: Config = _CONFIG,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """List the nodes and wallets whose word does not fit our books; --json has the signatures."""
    found = asyncio.run(_disputes(find_api(config, url=url, token=token), only_open=only_open))
    _print(DISPUTES, found, as_json=as_json)


def reconcile(
    creditor: Annotated[
        str | None, typer.Argument(help="A NodeId; else all that we ever owed.")
    ] = None,
    config: Config = _CONFIG,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Ask our creditors what we owe them, and compare; exit code 1 when one disputes."""
    found = asyncio.run(_reconcile(find_api(config, url=url, token=token), creditor))
    _print(FINDINGS, found, as_json=as_json)
    if any(each["finding"] == "disputed" for each in found):
        typer.echo("`masq disputes` shows both words; only what our books say is paid.", err=True)
        raise typer.Exit(1)


async def _disputes(place: ApiPlace, *, only_open: bool) -> list[dict[str, Any]]:
    async with ApiClient(place) as api:
        listed = await api.get("/v1/disputes", open=str(only_open).lower())
        items: list[dict[str, Any]] = listed["items"]
        return items


async def _reconcile(place: ApiPlace, creditor: str | None) -> list[dict[str, Any]]:
    path = f"{_RECONCILIATION}?creditor={creditor}" if creditor else _RECONCILIATION
    async with ApiClient(place) as api:
        state = await api.call("POST", path)
        while state["is_running"]:
            await asyncio.sleep(_POLL_S)
            state = await api.get(_RECONCILIATION)
        findings: list[dict[str, Any]] = state["findings"]
        return findings


def _print(view: Any, items: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(items, indent=2))
    else:
        print_list(view, items, Console())

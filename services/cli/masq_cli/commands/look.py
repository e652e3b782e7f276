"""Look at a running node through its API: `masq status`, `neighbors`, `ledger`, ..."""

import asyncio
import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from masq_cli.client import ApiClient, ApiPlace, find_api
from masq_cli.commands.options import DEFAULT_DATA_DIR, Config, Json, Token, Url
from masq_cli.errors import ApiFailed
from masq_cli.show.tables import print_facts, print_list
from masq_cli.show.views import (
    BANS,
    NEIGHBORHOOD,
    NEIGHBORS,
    PAYABLES,
    RECEIVABLES,
    SESSIONS,
    STAGES,
    View,
)

__all__ = ["bans", "ledger", "neighborhood", "neighbors", "sessions", "status"]

_CONFIG = DEFAULT_DATA_DIR / "masq.toml"

_POLL_S = 0.3


class Book(StrEnum):
    """One of the two books."""

    PAYABLES = "payables"
    RECEIVABLES = "receivables"


class ExportFormat(StrEnum):
    """How a book is written for other programs."""

    CSV = "csv"
    JSONL = "jsonl"


ledger = typer.Typer(help="What this node owes and is owed.", no_args_is_help=True)


def status(
    history: Annotated[
        bool, typer.Option("--history", help="Show how the connection stage changed, and why.")
    ] = False,
    config: Config = _CONFIG,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Show this node: who it is, how far it got into the mesh, how its services are."""
    if history:
        _show_list(STAGES, config, url, token, as_json=as_json)
        return
    _show_facts("/v1/node", "Node", find_api(config, url=url, token=token), as_json=as_json)


def neighbors(
    config: Config = _CONFIG, url: Url = None, token: Token = None, as_json: Json = False
) -> None:
    """List the nodes this node is linked with."""
    _show_list(NEIGHBORS, config, url, token, as_json=as_json)


def neighborhood(
    config: Config = _CONFIG, url: Url = None, token: Token = None, as_json: Json = False
) -> None:
    """List the nodes this node knows of."""
    _show_list(NEIGHBORHOOD, config, url, token, as_json=as_json)


def sessions(
    config: Config = _CONFIG, url: Url = None, token: Token = None, as_json: Json = False
) -> None:
    """List the route sessions this node originates or serves."""
    _show_list(SESSIONS, config, url, token, as_json=as_json)


def bans(
    config: Config = _CONFIG, url: Url = None, token: Token = None, as_json: Json = False
) -> None:
    """List the nodes and wallets this node refuses, why and until when."""
    _show_list(BANS, config, url, token, as_json=as_json)


@ledger.command()
def payables(
    config: Config = _CONFIG, url: Url = None, token: Token = None, as_json: Json = False
) -> None:
    """List what this node owes, by wallet."""
    _show_list(PAYABLES, config, url, token, as_json=as_json)


@ledger.command()
def receivables(
    config: Config = _CONFIG, url: Url = None, token: Token = None, as_json: Json = False
) -> None:
    """List what this node is owed, by wallet."""
    _show_list(RECEIVABLES, config, url, token, as_json=as_json)


@ledger.command()
def export(
    book: Annotated[Book, typer.Argument(help="What this node owes, or is owed.")],
    wallet: Annotated[
        str | None, typer.Option(help="The history of this wallet, instead of the accounts.")
    ] = None,
    form: Annotated[ExportFormat, typer.Option("--format", help="The format.")] = ExportFormat.CSV,
    config: Config = _CONFIG,
    url: Url = None,
    token: Token = None,
) -> None:
    """Write a book, or one wallet's history, for other programs: amounts in wei and in MASQ."""
    part = f"/{wallet}/entries" if wallet else ""
    path = f"/v1/ledger/{book.value}{part}/export"
    asyncio.run(_pour(find_api(config, url=url, token=token), path, form.value))


@ledger.command()
def summary(
    config: Config = _CONFIG, url: Url = None, token: Token = None, as_json: Json = False
) -> None:
    """Show the totals of both books."""
    place = find_api(config, url=url, token=token)
    _show_facts("/v1/ledger/summary", "Ledger", place, as_json=as_json)


@ledger.command()
def report(
    begin: Annotated[str, typer.Argument(help="The first day, such as 2026-11-01 (UTC).")],
    end: Annotated[str, typer.Argument(help="The last day, such as 2026-11-30.")],
    config: Config = _CONFIG,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Show what was earned and spent in a period, for a bookkeeper."""
    place = find_api(config, url=url, token=token)
    title, path = f"Earned and spent, {begin} to {end}", "/v1/ledger/report"
    _show_facts(path, title, place, as_json=as_json, begin=begin, end=end)


@ledger.command()
def verify(
    config: Config = _CONFIG, url: Url = None, token: Token = None, as_json: Json = False
) -> None:
    """Read the books from their beginning; fail if a row is not what was written."""
    state = asyncio.run(_verify(find_api(config, url=url, token=token)))
    if as_json:
        typer.echo(json.dumps(state, indent=2))
    else:
        print_facts("Books", state, Console())
    if state["is_read_only"]:
        problem = f"The books are read-only: {state['row']} {state['reason']}."
        raise ApiFailed(problem, remedy="docs/accounting.md says how to put back a copy.")


async def _verify(place: ApiPlace) -> dict[str, Any]:
    path = "/v1/ledger/verification"
    async with ApiClient(place) as api:
        state = await api.call("POST", path)
        while state["is_running"]:
            await asyncio.sleep(_POLL_S)
            state = await api.get(path)
        return state


def _show_list(
    view: View, config: Path, url: str | None, token: str | None, *, as_json: bool
) -> None:
    items = asyncio.run(_items(find_api(config, url=url, token=token), view.path))
    if as_json:
        typer.echo(json.dumps(items, indent=2))
    else:
        print_list(view, items, Console())


def _show_facts(path: str, title: str, place: ApiPlace, *, as_json: bool, **query: str) -> None:
    facts = asyncio.run(_get(place, path, **query))
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
    else:
        print_facts(title, facts, Console())


async def _pour(place: ApiPlace, path: str, form: str) -> None:
    async with ApiClient(place) as api:
        await api.pour(path, sys.stdout, format=form)


async def _get(place: ApiPlace, path: str, **query: str) -> dict[str, Any]:
    async with ApiClient(place) as api:
        return await api.get(path, **query)


async def _items(place: ApiPlace, path: str) -> list[dict[str, Any]]:
    async with ApiClient(place) as api:
        return await api.items(path)

"""`masq settlements`, `masq wallets` and `masq scan`: what is paid, with what, and when."""

import asyncio
import json
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console

from masq_cli.client import ApiClient, ApiPlace, find_api
from masq_cli.commands.options import DEFAULT_DATA_DIR, Config, Json, Token, Url
from masq_cli.errors import ApiFailed
from masq_cli.show.tables import print_facts, print_list
from masq_cli.show.views import SCANS, SERVERS, SETTLEMENTS, WALLETS

__all__ = ["scan", "settlements", "wallets"]

_CONFIG = DEFAULT_DATA_DIR / "masq.toml"
_POLL_S = 0.3
_WAIT_MAX_S = 330.0
"""A scan gives up after five minutes by itself."""

_CHAIN_TIMEOUT_S = 40.0
"""The node asks every RPC server, and waits for slow ones."""


class Kind(StrEnum):
    """Which scan."""

    PAYABLES = "payables"
    PENDING = "pending"
    RECEIVABLES = "receivables"
    DELINQUENCY = "delinquency"
    RECONCILIATION = "reconciliation"


class Phase(StrEnum):
    """How far a payment is."""

    IN_FLIGHT = "in_flight"
    MINED = "mined"
    CONFIRMED = "confirmed"
    FAILED = "failed"


def settlements(
    phase: Annotated[Phase | None, typer.Option(help="Only these.")] = None,
    wallet: Annotated[str | None, typer.Option(help="Only payments to this wallet.")] = None,
    config: Config = _CONFIG,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """List the payments of this node's debts, the newest first."""
    query = {"phase": phase.value if phase else None, "wallet": wallet}
    given = {name: value for name, value in query.items() if value}
    found = asyncio.run(_list(find_api(config, url=url, token=token), given))
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        print_list(SETTLEMENTS, found, Console())


def wallets(
    config: Config = _CONFIG, url: Url = None, token: Token = None, as_json: Json = False
) -> None:
    """Show what this node's wallets have, and how the chain's servers are."""
    found = asyncio.run(_get(find_api(config, url=url, token=token), "/v1/wallets"))
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    console = Console()
    print_list(WALLETS, found.pop("wallets"), console)
    print_list(SERVERS, found.pop("servers"), console)
    print_facts("Chain and payments, in wei", found, console)


def scan(
    kind: Annotated[
        Kind | None, typer.Argument(help="Which one to run now; else show how all are.")
    ] = None,
    config: Config = _CONFIG,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Run a scan now and say what it did (exit code 1: not all that was to do), or list them."""
    place = find_api(config, url=url, token=token)
    if kind is None:
        found = asyncio.run(_get(place, "/v1/scans"))["items"]
    else:
        found = [asyncio.run(_run(place, kind))]
    if as_json:
        typer.echo(json.dumps(found if kind is None else found[0], indent=2))
    elif kind is None:
        print_list(SCANS, found, Console())
    else:
        typer.echo(f"{found[0]['outcome']}.")
    if kind is not None and not found[0]["is_well"]:
        raise typer.Exit(1)


async def _list(place: ApiPlace, query: dict[str, str]) -> list[dict[str, Any]]:
    async with ApiClient(place) as api:
        return await api.items("/v1/settlements", **query)


async def _get(place: ApiPlace, path: str) -> dict[str, Any]:
    async with ApiClient(place, timeout_s=_CHAIN_TIMEOUT_S) as api:
        return await api.get(path)


async def _run(place: ApiPlace, kind: Kind) -> dict[str, Any]:
    """Begin a scan, and wait until it has ended."""
    async with ApiClient(place) as api:
        begun = await api.call("POST", "/v1/scans", {"kind": kind.value})
        for _ in range(round(_WAIT_MAX_S / _POLL_S)):
            listed = await api.get("/v1/scans")
            [found] = [each for each in listed["items"] if each["kind"] == kind.value]
            if not found["is_running"] and found["runs"] > begun["runs"]:
                ended: dict[str, Any] = found
                return ended
            await asyncio.sleep(_POLL_S)
    raise ApiFailed(f"The {kind} scan does not end.", remedy="Look at it with `masq scan`.")

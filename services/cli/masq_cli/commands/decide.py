"""Decide whom to serve: `masq ban`, `masq pardon`, `masq whitelist`."""

import asyncio
import re
from typing import Annotated, Any

import typer

from masq_cli.client import ApiClient, ApiPlace, find_api
from masq_cli.commands.options import DEFAULT_DATA_DIR, Config, Token, Url
from masq_cli.commands.prefer import full_id
from masq_kernel.errors import OperatorError

__all__ = ["ban", "pardon", "whitelist"]

_CONFIG = DEFAULT_DATA_DIR / "masq.toml"
_WALLET = re.compile("0x[0-9a-fA-F]{40}")

Wallet = Annotated[str, typer.Argument(help="The wallet's address, 0x...")]
Note = Annotated[str, typer.Option("--note", help="Why; shown in `masq bans --json`.")]


def ban(
    wallet: Wallet,
    note: Note = "",
    config: Config = _CONFIG,
    url: Url = None,
    token: Token = None,
) -> None:
    """Serve a wallet no more, whatever it pays, until it is pardoned."""
    _decide(wallet, "ban", note, find_api(config, url=url, token=token))


def whitelist(
    wallet: Wallet,
    remove: Annotated[bool, typer.Option("--remove", help="Let its account decide again.")] = False,
    note: Note = "",
    config: Config = _CONFIG,
    url: Url = None,
    token: Token = None,
) -> None:
    """Serve a wallet whatever it owes."""
    place = find_api(config, url=url, token=token)
    _decide(wallet, None if remove else "whitelist", note, place)


def pardon(
    who: Annotated[
        str, typer.Argument(help="A wallet's address (0x...), or the beginning of a NodeId.")
    ],
    config: Config = _CONFIG,
    url: Url = None,
    token: Token = None,
) -> None:
    """Lift a ban: of a node, with what it did forgotten; of a wallet, until it has paid."""
    place = find_api(config, url=url, token=token)
    if who.startswith("0x"):
        _decide(who, "pardon", "", place)
    else:
        asyncio.run(_pardon_node(place, who))


def _decide(wallet: str, decision: str | None, note: str, place: ApiPlace) -> None:
    if not _WALLET.fullmatch(wallet):
        remedy = "Give 0x and 40 hexadecimal digits; `masq bans --json` has them."
        raise OperatorError(f"{wallet!r} is no wallet.", remedy=remedy, exit_code=2)
    shown = asyncio.run(_send(place, wallet, decision, note))
    cause = shown["cause"]
    typer.echo(f"It is refused ({cause})." if cause else "It is served.")


async def _send(place: ApiPlace, wallet: str, decision: str | None, note: str) -> dict[str, Any]:
    path = f"/v1/bans/wallets/{wallet}"
    async with ApiClient(place) as api:
        if decision is None:
            return await api.call("DELETE", path)
        return await api.call("PUT", path, {"decision": decision, "note": note})


async def _pardon_node(place: ApiPlace, node: str) -> None:
    async with ApiClient(place) as api:
        path = "/v1/bans"
        await api.call("DELETE", f"{path}/{await full_id(api, path, node, kind='misconduct')}")

"""Where others dial this node: `masq address`, and `masq address set` for when that has changed."""

import asyncio
import ipaddress
import json
from typing import Annotated, Any

import typer

from masq_cli.client import ApiClient, ApiPlace, find_api
from masq_cli.commands.options import DEFAULT_DATA_DIR, Config, Json, Token, Url
from masq_kernel.errors import OperatorError

__all__ = ["address", "parsed_place"]

_CONFIG = DEFAULT_DATA_DIR / "masq.toml"
_PATH = "/v1/node/address"

address = typer.Typer(help="Where others can dial this node.", invoke_without_command=True)


@address.callback()
def show(
    context: typer.Context,
    config: Config = _CONFIG,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Show where others can dial this node."""
    if context.invoked_subcommand is None:
        place = find_api(config, url=url, token=token)
        _print(asyncio.run(_call(place, "GET")), as_json=as_json)


@address.command("set")
def set_address(
    place: Annotated[
        str, typer.Argument(help="An IP address; with a port where that changes: 203.0.113.9:4321")
    ],
    config: Config = _CONFIG,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Move the running node there. For scripts that learn of a new public IP, too."""
    wanted = parsed_place(place)
    api = find_api(config, url=url, token=token)
    _print(asyncio.run(_call(api, "PUT", wanted)), as_json=as_json)


def parsed_place(text: str) -> dict[str, Any]:
    """Return what the API takes for `203.0.113.9`, `203.0.113.9:4321` or `[2001:db8::9]:4321`.

    Raises:
        OperatorError: it is none of these (exit code 2).
    """
    host, colon, port = text.rpartition(":")
    has_port = bool(colon) and (":" not in host or host.endswith("]"))
    try:
        address = ipaddress.ip_address((host if has_port else text).strip("[]"))
        wanted: dict[str, Any] = {"address": str(address)}
        if has_port:
            wanted["ports"] = [_port(port)]
    except ValueError:
        raise OperatorError(
            f"{text!r} is no IP address with or without a port.",
            remedy="Write it like 203.0.113.9, 203.0.113.9:4321 or [2001:db8::9]:4321.",
            exit_code=2,
        ) from None
    return wanted


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 0xFFFF:
        raise ValueError(text)
    return int(text)


def _print(shown: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(shown, indent=2))
    elif shown["address"] is None:
        typer.echo("Nobody can dial this node.")
    else:
        ports = ", ".join(map(str, shown["ports"]))
        since = "" if shown["origin"] == "setting" else ", changed at run time"
        typer.echo(f"{shown['address']}, port {ports}{since}")


async def _call(
    place: ApiPlace, method: str, content: dict[str, Any] | None = None
) -> dict[str, Any]:
    async with ApiClient(place) as api:
        return await api.call(method, _PATH, content)

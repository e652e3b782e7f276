"""Say what routes should be like: `masq exits`, `masq prefer`."""

import asyncio
import json
import re
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console

from masq_cli.client import ApiClient, ApiPlace, find_api
from masq_cli.commands.options import DEFAULT_DATA_DIR, Config, Json, Token, Url
from masq_cli.errors import ApiFailed
from masq_cli.show.tables import print_table
from masq_kernel.errors import OperatorError

__all__ = ["exits", "full_id", "prefer"]

_CONFIG = DEFAULT_DATA_DIR / "masq.toml"
_NODE_ID_SIZE = 43
_COUNTRY = re.compile("[A-Z]{2}")
_EXITS = "/v1/exit-preferences"

exits = typer.Typer(help="Where exits should stand.", no_args_is_help=True)

Node = Annotated[
    str, typer.Argument(help="A NodeId, or the beginning of one, as the tables show it.")
]


class Preference(StrEnum):
    """What can be thought of a node."""

    NEVER = "never"
    LESS = "less"
    NORMAL = "normal"
    MORE = "more"
    ALWAYS = "always"


@exits.command("show")
def show_exits(
    config: Config = _CONFIG, url: Url = None, token: Token = None, as_json: Json = False
) -> None:
    """Show which countries exits should stand in."""
    place = find_api(config, url=url, token=token)
    _print_exits(asyncio.run(_call(place, "GET", _EXITS)), as_json=as_json)


@exits.command("set")
def set_exits(
    countries: Annotated[
        list[str],
        typer.Argument(help="Two-letter codes by priority; join equals by a comma: CH DE,FR"),
    ],
    strict: Annotated[
        bool, typer.Option("--strict", help="Use no exit anywhere else, whatever happens.")
    ] = False,
    config: Config = _CONFIG,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Prefer exits in these countries. Holds for new routes at once."""
    tiers = [tier.upper().split(",") for tier in countries]
    for country in (country for tier in tiers for country in tier):
        if not _COUNTRY.fullmatch(country):
            problem = f"{country!r} is not the code of a country."
            remedy = "Give two letters (ISO 3166), such as CH or DE,FR."
            raise OperatorError(problem, remedy=remedy, exit_code=2)
    _change_exits({"countries": tiers, "strict": strict}, config, url, token, as_json=as_json)


@exits.command("clear")
def clear_exits(
    config: Config = _CONFIG, url: Url = None, token: Token = None, as_json: Json = False
) -> None:
    """Take exits anywhere again."""
    _change_exits({"countries": [], "strict": False}, config, url, token, as_json=as_json)


def prefer(
    node: Node,
    preference: Annotated[
        Preference,
        typer.Argument(help="less and more count as four times and a quarter of its price."),
    ],
    config: Config = _CONFIG,
    url: Url = None,
    token: Token = None,
) -> None:
    """Have a node on routes never, less, normally, more or always."""
    place = find_api(config, url=url, token=token)
    asyncio.run(_prefer(place, node, preference))


def _change_exits(
    wanted: dict[str, Any],
    config: Any,
    url: str | None,
    token: str | None,
    *,
    as_json: bool,
) -> None:
    place = find_api(config, url=url, token=token)
    _print_exits(asyncio.run(_call(place, "PUT", _EXITS, wanted)), as_json=as_json)


def _print_exits(shown: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(shown, indent=2))
        return
    if not shown["countries"]:
        typer.echo("Exits may stand anywhere.")
        return
    rows = [(str(at), ", ".join(tier)) for at, tier in enumerate(shown["countries"], 1)]
    print_table("Exits by preference", ("", "countries"), rows, Console())
    typer.echo("No other country will do." if shown["strict"] else "Then any other country.")


async def _call(
    place: ApiPlace, method: str, path: str, content: dict[str, Any] | None = None
) -> dict[str, Any]:
    async with ApiClient(place) as api:
        return await api.call(method, path, content)


async def _prefer(place: ApiPlace, node: str, preference: Preference) -> None:
    async with ApiClient(place) as api:
        path = f"/v1/neighborhood/{await full_id(api, '/v1/neighborhood', node)}/preference"
        if preference is Preference.NORMAL:
            await api.call("DELETE", path)
        else:
            await api.call("PUT", path, {"preference": preference.value})


async def full_id(api: ApiClient, path: str, beginning: str, **query: str) -> str:
    """Return the one NodeId in a list that begins so; whole ones need not be in it."""
    if len(beginning) == _NODE_ID_SIZE:
        return beginning
    found = {str(item["node_id"]) for item in await api.items(path, **query)}
    fitting = [one for one in sorted(found) if one.startswith(beginning)]
    if len(fitting) == 1:
        return fitting[0]
    problem = f"{len(fitting)} nodes begin with {beginning!r}." if fitting else ""
    raise ApiFailed(
        problem or f"No node begins with {beginning!r}.",
        remedy=f"Give more of the NodeId; the --json of {path} has them whole.",
    )

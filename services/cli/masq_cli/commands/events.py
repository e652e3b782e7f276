"""`masq events`: what happened, and what happens."""

import asyncio
import json
from typing import Annotated, Any

import typer

from masq_cli.client import ApiClient, ApiPlace, find_api
from masq_cli.commands.options import DEFAULT_DATA_DIR, Config, Json, Token, Url
from masq_cli.show.values import plain

__all__ = ["events"]

_CONFIG = DEFAULT_DATA_DIR / "masq.toml"


def events(
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what happens, until Ctrl-C.")
    ] = False,
    after: Annotated[str | None, typer.Option(help="Begin after the event with this id.")] = None,
    kind: Annotated[
        list[str] | None, typer.Option("--type", help="Only these; can be given more than once.")
    ] = None,
    config: Config = _CONFIG,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Show what happened lately on this node: links, stages, bans, payments."""
    place = find_api(config, url=url, token=token)
    asyncio.run(_show(place, after, set(kind or ()), follow=follow, as_json=as_json))


async def _show(
    place: ApiPlace, after: str | None, kinds: set[str], *, follow: bool, as_json: bool
) -> None:
    async with ApiClient(place) as api:
        query = {} if after is None else {"cursor": after}
        past = (await api.get("/v1/events", limit=1_000, **query))["items"]
        for event in past:
            _print(event, kinds, as_json=as_json)
        if follow:
            last = past[-1]["id"] if past else after
            async for event in api.follow("/v1/events/stream", last):
                _print(event, kinds, as_json=as_json)


def _print(event: dict[str, Any], kinds: set[str], *, as_json: bool) -> None:
    if kinds and event["type"] not in kinds:
        return
    if as_json:
        typer.echo(json.dumps(event))
        return
    data = dict(event["data"])
    at = data.pop("at", "")
    told = "  ".join(f"{name}={plain(value)}" for name, value in data.items() if value != "")
    typer.echo(f"{event['id']:>6}  {at}  {event['type']:<22} {told}")

"""When debts are due and debtors refused: `masq thresholds`."""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.console import Console

from masq_cli.client import ApiClient, ApiPlace, find_api
from masq_cli.commands.options import DEFAULT_DATA_DIR, Config, Json, Token, Url
from masq_cli.show.tables import print_facts, print_table
from masq_cli.show.values import plain, size
from masq_kernel.errors import OperatorError

__all__ = ["thresholds"]

_CONFIG = DEFAULT_DATA_DIR / "masq.toml"
_PATH = "/v1/thresholds"
_ASSIGNMENT = re.compile("([a-z_]+)=([0-9]{1,19}|auto|off)")
_NOTHING = {"credit_limit_gwei": "auto", "newcomer_limit_gwei": "off"}
"""What people say where JSON has null."""


thresholds = typer.Typer(help="When debts are due and debtors refused.", no_args_is_help=True)

Values = Annotated[
    list[str],
    typer.Argument(
        help="NAME=VALUE, with names as `masq thresholds show` has them; others stay. "
        "credit_limit_gwei=auto: one and a half times the debt threshold; "
        "newcomer_limit_gwei=off: who has never paid may owe as much as others.",
        metavar="NAME=VALUE...",
    ),
]


@thresholds.command("show")
def show(
    config: Config = _CONFIG, url: Url = None, token: Token = None, as_json: Json = False
) -> None:
    """Show the thresholds in force, and how much traffic they stand for."""
    shown, meanings = asyncio.run(_get(find_api(config, url=url, token=token)))
    _print(shown, as_json=as_json, meanings=meanings)


@thresholds.command("set")
def set_(
    values: Values,
    config: Config = _CONFIG,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Change thresholds. Holds at once, for debts that are old already too."""
    alter = _alteration(values)
    place = find_api(config, url=url, token=token)
    _print(asyncio.run(_change(place, alter)), as_json=as_json)


@thresholds.command("preview")
def preview(
    values: Values,
    config: Config = _CONFIG,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Show whom other thresholds would ban or serve again at once; change nothing."""
    alter = _alteration(values)
    place = find_api(config, url=url, token=token)
    shown = asyncio.run(_preview(place, alter))
    if as_json:
        typer.echo(json.dumps(shown, indent=2))
    else:
        print_facts("Preview", shown, Console())


@thresholds.command("history")
def history(
    config: Config = _CONFIG, url: Url = None, token: Token = None, as_json: Json = False
) -> None:
    """List who changed what, the newest first."""
    changes = asyncio.run(_history(find_api(config, url=url, token=token)))
    if as_json:
        typer.echo(json.dumps(changes, indent=2))
        return
    rows = [
        (str(each["revision"]), each["at"], each["by"], _difference(each["before"], each["after"]))
        for each in changes
    ]
    print_table("Changes", ("", "at", "token", "what"), rows, Console())


def _alteration(values: list[str]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return what makes the wanted thresholds of those in force."""
    wanted: dict[str, str] = {}
    for text in values:
        assignment = _ASSIGNMENT.fullmatch(text)
        if assignment is None:
            remedy = "Give a whole number, such as maturity_threshold_sec=1200."
            raise OperatorError(f"{text!r} is not NAME=VALUE.", remedy=remedy, exit_code=2)
        wanted[assignment[1]] = assignment[2]

    def alter(before: dict[str, Any]) -> dict[str, Any]:
        unknown = sorted(wanted.keys() - before.keys())
        if unknown:
            remedy = f"There are {', '.join(before)}."
            raise OperatorError(f"{unknown[0]!r} is no threshold.", remedy=remedy, exit_code=2)
        return {**before, **{name: _value(name, text) for name, text in wanted.items()}}

    return alter


def _value(name: str, text: str) -> str | int | None:
    """Return what JSON has: amounts as text, seconds as numbers."""
    if text.isdigit():
        return text if name.endswith("_gwei") else int(text)
    if text != _NOTHING.get(name):
        raise OperatorError(f"{name} cannot be {text}.", remedy="Give a whole number.", exit_code=2)
    return None


def _difference(before: dict[str, Any], after: dict[str, Any]) -> str:
    changed = [name for name in after if after[name] != before[name]]
    return ", ".join(f"{name} {before[name]} -> {after[name]}" for name in changed)


def _print(
    shown: dict[str, Any], *, as_json: bool, meanings: list[dict[str, Any]] | None = None
) -> None:
    if as_json:
        typer.echo(json.dumps(shown, indent=2))
        return
    known = {each["name"]: each for each in meanings or ()}
    rows: list[tuple[str, ...]] = []
    for name, value in shown.items():
        means = known.get(name, {})
        text = _NOTHING.get(name, "-") if value is None else str(value)
        traffic = (size(means.get(key)) for key in ("routing_bytes", "exit_bytes"))
        rows.append((name, text, plain(means.get("amount_masq")), *traffic))
    headings = ("", "", "MASQ", "is what we route", "or carry as an exit")
    count = len(headings) if meanings else 2
    print_table("Thresholds", headings[:count], [row[:count] for row in rows], Console())


async def _get(place: ApiPlace) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    async with ApiClient(place) as api:
        meanings = await api.get(f"{_PATH}/meaning")
        return await api.get(_PATH), meanings["items"]


async def _change(
    place: ApiPlace, alter: Callable[[dict[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    async with ApiClient(place) as api:
        return await api.change(_PATH, alter)


async def _preview(
    place: ApiPlace, alter: Callable[[dict[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    async with ApiClient(place) as api:
        return await api.call("POST", f"{_PATH}/preview", alter(await api.get(_PATH)))


async def _history(place: ApiPlace) -> list[dict[str, Any]]:
    async with ApiClient(place) as api:
        return await api.items(f"{_PATH}/history")

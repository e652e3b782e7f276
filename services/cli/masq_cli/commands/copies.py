"""`masq ledger backup` and `masq ledger restore`: copies of the books."""

import asyncio
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from masq_cli.client import ApiClient, ApiPlace, find_api
from masq_cli.commands.options import DEFAULT_DATA_DIR, Config, Json, Token, Url
from masq_cli.effective import Setting, effective_settings
from masq_cli.errors import ApiFailed
from masq_cli.ports import refuse_taken_ports
from masq_cli.show.tables import print_facts
from masq_kernel.clock import SystemClock
from masq_kernel.errors import OperatorError
from masq_kernel.runtime.settings import NodeSettings, load_section, read_file

__all__ = ["backup", "restore"]

_CONFIG = DEFAULT_DATA_DIR / "masq.toml"
_BACKUP = "/v1/ledger/backup"
_LEDGER, _ANCHOR = "ledger.db", "ledger.anchor"
_POLL_S = 0.3

Folder = Annotated[
    Path | None,
    typer.Argument(help="Copy it here as well; a new folder. Else it stays with the node."),
]


def backup(
    folder: Folder = None,
    config: Config = _CONFIG,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Copy the books while they are in use, and verify the copy."""
    if folder is not None and folder.exists():
        problem = f"There is something at {folder} already."
        raise OperatorError(problem, remedy="Choose a new folder.", exit_code=2)
    state = asyncio.run(_back_up(find_api(config, url=url, token=token)))
    if state["problem"]:
        raise ApiFailed(state["problem"], remedy="Then try again.")
    if folder is not None:
        _bring(Path(state["folder"]), folder)
        state["folder"] = str(folder)
    if as_json:
        typer.echo(json.dumps(state, indent=2))
    else:
        print_facts("Copy of the books", state, Console())
        typer.echo("It can only be read with this node's key store: keep a copy of that too.")


def restore(
    folder: Annotated[Path, typer.Argument(help="A copy that `masq ledger backup` made.")],
    config: Config = _CONFIG,
) -> None:
    """Put back a copy of the books; the node must be stopped."""
    sections = read_file(config)
    settings = effective_settings(sections)
    node = load_section(NodeSettings, "node", file=sections.get("node", {}))
    ledger = _ledger_file(settings, node)
    anchor = node.data_dir / _ANCHOR
    missing = [name for name in (_LEDGER, _ANCHOR) if not (folder / name).is_file()]
    if missing:
        problem = f"There is no {missing[0]} in {folder}."
        raise OperatorError(problem, remedy="Name a folder that `masq ledger backup` made.")
    refuse_taken_ports(settings)
    stamp = SystemClock().utc().strftime("%Y%m%dT%H%M%SZ")
    aside = node.data_dir / "backups" / f"before-{stamp}"
    try:
        _put_aside([ledger, *(Path(f"{ledger}{end}") for end in ("-wal", "-shm")), anchor], aside)
        _put(folder / _LEDGER, ledger)
        _put(folder / _ANCHOR, anchor)
    except OSError as error:
        problem = f"The copy cannot be put back: {error}."
        raise OperatorError(problem, remedy=f"What was there is in {aside}.") from None
    typer.echo(f"The books are those of {folder}; what was booked later is lost to them.")
    typer.echo(f"Those before are in {aside}. Start the node, then run `masq ledger verify`.")


def _ledger_file(settings: Iterable[Setting], node: NodeSettings) -> Path:
    values = {each.key: each.value for each in settings if each.section == "accountant"}
    if values.get("ledger_url"):
        problem = "The books of this node are on a PostgreSQL server."
        raise OperatorError(problem, remedy="Put them back with pg_restore or psql.")
    return Path(values.get("ledger_file") or node.data_dir / _LEDGER)


async def _back_up(place: ApiPlace) -> dict[str, Any]:
    async with ApiClient(place) as api:
        state = await api.call("POST", _BACKUP)
        while state["is_running"]:
            await asyncio.sleep(_POLL_S)
            state = await api.get(_BACKUP)
        return state


def _bring(source: Path, target: Path) -> None:
    try:
        target.mkdir(mode=0o700, parents=True)
        for name in (_LEDGER, _ANCHOR):
            _put(source / name, target / name)
    except OSError as error:
        problem = f"The copy in {source} cannot be brought to {target}: {error}."
        remedy = "Take it from there; this command must run on the node's machine, as its user."
        raise OperatorError(problem, remedy=remedy) from None


def _put_aside(files: Iterable[Path], folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True)
    for file in files:
        if file.exists():
            shutil.move(file, folder / file.name)


def _put(source: Path, target: Path) -> None:
    """Copy a file, private from its first byte on and in one step."""
    partial = target.with_name(target.name + ".part")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    shutil.copyfile(source, partial)
    partial.replace(target)

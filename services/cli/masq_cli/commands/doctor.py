"""`masq doctor`: is everything as it should be, and if not, what to do."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import typer
from rich.console import Console

from masq_cli.client import ApiClient, ApiPlace, find_api
from masq_cli.commands.options import DEFAULT_DATA_DIR, Config, Json, Token, Url
from masq_cli.show.tables import print_table

__all__ = ["Answers", "Finding", "diagnose", "doctor"]

_CONFIG = DEFAULT_DATA_DIR / "masq.toml"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Args:
        subject: what.
        is_well: whether it is as it should be.
        state: how it is.
        remedy: what to do; empty when nothing is.
    """

    subject: str
    is_well: bool
    state: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the API says.

    Args:
        node: `/v1/node`.
        verification: `/v1/ledger/verification`.
        disputes: the items of `/v1/disputes`, open ones.
        wallets: `/v1/wallets`.
        scans: the items of `/v1/scans`.
    """

    node: Mapping[str, Any]
    verification: Mapping[str, Any]
    disputes: Sequence[Any]
    wallets: Mapping[str, Any]
    scans: Sequence[Mapping[str, Any]]


def doctor(
    config: Config = _CONFIG, url: Url = None, token: Token = None, as_json: Json = False
) -> None:
    """Look at services, mesh, books, disputes and payments; exit code 1 when anything is wrong."""
    answers = asyncio.run(_look(find_api(config, url=url, token=token)))
    findings = list(diagnose(answers))
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in findings], indent=2))
    else:
        rows = [
            ("ok" if each.is_well else "WRONG", each.subject, each.state, each.remedy)
            for each in findings
        ]
        print_table("Health of this node", ("", "what", "how it is", "what to do"), rows, Console())
    if not all(each.is_well for each in findings):
        raise typer.Exit(1)


async def _look(place: ApiPlace) -> Answers:
    async with ApiClient(place) as api:
        node = await api.get("/v1/node")
        verification = await api.get("/v1/ledger/verification")
        disputes = await api.get("/v1/disputes", open="true")
        wallets, scans = await api.get("/v1/wallets"), await api.get("/v1/scans")
    return Answers(node, verification, disputes["items"], wallets, scans["items"])


def diagnose(answers: Answers) -> Iterator[Finding]:
    """Return what is to be said of these answers of the API."""
    node, disputes = answers.node, answers.disputes
    for name, service in node.get("services", {}).items():
        yield from _service(name, service)
    stage = node.get("stage", "unknown")
    remedy = "" if stage == "routable" else "`masq status --history` says how far it got."
    yield Finding(
        "mesh", stage == "routable", f"{stage} {node.get('stage_reason', '')}".strip(), remedy
    )
    yield _books(answers.verification)
    yield from _chain(answers.wallets, answers.scans)
    remedy = "Look at both words with `masq disputes --open --json`." if disputes else ""
    yield Finding("disputes", not disputes, f"{len(disputes)} open", remedy)
    refusing = node.get("refusing") or ""
    remedy = "`masq doctor` again in a minute; the router's log has more." if refusing else ""
    yield Finding("clients", not refusing, refusing or "served", remedy)


def _service(name: str, service: Mapping[str, Any]) -> Iterator[Finding]:
    needs = service.get("dependencies", {})
    missing = {need: state for need, state in needs.items() if state != "ok"}
    if service.get("ready") and not missing:
        yield Finding(name, is_well=True, state="ready")
        return
    state = "; ".join(f"{key}: {said}" for key, said in missing.items()) or "does not answer"
    yield Finding(name, is_well=False, state=state, remedy=f"Look into the log of `{name}`.")


def _books(verification: Mapping[str, Any]) -> Finding:
    if verification["is_read_only"]:
        state = f"read-only: {verification['row']} {verification['reason']}"
        remedy = "Stop the node and put back a copy with `masq ledger restore FOLDER`."
        return Finding("books", is_well=False, state=state, remedy=remedy)
    booked, signed = verification["transactions"], verification["checkpoint"]
    return Finding("books", is_well=True, state=f"{booked} transactions, signed up to {signed}")


def _chain(wallets: Mapping[str, Any], scans: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Say whether debts can be paid; a node without an RPC server is well and pays nothing."""
    if not wallets["is_configured"]:
        yield Finding("chain", is_well=True, state="no RPC server is set: nothing is paid")
    for server in wallets["servers"]:
        state = server["trouble"] or f"block {server['head']}"
        remedy = "Correct `rpc_urls` in the section [accountant]." if server["trouble"] else ""
        yield Finding(f"RPC {server['name']}", not server["trouble"], state, remedy)
    for scan in scans:
        if not scan["is_well"]:
            remedy = f"Run it again with `masq scan {scan['kind']}` once that is mended."
            yield Finding(f"scan {scan['kind']}", False, scan["outcome"], remedy)

"""`masq simulate`: whole gossip cores on a virtual clock, for whoever wonders how they behave."""

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.status import Status

from masq_cli.commands.options import Json
from masq_cli.show.tables import print_table
from masq_kernel.clock import SystemClock

__all__ = ["simulate"]

NODES_MAX = 20_000


def simulate(
    nodes: Annotated[
        int, typer.Option(min=6, max=NODES_MAX, help="How many nodes the mesh has.")
    ] = 50,
    seed: Annotated[int, typer.Option(min=0, help="One seed, one history.")] = 1,
    ask: Annotated[
        list[str] | None,
        typer.Option(help="A question, may be repeated; without it all are asked."),
    ] = None,
    delay_ms: Annotated[float, typer.Option(min=0, max=5000, help="Mean delay of a link.")] = 50.0,
    loss: Annotated[float, typer.Option(min=0, max=0.5, help="Share of messages lost.")] = 0.0,
    histories: Annotated[
        int, typer.Option(min=0, help="Instead: play so many random histories of misfortune.")
    ] = 0,
    as_json: Json = False,
) -> None:
    """Simulate a neighborhood on a virtual clock: what it costs, how fast it learns, how it heals.

    Questions: grow, rest, rate, join, leave, churn, partition, lies. A thousand nodes take some
    minutes, ten thousand more than an hour.
    """
    console = Console(stderr=True)
    with console.status("starting") as status:
        if histories:
            _play(histories, seed, status, as_json=as_json)
        else:
            _study(nodes, seed, ask, _conditions(delay_ms, loss), status, as_json=as_json)


def _conditions(delay_ms: float, loss: float) -> Any:
    from masq_gossip.simulation import Conditions

    return Conditions(delay_s=delay_ms / 1000, loss=loss)


def _study(
    nodes: int,
    seed: int,
    ask: Sequence[str] | None,
    conditions: Any,
    status: Status,
    *,
    as_json: bool,
) -> None:
    from masq_gossip.simulation import QUESTIONS, Study

    questions = list(ask or QUESTIONS)
    unknown = [one for one in questions if one not in QUESTIONS]
    if unknown:
        known = ", ".join(QUESTIONS)
        raise typer.BadParameter(f"{unknown[0]!r} is no question. Ask one of {known}.")
    study = Study(nodes, seed, status.update, conditions=conditions)
    findings = list(study.run(questions))
    if as_json:
        told = {one.name: one.value for one in findings}
        typer.echo(json.dumps({"nodes": nodes, "seed": seed, "findings": told}, indent=2))
        return
    rows = [(one.name.replace("_", " "), _shown(one.value)) for one in findings]
    print_table(f"{nodes} nodes, seed {seed}", ("figure", "value"), rows, Console())


def _shown(value: float | None) -> str:
    return "not in time" if value is None else f"{value:,.2f}"


def _play(histories: int, seed: int, status: Status, *, as_json: bool) -> None:
    from masq_gossip.simulation import Mischief

    clock = SystemClock()
    began = clock.monotonic()
    failures: list[dict[str, Any]] = []
    for turn in range(seed, seed + histories):
        status.update(f"history {turn - seed + 1} of {histories}, {len(failures)} violations")
        for liars in (0, 2):
            try:
                Mischief(turn, liars=liars).run()
            except AssertionError as violation:
                failures.append({"seed": turn, "liars": liars, "violation": str(violation)})
    seconds = clock.monotonic() - began
    if as_json:
        typer.echo(json.dumps({"histories": 2 * histories, "violations": failures}, indent=2))
    else:
        for failure in failures:
            typer.echo(
                f"seed {failure['seed']} with {failure['liars']} liars: {failure['violation']}"
            )
        typer.echo(
            f"{2 * histories} random histories, {len(failures)} violations, {seconds:.0f} s."
        )
    if failures:
        raise typer.Exit(1)

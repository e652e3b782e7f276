"""`masq demo`: a mesh on this machine that shows what it does."""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from masq_cli.commands.options import Json
from masq_cli.demo.display import choose_display
from masq_cli.demo.plan import NODES_MAX, NODES_MIN
from masq_cli.demo.sizes import read_size
from masq_cli.demo.story import Demo, DemoOptions
from masq_cli.foreground import catch_signals
from masq_cli.making.node import make_data_dir
from masq_kernel.clock import SystemClock
from masq_kernel.entropy import OsEntropy

__all__ = ["demo"]

_INTERRUPTED = 130
"""128 + SIGINT, as shells count."""


def demo(
    nodes: Annotated[
        int, typer.Option(min=NODES_MIN, max=NODES_MAX, help="How many nodes the mesh has.")
    ] = 6,
    size: Annotated[str, typer.Option(help="How much to download, such as 50MB.")] = "50MB",
    once: Annotated[bool, typer.Option("--once", help="End after the checks.")] = False,
    chain: Annotated[
        bool, typer.Option("--chain", help="Pay the debts on a local chain too (needs anvil).")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the nodes' files behind.")] = False,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where the nodes' files go; else a temporary folder.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Start a mesh here, download through it, compare both sides' books; Ctrl-C ends it."""
    amount = read_size(size)
    with _folder(data_dir, keep=keep) as root:
        options = DemoOptions(
            nodes=nodes,
            size=amount,
            once=once,
            root=root,
            program=sys.argv[0],
            with_chain=chain,
        )
        is_proven = asyncio.run(_run(options, as_json=as_json))
    if not is_proven:
        raise typer.Exit(_INTERRUPTED)


async def _run(options: DemoOptions, *, as_json: bool) -> bool:
    """Run the demo until it ends or Ctrl-C; return whether its checks were done."""
    display = choose_display(as_json=as_json)
    story = Demo(options, display, clock=SystemClock(), entropy=OsEntropy())
    try:
        async with asyncio.TaskGroup() as tasks:
            telling = tasks.create_task(story.run(), name="demo")

            def stop() -> None:
                story.stopping()
                telling.cancel()

            catch_signals(stop, lambda: tasks.create_task(story.kill(), name="kill"))
    finally:
        display.close()
    return story.is_proven


@contextmanager
def _folder(data_dir: Path | None, *, keep: bool) -> Iterator[Path]:
    """Give a folder for the nodes, and remove it afterwards unless it is to be kept."""
    if data_dir is None:
        root = Path(tempfile.mkdtemp(prefix="masq-demo-"))
    else:
        root = data_dir.absolute()
        make_data_dir(root)
    try:
        yield root
    finally:
        if keep:
            typer.echo(f"The nodes' files are in {root}.", err=True)
        else:
            shutil.rmtree(root, ignore_errors=True)

"""A node in the foreground: its processes, what to say about them, and Ctrl-C.

The first SIGINT or SIGTERM stops in order, the second at once.
"""

import asyncio
import json
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

from masq_cli.supervisor import NodeProcesses, Outfit, ProcessEvent, ProcessState
from masq_cli.supervisor.logs import PrefixedOutput
from masq_kernel.clock import SystemClock
from masq_kernel.entropy import OsEntropy
from masq_kernel.runtime.settings import NodeSettings

__all__ = ["event_line", "run_node", "run_processes"]


class Processes(Protocol):
    """What is run: a node, or the processes of one service."""

    async def start(self) -> None:
        """Start everything; returns when each process has been started once."""
        ...

    async def stop(self) -> None:
        """Stop everything in order."""
        ...

    async def kill(self) -> None:
        """End everything at once."""
        ...


async def run_node(
    node: NodeSettings,
    config: Path,
    environment: Mapping[str, str],
    *,
    routers: int,
    as_json: bool,
) -> int:
    """Run a node until it is told to stop, or until a process of it fails for good.

    Args:
        node: its settings.
        config: its configuration file.
        environment: of its processes.
        routers: how many router processes it has.
        as_json: how events are printed.

    Returns:
        The exit code: 0, or that of the process that failed.

    Raises:
        OperatorError: the bus cannot be started.
    """

    def make(outfit: Outfit, tasks: asyncio.TaskGroup) -> Processes:
        return NodeProcesses(node, config, outfit, tasks, routers=routers)

    return await run_processes(make, environment, as_json=as_json)


async def run_processes(
    make: Callable[[Outfit, asyncio.TaskGroup], Processes],
    environment: Mapping[str, str],
    *,
    as_json: bool,
) -> int:
    """Run processes until we are told to stop, or until one fails for good.

    Returns:
        The exit code: 0, or that of the process that failed.
    """
    over = asyncio.Event()
    failed: list[ProcessEvent] = []

    def hear(event: ProcessEvent) -> None:
        _print_event(event, as_json=as_json)
        if event.state is ProcessState.FAILED:
            failed.append(event)
            over.set()

    outfit = Outfit(
        clock=SystemClock(),
        entropy=OsEntropy(),
        environment=environment,
        sink=PrefixedOutput,
        on_event=hear,
    )
    async with asyncio.TaskGroup() as tasks:
        processes = make(outfit, tasks)
        catch_signals(over.set, lambda: tasks.create_task(processes.kill(), name="kill"))
        try:
            start = tasks.create_task(processes.start(), name="start")
            await over.wait()
            start.cancel()
        finally:
            await processes.stop()
    return failed[0].exit_code or 1 if failed else 0


def catch_signals(first: Callable[[], object], second: Callable[[], object]) -> None:
    """Call `first` on the first SIGINT or SIGTERM, and `second` on each further one."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()

    def hear() -> None:
        if told.is_set():
            second()
        else:
            told.set()
            first()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, hear)


def event_line(event: ProcessEvent) -> str:
    """Return one line for people about a change of state."""
    line = f"{event.name}: {event.state}"
    if event.state is ProcessState.RUNNING and event.restarts:
        line += f" again (restart {event.restarts})"
    if event.exit_code is not None:
        line += f" (exit code {event.exit_code})"
    if event.wait_s is not None:
        line += f", next start in {event.wait_s:.1f} s"
    return f"{line}: {event.reason}" if event.reason else line


def _print_event(event: ProcessEvent, *, as_json: bool) -> None:
    """Events are this command's output; the services' own lines go to standard error."""
    sys.stdout.write((json.dumps(asdict(event)) if as_json else event_line(event)) + "\n")
    sys.stdout.flush()

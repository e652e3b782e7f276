"""The life of a service process: settings, bus, tasks, health, signals, orderly stop.

    start -> bus connected -> main(runtime) -> SIGTERM or SIGINT -> main returns -> bus closed

A service is a function `main(runtime)`: it sets itself up, waits for `runtime.stopping`, and takes
itself down. Everything that differs between real life and a test is in its Runtime.
"""

import argparse
import asyncio
import os
import resource
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import structlog
import uvloop
from prometheus_client import CollectorRegistry

from masq_kernel import __version__
from masq_kernel.bus.errors import BusUnavailable
from masq_kernel.bus.nats import NatsBus
from masq_kernel.bus.port import Bus
from masq_kernel.bus.subjects import Service
from masq_kernel.chains import Chain, chain_named
from masq_kernel.clock import Clock, SystemClock
from masq_kernel.entropy import Entropy, OsEntropy
from masq_kernel.errors import OperatorError
from masq_kernel.identity.keystore import KeyStore
from masq_kernel.runtime.control import Control
from masq_kernel.runtime.health import OK, HealthBoard
from masq_kernel.runtime.logging import configure_logging
from masq_kernel.runtime.passphrase import read_passphrase
from masq_kernel.runtime.settings import NodeSettings, SectionSettings, load_section, read_file

__all__ = ["Runtime", "run"]

S = TypeVar("S", bound=SectionSettings)

BUS_WAIT_S = 30.0
"""How long a service waits for the bus at its start: a nats-server on a busy machine needs a few
seconds, and past half a minute the operator should hear that it is not there."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What a service has at hand.

    Args:
        service: which one it is.
        node: what all services of the node share.
        sections: the whole configuration file, by section.
        bus: connected when `main` begins.
        clock, entropy: the only sources of time and chance.
        tasks: a crash of one task stops the process with exit code 1.
        health: what this process says about itself.
        metrics: what this process counts.
        control: answers both.
        stopping: set when the process is told to stop.
    """

    service: Service
    node: NodeSettings
    sections: dict[str, dict[str, Any]]
    bus: Bus
    clock: Clock
    entropy: Entropy
    tasks: asyncio.TaskGroup
    health: HealthBoard
    metrics: CollectorRegistry
    control: Control
    stopping: asyncio.Event

    def section(self, kind: type[S]) -> S:
        """Return the settings of this service's own section."""
        return load_section(kind, self.service, file=self.sections.get(self.service, {}))

    @property
    def chain(self) -> Chain:
        """The chain that the node's settings name; they were checked when they were read."""
        return chain_named(self.node.chain)

    def open_keystore(self) -> KeyStore:
        """Return the node's opened key store.

        Raises:
            OperatorError: no passphrase, a wrong one, or no usable key store.
        """
        passphrase = read_passphrase(self.node.passphrase_file)
        return KeyStore.open(self.node.data_dir / "keystore.json", passphrase, self.entropy)


def run(
    service: Service,
    main: Callable[[Runtime], Awaitable[None]],
    argv: list[str] | None = None,
) -> int:
    """Run one service until it is told to stop; return the process's exit code.

    An OperatorError is printed as its two sentences; anything else is a defect, logged with its
    traceback, exit code 1.
    """
    arguments = _parse(service, argv)
    _protect_process()
    try:
        sections = read_file(arguments.config)
        node = load_section(NodeSettings, "node", file=sections.get("node", {}))
        configure_logging(service, level=node.log_level, style=node.log_format)
        uvloop.run(_live(service, main, node, sections))
    except OperatorError as error:
        print(f"masq {service}: {error}", file=sys.stderr)  # noqa: T201 - this is the one place
        return error.exit_code
    except BaseExceptionGroup as group:
        return _report_crash(service, group)
    return 0


def _parse(service: Service, argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"masq service {service}")
    default = os.environ.get("MASQ_CONFIG", str(Path.home() / ".masq" / "masq.toml"))
    parser.add_argument("--config", type=Path, default=Path(default), help="the node's TOML file")
    return parser.parse_args(argv)


def _protect_process() -> None:
    """Private files, no core dumps (they would hold keys), as many sockets as we may have."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _report_crash(service: Service, group: BaseExceptionGroup[BaseException]) -> int:
    """Print what the operator can mend; log everything else as the defect it is."""
    mendable, defects = group.split(OperatorError)
    if defects is not None:
        _log.error("service failed", exc_info=defects)
        return 1
    assert mendable is not None
    first: BaseException = mendable
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    assert isinstance(first, OperatorError)
    print(f"masq {service}: {first}", file=sys.stderr)  # noqa: T201 - this is the one place
    return first.exit_code


async def _live(
    service: Service,
    main: Callable[[Runtime], Awaitable[None]],
    node: NodeSettings,
    sections: dict[str, dict[str, Any]],
) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    health, registry, clock = HealthBoard(), CollectorRegistry(), SystemClock()
    control = Control(service, health, registry, clock)
    bus = await _connect(service, node, health)
    try:
        async with asyncio.TaskGroup() as tasks:
            runtime = Runtime(
                service=service,
                node=node,
                sections=sections,
                bus=bus,
                clock=clock,
                entropy=OsEntropy(),
                tasks=tasks,
                health=health,
                metrics=registry,
                control=control,
                stopping=stopping,
            )
            await control.serve(bus)
            _log.info("service started", version=__version__)
            await main(runtime)
    finally:
        await bus.close()
    _log.info("service stopped")


async def _connect(service: Service, node: NodeSettings, health: HealthBoard) -> NatsBus:
    password_file = node.data_dir / "bus" / f"{service}.password"
    try:
        password = password_file.read_text(encoding="ascii").strip()
    except OSError:
        problem = f"The bus password {password_file} cannot be read."
        raise OperatorError(problem, remedy="Make the node with `masq init`.") from None

    def report(connected: bool) -> None:
        health.report("bus", OK if connected else "not connected")

    try:
        return await NatsBus.connect(
            service, [node.bus_url], password=password, wait_s=BUS_WAIT_S, on_state=report
        )
    except BusUnavailable as error:
        problem = f"The bus at {node.bus_url} cannot be reached: {error.reason}."
        remedy = "Start it (`masq up` does), or correct `nats_url` in the section [node]."
        raise OperatorError(problem, remedy=remedy, exit_code=3) from None

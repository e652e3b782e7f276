"""A process that is kept running until it is told to stop (states: report.py)."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from masq_cli.supervisor.backoff import Backoff, RestartPolicy
from masq_cli.supervisor.child import Child
from masq_cli.supervisor.logs import LogSink
from masq_cli.supervisor.report import ProcessEvent, ProcessState
from masq_kernel.clock import Clock
from masq_kernel.entropy import Entropy
from masq_kernel.errors import OperatorError

__all__ = ["KeptProcess", "Outfit", "ProcessSpec"]

_HOPELESS_EXIT_CODES = frozenset({2, 4})
"""Settings that cannot be used, keys that do not open: the next start would end the same way."""

_CANNOT_RUN = 126
"""What a shell says of a program that cannot be run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """What to run.

    Args:
        name: for people and for file names.
        command: program and arguments.
        ready: returns once the process answers; None: it is running as soon as it is started.
        grace_s: how long it may take to stop before it is killed.
        program: what it calls itself in its last sentence; empty: its name. Several can be one's.
    """

    name: str
    command: tuple[str, ...]
    ready: Callable[[], Awaitable[None]] | None = None
    grace_s: float = 10.0
    program: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outfit:
    """What every kept process of a node shares.

    Args:
        clock, entropy: time and chance.
        environment: of the children.
        sink: makes the place where the output of the process of that name goes.
        on_event: hears of each change of state; must not raise.
        policy: when to start again.
    """

    clock: Clock
    entropy: Entropy
    environment: Mapping[str, str]
    sink: Callable[[str], LogSink]
    on_event: Callable[[ProcessEvent], None]
    policy: RestartPolicy = field(default_factory=RestartPolicy)


class KeptProcess:
    """Runs one process over and over.

    Args:
        spec: what to run.
        outfit: what it shares with others.
    """

    def __init__(self, spec: ProcessSpec, outfit: Outfit) -> None:
        self.spec = spec
        self.last = ProcessEvent(name=spec.name, state=ProcessState.STOPPED)
        self._outfit = outfit
        self._backoff = Backoff(outfit.policy)
        self._child: Child | None = None
        self._starts = 0
        self._stopping = asyncio.Event()
        self._settled = asyncio.Event()
        self._ended = asyncio.Event()

    @property
    def is_kept(self) -> bool:
        """Whether it would be started again if it ended now."""
        return not (self._stopping.is_set() or self._ended.is_set())

    async def run(self) -> None:
        """Keep it running until `stop`, or until it fails in a way that no restart mends."""
        sink = self._outfit.sink(self.spec.name)
        try:
            while not self._stopping.is_set():
                began = self._outfit.clock.monotonic()
                exit_code, reason = await self._run_once(sink)
                if self._stopping.is_set():
                    break
                if exit_code in _HOPELESS_EXIT_CODES:
                    self._tell(ProcessState.FAILED, exit_code=exit_code, reason=reason)
                    return
                ran_s = self._outfit.clock.monotonic() - began
                await self._back_off(ran_s, exit_code, reason)
            self._tell(ProcessState.STOPPED)
        finally:
            sink.close()
            self._ended.set()

    async def wait_settled(self) -> None:
        """Return once it has run, failed or been stopped for the first time."""
        await self._settled.wait()

    async def stop(self) -> None:
        """End it and return when it is gone; only after `run` has begun."""
        self._stopping.set()
        if self._child is not None:
            await self._child.stop(self.spec.grace_s)
        await self._ended.wait()

    async def kill(self) -> None:
        """End it at once."""
        self._stopping.set()
        if self._child is not None:
            await self._child.kill()

    async def _run_once(self, sink: LogSink) -> tuple[int, str]:
        self._starts += 1
        self._tell(ProcessState.STARTING)
        command, environment = self.spec.command, self._outfit.environment
        try:
            child = await Child.start(command, environment, sink)
        except OSError as error:
            return _CANNOT_RUN, f"{command[0]} cannot be run: {error.strerror}."
        self._child = child
        try:
            if self._stopping.is_set():  # told while the child was being started
                await child.kill()
            async with asyncio.TaskGroup() as tasks:
                watch = tasks.create_task(self._watch(child), name=f"watch {self.spec.name}")
                exit_code = await child.wait()
                watch.cancel()
        finally:
            await child.kill()
            self._child = None
        return exit_code, child.last_words(self.spec.program or self.spec.name)

    async def _watch(self, child: Child) -> None:
        """Say when the child is running; end it when it does not get ready."""
        try:
            if self.spec.ready is not None:
                await self.spec.ready()
        except OperatorError:
            await child.kill()
        if child.exit_code is None:
            self._tell(ProcessState.RUNNING)

    async def _back_off(self, ran_s: float, exit_code: int, reason: str) -> None:
        wait_s = self._backoff.after_end(ran_s, self._outfit.entropy.fraction())
        self._tell(ProcessState.BACKING_OFF, exit_code=exit_code, reason=reason, wait_s=wait_s)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._stopping.wait()

    def _tell(
        self,
        state: ProcessState,
        *,
        exit_code: int | None = None,
        reason: str = "",
        wait_s: float | None = None,
    ) -> None:
        self.last = ProcessEvent(
            name=self.spec.name,
            state=state,
            pid=self._child.pid if self._child is not None else None,
            restarts=max(0, self._starts - 1),
            exit_code=exit_code,
            reason=reason,
            wait_s=wait_s,
        )
        if state is not ProcessState.STARTING:
            self._settled.set()
        self._outfit.on_event(self.last)

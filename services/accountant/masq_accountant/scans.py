"""Work that is done every so often: by itself, by hand, never twice at once, and never for ever.

What failed is tried again sooner than the next turn, each time later, up to the interval.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from masq_accountant.errors import ChainError, LedgerReadOnly
from masq_kernel.clock import Clock
from masq_kernel.units import UnixSeconds

__all__ = ["Outcome", "Scan", "ScanBusy", "Scans"]

RETRY_FIRST_S = 5.0

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a scan did.

    Args:
        text: a sentence's worth for people.
        changed: how many things it changed.
        is_well: whether it did all that was to do.
    """

    text: str
    changed: int = 0
    is_well: bool = True


class ScanBusy(Exception):  # noqa: N818 - states a fact
    """It goes on already."""


@dataclass(slots=True, kw_only=True)
class Scan:
    """One kind of scan.

    Args:
        kind: its name.
        interval_s: from one end to the next beginning; 0: only by hand.
        timeout_s: how long one may take; None: its work has limits of its own.
        work: what it does.
        waits: none begins by itself before `allow`.
    """

    kind: str
    interval_s: float
    timeout_s: float | None
    work: Callable[[], Awaitable[Outcome]]
    waits: bool = False
    is_running: bool = False
    runs: int = 0
    failures: int = 0
    started_at: UnixSeconds | None = None
    finished_at: UnixSeconds | None = None
    took_s: float = 0.0
    outcome: Outcome | None = None
    next_at: UnixSeconds | None = None
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)
    _allowed: asyncio.Event = field(default_factory=asyncio.Event)

    def start(self) -> None:
        """Begin one now.

        Raises:
            ScanBusy: one goes on.
        """
        if self.is_running:
            raise ScanBusy
        self.is_running = True  # from now on, so that nobody else begins one
        self._wanted.set()
        self._allowed.set()

    def allow(self) -> None:
        """Let it begin by itself."""
        self._allowed.set()

    async def run(self, clock: Clock) -> None:
        """Scan, for ever."""
        await self._until_begin()
        while True:
            await self._once(clock)
            wait_s = self._wait_s()
            self.next_at = None if wait_s is None else UnixSeconds(clock.unix() + round(wait_s))
            await self._until_wanted(wait_s)

    def _wait_s(self) -> float | None:
        if self.interval_s == 0:
            return None
        if not self.failures:
            return self.interval_s
        return float(min(self.interval_s, RETRY_FIRST_S * 2 ** min(self.failures - 1, 16)))

    async def _until_begin(self) -> None:
        if self.interval_s == 0:
            await self._wanted.wait()
            return
        if self.waits:
            await self._allowed.wait()

    async def _until_wanted(self, wait_s: float | None) -> None:
        try:
            async with asyncio.timeout(wait_s):
                await self._wanted.wait()
        except TimeoutError:
            return

    async def _once(self, clock: Clock) -> None:
        self._wanted.clear()
        self.is_running, self.next_at = True, None
        self.started_at, began = clock.unix(), clock.monotonic()
        try:
            self.outcome = await self._work()
        finally:
            self.is_running = False
        self.runs += 1
        self.failures = 0 if self.outcome.is_well else self.failures + 1
        self.finished_at, self.took_s = clock.unix(), clock.monotonic() - began
        log = _log.info if self.outcome.is_well else _log.warning
        log("scan ended", kind=self.kind, outcome=self.outcome.text)

    async def _work(self) -> Outcome:
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self.work()
        except TimeoutError:
            return Outcome(f"it was given up after {self.timeout_s or 0:g} s", is_well=False)
        except LedgerReadOnly as error:
            return Outcome(f"the books are read-only: {error}", is_well=False)
        except ChainError as error:
            return Outcome(str(error), is_well=False)
        except SQLAlchemyError as error:
            return Outcome(f"the books cannot be written: {type(error).__name__}", is_well=False)


class Scans:
    """All kinds.

    Args:
        clock: for their times.
        scans: each with another kind.
    """

    def __init__(self, clock: Clock, scans: list[Scan]) -> None:
        self._clock = clock
        self.by_kind = {scan.kind: scan for scan in scans}

    def background(self) -> list[tuple[str, Callable[[], Coroutine[Any, Any, None]]]]:
        """Return what goes on until the accountant stops, with its name."""
        return [(f"scan {kind}", _bound(scan, self._clock)) for kind, scan in self.by_kind.items()]


def _bound(scan: Scan, clock: Clock) -> Callable[[], Coroutine[Any, Any, None]]:
    return lambda: scan.run(clock)

"""Work that is done every so often: by itself, by hand, never twice at once, and never for ever.

What failed is tried again sooner than the next turn, each time later, up to the interval.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
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
    _is_wanted: bool = False
    _is_allowed: bool = False
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)

    def start(self) -> None:
        """Begin one now.

        Raises:
            ScanBusy: one goes on.
        """
        if self.is_running:
            raise ScanBusy
        self.is_running = True  # from now on, so that nobody else begins one
        self._is_wanted = True
        self._stirred.set()

    def allow(self) -> None:
        """Let it begin by itself."""
        self._is_allowed = True
        self._stirred.set()

    def change_interval(self, interval_s: float) -> None:
        """Do it so often from now on, counted from the end of the last one."""
        self.interval_s = interval_s
        self._stirred.set()

    async def run(self, clock: Clock) -> None:
        """Scan, for ever."""
        ended: float | None = None
        while True:
            await self._until_due(clock, ended)
            await self._once(clock)
            ended = clock.monotonic()

    async def _until_due(self, clock: Clock, ended: float | None) -> None:
        while not self._is_wanted:
            self._stirred.clear()
            left_s = self._left_s(clock.monotonic(), ended)
            self.next_at = None if left_s is None else UnixSeconds(clock.unix() + round(left_s))
            if left_s is not None and left_s <= 0:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._stirred.wait()

    def _left_s(self, now: float, ended: float | None) -> float | None:
        """Return how long until it begins by itself; None: it does not."""
        wait_s = self._wait_s()
        if wait_s is None or (self.waits and not self._is_allowed and ended is None):
            return None
        return 0.0 if ended is None else max(0.0, wait_s - (now - ended))

    def _wait_s(self) -> float | None:
        if self.interval_s == 0:
            return None
        if not self.failures:
            return self.interval_s
        return float(min(self.interval_s, RETRY_FIRST_S * 2 ** min(self.failures - 1, 16)))

    async def _once(self, clock: Clock) -> None:
        self._is_wanted = False
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

"""Time as an input: the real clock, and one that tests move by hand."""

import time
from datetime import UTC, datetime
from typing import Protocol

from masq_kernel.units import Seconds, UnixSeconds

__all__ = ["Clock", "ManualClock", "SystemClock"]


class Clock(Protocol):
    """Where the time comes from."""

    def monotonic(self) -> Seconds:
        """Return seconds since some fixed point; for waiting and measuring."""
        ...

    def unix(self) -> UnixSeconds:
        """Return whole seconds since 1970 in UTC; for records and expiries."""
        ...

    def utc(self) -> datetime:
        """Return the time of day, with its zone; for people and bookkeeping."""
        ...


class SystemClock:
    """The machine's clock."""

    def monotonic(self) -> Seconds:
        """Return the machine's monotonic time."""
        return Seconds(time.monotonic())  # noqa: TID251 - this is the one place

    def unix(self) -> UnixSeconds:
        """Return the machine's time of day in whole seconds."""
        return UnixSeconds(int(time.time()))  # noqa: TID251 - this is the one place

    def utc(self) -> datetime:
        """Return the machine's time of day."""
        return datetime.now(UTC)  # noqa: TID251 - this is the one place


class ManualClock:
    """A clock that only `advance` moves.

    Args:
        start: the first unix time; the monotonic clock starts at 0.
    """

    def __init__(self, start: int = 1_800_000_000) -> None:
        self._start = start
        self._elapsed = 0.0

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        assert seconds >= 0
        self._elapsed += seconds

    def monotonic(self) -> Seconds:
        """Return the seconds advanced so far."""
        return Seconds(self._elapsed)

    def unix(self) -> UnixSeconds:
        """Return the start plus the seconds advanced so far."""
        return UnixSeconds(self._start + int(self._elapsed))

    def utc(self) -> datetime:
        """Return the same instant as `unix`, with its zone."""
        return datetime.fromtimestamp(self._start + self._elapsed, UTC)

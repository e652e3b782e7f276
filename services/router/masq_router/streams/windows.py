"""How many bytes a receiver lets the other end send ahead (protocol.md 4.3). Pure.

    measured -> doubled -> paid: doubled again | did not pay: taken back, and held

A window that is too small for its path shows in what a larger one gains, and in nothing else: not
in a round trip time, which grows with every byte that only waits in a relay's queue. So each
doubling is a trial. It stays if bytes now come faster by GAIN; otherwise it is taken back, because
all it did was to lengthen a queue in which everybody waits. A reader that takes nothing ends no
round and gains nothing; a path that gets faster pays for another trial. (TCP and QUIC receivers
double on the round trip alone, and fill the queue: RFC 9000 section 4.2, Fisk and Feng 2001.)
"""

from typing import Protocol

from masq_kernel.units import Seconds

__all__ = ["WINDOW_MAX", "WINDOW_MIN", "Growth", "WindowBudget", "WindowTuner"]

WINDOW_MIN = 256 << 10
"""Where each stream begins: a page, at once; 25 MB/s at a round trip of 10 ms."""

WINDOW_MAX = 8 << 20
"""Of a stream, and of all streams of an association: 40 MB/s at a round trip of 200 ms."""

GAIN = 1.1
"""How much faster a doubled window must be to stay."""

_CHANCES = 2
"""Rounds in which it may show: the first still has the bytes of the smaller one."""

_FADE = 0.9
"""What is left, round by round, of a speed that was seen only once."""

BUDGET = 256 << 20
"""Growth of all windows of our own clients' streams, and as much again of those that we serve as
an exit; with nothing left windows stay as they are."""


class Growth(Protocol):
    """Where windows take what they grow by."""

    def take(self, size: int) -> bool:
        """Take so many bytes; False: there are not enough, and none were taken."""
        ...

    def give_back(self, size: int) -> None:
        """Return what was taken."""
        ...


class WindowBudget:
    """What many streams may be allowed together beyond WINDOW_MIN each.

    Args:
        size: bytes.
    """

    def __init__(self, size: int = BUDGET) -> None:
        self._size = self.left = size

    @property
    def used(self) -> int:
        """Bytes that windows have grown by."""
        return self._size - self.left

    def take(self, size: int) -> bool:
        """Take so many bytes; False: there are not enough, and none were taken."""
        if size > self.left:
            return False
        self.left -= size
        return True

    def give_back(self, size: int) -> None:
        """Return what was taken."""
        self.left += size


class WindowTuner:
    """The window of one stream.

    Args:
        growth: what it grows by is taken from there.
        size_max: how far it may grow.

    Attributes:
        size: bytes beyond what is consumed that the other end may send.
    """

    __slots__ = ("_began_at", "_best", "_chances", "_count", "_growth", "_size_max", "size")

    def __init__(self, growth: Growth, *, size_max: int = WINDOW_MAX) -> None:
        self._growth, self._size_max = growth, size_max
        self.size = WINDOW_MIN
        self.restart()

    def restart(self) -> None:
        """The path is another: what was measured says nothing any more."""
        self._began_at: Seconds | None = None
        self._count = 0
        self._best = 0.0  # bytes per second
        self._chances = 0  # rounds that a doubling still has to show what it gains

    def consumed(self, size: int, now: Seconds) -> bool:
        """The reader has taken so many bytes; True: the window has grown.

        A round is a window's worth of bytes: as much as can come in one round trip.
        """
        if self._began_at is None:
            self._began_at = now
            return False
        self._count += size
        if self._count < self.size:
            return False
        rate = self._count / max(1e-6, now - self._began_at)
        self._began_at, self._count = now, 0
        return self._judge(rate)

    def close(self) -> None:
        """The stream is gone: give back what it had."""
        self._growth.give_back(self.size - WINDOW_MIN)
        self.size = WINDOW_MIN

    def _judge(self, rate: float) -> bool:
        if rate >= GAIN * self._best:
            self._best, self._chances = rate, 0
            return self._double()
        self._best = max(rate, _FADE * self._best)
        if self._chances:
            self._chances -= 1
            if not self._chances:
                self._halve()
        return False

    def _double(self) -> bool:
        if 2 * self.size > self._size_max or not self._growth.take(self.size):
            return False
        self.size *= 2
        self._chances = _CHANCES
        return True

    def _halve(self) -> None:
        self.size //= 2
        self._growth.give_back(self.size)

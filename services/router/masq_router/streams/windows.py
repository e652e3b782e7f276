"""How many bytes a receiver lets the other end send ahead (protocol.md 4.3). Pure.

A window is too small for its path if a larger one brings bytes faster, and too large if a smaller
one brings them as fast: nothing else tells, not a round trip time either, which grows with every
byte that only waits in a queue. So windows are tried out (trial.py), up and down, and judged by
the rate of whole rounds; a round is a window's worth of consumed bytes.

    a round takes   < HARMLESS_S    doubled at once: what it could queue, nobody would notice
                    in between      doubled or halved on trial, and kept if that proves right
                    > TOO_LONG_S    halved at once: no round trip is so long, the rest is queue

A reader that takes nothing ends no round and gains nothing; a stream at rest gives back what it had
grown by. (TCP and QUIC receivers double on the round trip alone, and fill the queue: RFC 9000
section 4.2, Fisk and Feng 2001.)
"""

from typing import Protocol

from masq_kernel.units import Seconds
from masq_router.streams.trial import GAIN, Trial

__all__ = [
    "HARMLESS_S",
    "TOO_LONG_S",
    "WINDOW_MAX",
    "WINDOW_MIN",
    "Growth",
    "WindowTuner",
]

WINDOW_MIN = 256 << 10
"""Where each stream begins: a page, at once; 25 MB/s at a round trip of 10 ms."""

WINDOW_MAX = 8 << 20
"""Of a stream, and of all streams of an association: 40 MB/s at a round trip of 200 ms."""

HARMLESS_S = 0.025
"""A round so short may become twice as long without proof."""

TOO_LONG_S = 2.0
"""Longer than any round trip over three hops and a queue worth having."""

TRIED_DOWN_EVERY = 24
"""Rounds after which a smaller window is tried: rare, because where it does not do, bytes come at
half the speed for two rounds."""

_SMOOTHING = 0.25
"""How much of a settled speed the latest round is."""

_FADE = 0.95
"""What is left, round by round, of the speed at which a larger window had proved useless."""


class Growth(Protocol):
    """Where windows take what they grow by."""

    def take(self, size: int) -> bool:
        """Take so many bytes; False: there are not enough, and none were taken."""
        ...

    def give_back(self, size: int) -> None:
        """Return what was taken."""
        ...


class WindowTuner:
    """The window of one stream.

    Args:
        growth: what it grows by is taken from there.
        size_max: how far it may grow.

    Attributes:
        size: bytes beyond what is consumed that the other end may send.
    """

    __slots__ = (
        "_began_at",
        "_count",
        "_growth",
        "_rounds",
        "_size_max",
        "_speed",
        "_trial",
        "_useless_at",
        "size",
    )

    def __init__(self, growth: Growth, *, size_max: int = WINDOW_MAX) -> None:
        self._growth, self._size_max = growth, size_max
        self.size = WINDOW_MIN
        self.restart()

    def restart(self) -> None:
        """The path is another: what was measured says nothing any more."""
        self._began_at: Seconds | None = None
        self._count = 0
        self._settle(0.0)

    def consumed(self, size: int, now: Seconds) -> bool:
        """The reader has taken so many bytes; True: the window has grown."""
        if self._began_at is None:
            self._began_at = now
            return False
        self._count += size
        took = now - self._began_at
        if self._count < self.size and took <= TOO_LONG_S:
            return False
        before, count = self.size, self._count
        self._began_at, self._count = now, 0
        self._judge(took, count / max(1e-6, took))
        return self.size > before

    def close(self) -> None:
        """The stream is gone: give back what it had."""
        self._growth.give_back(self.size - WINDOW_MIN)
        self.size = WINDOW_MIN

    def _judge(self, took: float, rate: float) -> None:
        if took > TOO_LONG_S:
            self._halve()
            self._settle(0.0, useless_at=rate)
        elif took < HARMLESS_S:
            self._double()
            self._settle(0.0)
        elif self._trial is not None:
            self._weigh(self._trial, rate)
        else:
            self._try(rate)

    def _settle(self, speed: float, *, useless_at: float = 0.0) -> None:
        """Stay at this size for now; with 0 nothing is known of its speed, or of larger ones."""
        self._speed, self._useless_at = speed, useless_at  # bytes per second
        self._rounds = 0
        self._trial: Trial | None = None

    def _try(self, rate: float) -> None:
        """Try another size, if there is reason to."""
        self._rounds += 1
        self._speed += (_SMOOTHING if self._speed else 1.0) * (rate - self._speed)
        self._useless_at = max(min(self._speed, self._useless_at), _FADE * self._useless_at)
        if self._speed >= GAIN * self._useless_at and self._double():
            self._trial = Trial(self._speed, is_larger=True)
        elif self._rounds >= TRIED_DOWN_EVERY and self._halve():
            self._trial = Trial(self._speed, is_larger=False)

    def _weigh(self, trial: Trial, rate: float) -> None:
        is_right = trial.weigh(rate)
        if is_right is None:
            return
        if trial.is_larger and is_right:
            self._settle(trial.speed)
        elif is_right:
            self._settle(trial.speed, useless_at=trial.speed)
        elif trial.is_larger:
            self._halve()
            self._settle(trial.before, useless_at=trial.before)
        else:
            self._double()
            self._settle(trial.before, useless_at=self._useless_at)

    def _double(self) -> bool:
        if 2 * self.size > self._size_max or not self._growth.take(self.size):
            return False
        self.size *= 2
        return True

    def _halve(self) -> bool:
        if self.size == WINDOW_MIN:
            return False
        self.size //= 2
        self._growth.give_back(self.size)
        return True

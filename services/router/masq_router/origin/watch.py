"""Does a route still live? PROBEs and silence, seen from the originator. Pure.

    new -> heard -> probed -> heard ... -> lost

A TEARDOWN is told and needs no watching; this is for relays that hang, or have become so slow that
they might as well. A route is asked every PROBE_EVERY_S while it has streams, and sooner when it is
busy and falls silent: a hung relay under load is given up after PROBE_BUSY_S + SILENT_S, an idle
one after PROBE_EVERY_S + SILENT_S at most. A probe costs a kilobyte at each hop (ADR 0009).
"""

from enum import Enum

from masq_kernel.units import Seconds

__all__ = [
    "ATTACH_MIN_S",
    "ATTACH_S",
    "PROBE_BUSY_S",
    "PROBE_EVERY_S",
    "SILENT_S",
    "SLOW_S",
    "RouteWatch",
    "Step",
    "patience_s",
]

ATTACH_S = 4.0
"""For the first answer over a new route: a round trip around the world with time to spare."""

ATTACH_MIN_S = 1.0
"""The same, where an earlier route to that exit has shown how long it takes (`patience_s`)."""

PROBE_EVERY_S = 5.0
"""Between two probes of a route whose streams are at rest."""

PROBE_BUSY_S = 1.0
"""Silence of a busy route at which it is asked at once."""

SILENT_S = 3.0
"""Silence after a probe at which the route is lost."""

SLOW_S = 15.0
"""For the answer itself while other packages keep coming: WINDOW_MAX (8 MiB) may be queued
in front of it, which a relay of 600 kB/s passes on in that time; a slower one is left."""

BUSY_PACKAGES = 16
"""Heard since the last probe: half a megabyte, or sixteen small exchanges."""


class Step(Enum):
    """What to do now."""

    WAIT = "wait"
    PROBE = "probe"
    LOST = "lost"


def patience_s(latency_s: float | None, failures: int) -> float:
    """Return how long to wait for the first answer over a new route.

    A hung relay that gossip still believes in may be on several routes in a row, and a client
    waits; a route may also be slower than the one before. So: impatient at first, twice as patient
    after every second failure.

    Args:
        latency_s: what an earlier route to that exit took; None: there was none.
        failures: routes tried in vain since.
    """
    if latency_s is None:
        return ATTACH_S
    doublings: float = 2.0 ** (failures // 2)
    return min(ATTACH_S, max(ATTACH_MIN_S, 8 * latency_s) * doublings)


class RouteWatch:
    """One route.

    Args:
        now: when its SETUP left.

    Attributes:
        patience_s: how long it may take to answer at first.
    """

    __slots__ = (
        "_asked_at",
        "_began_at",
        "_count",
        "_heard_at",
        "_is_asking",
        "_token",
        "patience_s",
    )

    def __init__(self, now: Seconds) -> None:
        self._began_at = now
        self.patience_s = ATTACH_S
        self._heard_at: Seconds | None = None  # None: never
        self._asked_at = now
        self._is_asking = False
        self._count = 0
        self._token = 0

    @property
    def token(self) -> int:
        """Of the probe to send."""
        return self._token

    def heard(self, now: Seconds) -> None:
        """A package arrived."""
        self._heard_at = now
        self._count += 1

    def answered(self, token: int) -> None:
        """A PROBED arrived."""
        if token == self._token:
            self._is_asking = False

    def step(self, now: Seconds, *, awaits_answer: bool) -> Step:
        """Say what to do; to be asked a few times a second while the route has streams.

        Args:
            now: the time.
            awaits_answer: so many bytes are on their way that the exit ought to say something.
        """
        if self._heard_at is None:
            return Step.LOST if now - self._began_at >= self.patience_s else Step.WAIT
        silence_s = now - self._heard_at
        if self._is_asking:
            asked_s = now - self._asked_at
            is_lost = min(silence_s, asked_s) >= SILENT_S or asked_s >= SLOW_S
            return Step.LOST if is_lost else Step.WAIT
        # A server that takes nothing leaves us waiting too: then only the probe's answer is heard.
        is_busy = self._count >= BUSY_PACKAGES or (awaits_answer and self._count > 1)
        is_due = silence_s >= PROBE_BUSY_S and is_busy
        if not is_due and now - self._asked_at < PROBE_EVERY_S:
            return Step.WAIT
        self._asked_at, self._is_asking, self._count = now, True, 0
        self._token += 1
        return Step.PROBE

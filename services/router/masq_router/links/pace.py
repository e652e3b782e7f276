"""How a link is kept alive, and how much its peer may ask of us (protocol.md 3). Pure."""

from masq_kernel.units import Seconds

__all__ = ["DEAD_AFTER_S", "PING_AFTER_S", "Heartbeat", "TokenBucket"]

PING_AFTER_S = 10.0
"""Silence after which we ask whether the peer is there."""

DEAD_AFTER_S = 30.0
"""Silence after which it is not."""

_RTT_WEIGHT = 1 / 8
"""Of a new sample in the smoothed round trip (RFC 6298 section 2)."""


class TokenBucket:
    """A rate with a burst.

    Args:
        rate: tokens per second.
        burst: tokens at most.
        now: when it begins, full.
    """

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, *, rate: float, burst: float, now: Seconds) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._at = burst, now

    def left(self, now: Seconds) -> float:
        """Return how many tokens there are."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        return self._tokens

    def take(self, now: Seconds, *, amount: float = 1.0) -> bool:
        """Take tokens if there are enough; False changes nothing."""
        if self.left(now) < amount:
            return False
        self._tokens -= amount
        return True


class Heartbeat:
    """Silence, PINGs and the round trip of one link.

    Args:
        now: when the link was proven.
    """

    __slots__ = ("_heard_at", "_ping_token", "_pinged_at", "rtt_s")

    def __init__(self, now: Seconds) -> None:
        self._heard_at = now
        self._ping_token: bytes | None = None
        self._pinged_at = now
        self.rtt_s: float | None = None

    def heard(self, now: Seconds) -> None:
        """Something arrived."""
        self._heard_at = now

    def is_dead(self, now: Seconds) -> bool:
        """Whether the peer has been silent for too long."""
        return now - self._heard_at >= DEAD_AFTER_S

    def ping_is_due(self, now: Seconds) -> bool:
        """Whether to ask now: at the start, to learn the round trip, and after each silence."""
        if self.rtt_s is None and self._ping_token is None:
            return True
        return now - max(self._heard_at, self._pinged_at) >= PING_AFTER_S

    def pinged(self, token: bytes, now: Seconds) -> None:
        """A PING with this 8-byte token leaves."""
        self._ping_token, self._pinged_at = token, now

    def ponged(self, token: bytes, now: Seconds) -> None:
        """A PONG arrived; one that answers nothing we asked is ignored."""
        if token != self._ping_token:
            return
        self._ping_token = None
        sample = now - self._pinged_at
        known = sample if self.rtt_s is None else self.rtt_s
        self.rtt_s = known + _RTT_WEIGHT * (sample - known)

"""Clients that were turned away, and why: for the log, the metrics and `masq status`. Pure."""

from collections import Counter
from collections.abc import Callable

from masq_router.streams.errors import ResetCode

__all__ = ["OURS", "Refusals"]

OURS = frozenset(
    {
        ResetCode.NO_ROUTE,
        ResetCode.NO_WALLET,
        ResetCode.EXIT_GONE,
        ResetCode.OVERLOAD,
    }
)
"""Reasons that lie with this node or its neighborhood, so that its operator wants to know."""


class Refusals:
    """Counts them, and keeps the last reason of ours until a client is served again.

    Args:
        warn: called with each new reason once.
    """

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self.counts: Counter[str] = Counter()
        self.reason = ""

    def refused(self, code: ResetCode, reason: str) -> None:
        """A client was turned away."""
        self.counts[code.name.lower()] += 1
        if code in OURS and reason != self.reason:
            self.reason = reason
            self._warn(reason)

    def served(self) -> None:
        """A client's connection stands."""
        self.reason = ""

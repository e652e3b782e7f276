"""How much of something others may cause or learn: a burst, then one more every so often. Pure."""

from collections.abc import Hashable
from typing import Generic, TypeVar

__all__ = ["HOLDERS_MAX", "Budget", "Budgets"]

HOLDERS_MAX = 1024
"""Holders whose budgets are remembered; beyond it the one that has used its own least recently is
forgotten."""

K = TypeVar("K", bound=Hashable)


class Budget:
    """A budget that refills.

    Args:
        burst: what it holds at most, and at first.
        refill_s: seconds until it holds one more.
        now: monotonic seconds.
    """

    __slots__ = ("_at", "_burst", "_left", "_refill_s")

    def __init__(self, *, burst: int, refill_s: float, now: float) -> None:
        self._burst, self._refill_s = burst, refill_s
        self._left, self._at = float(burst), now

    def left(self, now: float) -> int:
        """Return how much may be taken."""
        self._left = min(float(self._burst), self._left + (now - self._at) / self._refill_s)
        self._at = now
        return int(self._left)

    def take(self, now: float, amount: int = 1) -> bool:
        """Take so much if it is there; False changes nothing."""
        if self.left(now) < amount:
            return False
        self._left -= amount
        return True


class Budgets(Generic[K]):
    """One budget for each holder; all alike."""

    def __init__(self, *, burst: int, refill_s: float) -> None:
        self._burst, self._refill_s = burst, refill_s
        self._budgets: dict[K, Budget] = {}

    def __len__(self) -> int:
        return len(self._budgets)

    def of(self, holder: K, now: float) -> Budget:
        """Return the holder's budget, a full one if it is new."""
        budget = self._budgets.pop(holder, None)
        if budget is None:
            budget = Budget(burst=self._burst, refill_s=self._refill_s, now=now)
        self._budgets[holder] = budget
        if len(self._budgets) > HOLDERS_MAX:
            del self._budgets[next(iter(self._budgets))]
        return budget

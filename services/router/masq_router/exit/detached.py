"""Associations that have lost their route and wait for their originator. Pure.

Bounded in time, for each payer and in all; what one of them holds is bounded by its windows, since
sockets are not read while no route takes their bytes.
"""

from collections.abc import Hashable
from typing import Generic, TypeVar

from masq_kernel.identity.keys import WalletAddress
from masq_kernel.units import Seconds

__all__ = ["DETACHED_HOLD_S", "DETACHED_MAX", "DETACHED_PER_WALLET_MAX", "Detached"]

DETACHED_HOLD_S = 30.0
"""An originator notices a hung route within 8 s and looks for another for 15 s (origin/watch.py,
origin/healer.py); the rest is for slow ways."""

DETACHED_MAX = 512
"""In all; one more and the payer with the most loses its oldest."""

DETACHED_PER_WALLET_MAX = 64
"""Of one payer; one more and its oldest is given up."""

K = TypeVar("K", bound=Hashable)


class Detached(Generic[K]):
    """Keys of what waits, with payer and deadline.

    Args:
        hold_s: how long each may wait.
        detached_max, per_wallet_max: the caps.
    """

    def __init__(
        self,
        *,
        hold_s: float = DETACHED_HOLD_S,
        detached_max: int = DETACHED_MAX,
        per_wallet_max: int = DETACHED_PER_WALLET_MAX,
    ) -> None:
        self._hold_s = hold_s
        self._detached_max, self._per_wallet_max = detached_max, per_wallet_max
        self._by_wallet: dict[WalletAddress, dict[K, Seconds]] = {}

    def __len__(self) -> int:
        return sum(len(waiting) for waiting in self._by_wallet.values())

    def add(self, key: K, wallet: WalletAddress, now: Seconds) -> list[K]:
        """Let one wait; return those that must be given up for it."""
        waiting = self._by_wallet.setdefault(wallet, {})
        waiting[key] = Seconds(now + self._hold_s)
        given_up: list[K] = []
        if len(waiting) > self._per_wallet_max:
            given_up.append(self._drop_oldest(wallet))
        if len(self) > self._detached_max:
            greediest = max(self._by_wallet, key=lambda each: len(self._by_wallet[each]))
            given_up.append(self._drop_oldest(greediest))
        return given_up

    def remove(self, key: K, wallet: WalletAddress) -> None:
        """Its originator is back, or it is gone for another reason."""
        waiting = self._by_wallet.get(wallet, {})
        waiting.pop(key, None)
        if not waiting:
            self._by_wallet.pop(wallet, None)

    def expired(self, now: Seconds) -> list[K]:
        """Forget and return those that have waited for too long."""
        overdue = [
            (key, wallet)
            for wallet, waiting in self._by_wallet.items()
            for key, deadline in waiting.items()
            if deadline <= now
        ]
        for key, wallet in overdue:
            self.remove(key, wallet)
        return [key for key, _ in overdue]

    def _drop_oldest(self, wallet: WalletAddress) -> K:
        key = next(iter(self._by_wallet[wallet]))
        self.remove(key, wallet)
        return key

"""Remember SETUPs until they expire by themselves, so that none works twice (protocol.md 4.1).

Pure. Bounded: when the memory is full, new SETUPs are refused, never old ones forgotten.
"""

import heapq

from masq_kernel.units import UnixSeconds

__all__ = ["SETUPS_MAX", "ReplayWindow"]

SETUPS_MAX = 200_000
"""About 30 MB; at 20 minutes each that allows 160 SETUPs a second, for ever."""


class ReplayWindow:
    """Hashes of sealed slots, each until the expiry in its block.

    Args:
        setups_max: how many are remembered at once.
    """

    def __init__(self, *, setups_max: int = SETUPS_MAX) -> None:
        self._setups_max = setups_max
        self._known: set[bytes] = set()
        self._by_expiry: list[tuple[UnixSeconds, bytes]] = []

    def __len__(self) -> int:
        return len(self._known)

    def is_known(self, slot_hash: bytes) -> bool:
        """Whether this SETUP was here before."""
        return slot_hash in self._known

    def admit(self, slot_hash: bytes, expires_at: UnixSeconds, now: UnixSeconds) -> bool:
        """Remember a SETUP; False when it is known or the memory is full: do not serve it."""
        self._forget(now)
        if slot_hash in self._known or len(self._known) >= self._setups_max:
            return False
        self._known.add(slot_hash)
        heapq.heappush(self._by_expiry, (expires_at, slot_hash))
        return True

    def _forget(self, now: UnixSeconds) -> None:
        while self._by_expiry and self._by_expiry[0][0] < now:
            _, slot_hash = heapq.heappop(self._by_expiry)
            self._known.discard(slot_hash)

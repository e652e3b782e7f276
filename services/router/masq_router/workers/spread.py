"""Which neighbors of the node this process should be linked with, and is not yet. Pure.

Gossip has one process dial; the others make a link of their own with each neighbor, so that a route
seldom has to pass from one process to another.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass

from masq_kernel.bus.messages.gossip import NeighborState
from masq_kernel.identity.keys import NodeId
from masq_kernel.units import Seconds

__all__ = ["Spread"]

RETRY_FIRST_S, RETRY_MAX_S = 2.0, 60.0


@dataclass(slots=True)
class _Attempts:
    due_at: Seconds
    wait_s: float


class Spread:
    """Decides whom to dial."""

    def __init__(self) -> None:
        self._attempts: dict[NodeId, _Attempts] = {}

    def due(
        self, neighbors: Iterable[NeighborState], linked: Container[NodeId], now: Seconds
    ) -> list[NeighborState]:
        """Return whom to dial now, each less often the longer it fails."""
        wanted = {
            each.node_id: each
            for each in neighbors
            if each.address and each.ports and each.node_id not in linked
        }
        for gone in self._attempts.keys() - wanted.keys():
            del self._attempts[gone]
        return [each for each in wanted.values() if self._try(each.node_id, now)]

    def _try(self, peer: NodeId, now: Seconds) -> bool:
        known = self._attempts.get(peer)
        if known is None:
            self._attempts[peer] = _Attempts(Seconds(now + RETRY_FIRST_S), RETRY_FIRST_S)
            return True
        if now < known.due_at:
            return False
        known.wait_s = min(2 * known.wait_s, RETRY_MAX_S)
        known.due_at = Seconds(now + known.wait_s)
        return True

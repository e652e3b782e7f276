"""What the operator prefers on routes: nodes, and countries for exits. Pure.

Source: protocol.md 5.5. Preferences stay on this node; nobody else can read them from its record.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from masq_kernel.bus.messages.gossip import Liking
from masq_kernel.identity.keys import NodeId

__all__ = ["LIKED_MAX", "TIERS_MAX", "Preferences"]

LIKED_MAX = 1024
"""Nodes with a preference of their own, at most."""

TIERS_MAX = 16
"""Priorities of exit countries, at most."""

_FACTORS: dict[Liking, float] = {"less": 4.0, "more": 0.25}


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What is preferred.

    Args:
        tiers: exit countries by priority, each tier as good as another of its members; () for any.
        is_strict: no other country will do.
        liked: never on a route / four times as dear / four times as cheap / on it wherever a route
            through the node is found.
    """

    tiers: tuple[tuple[str, ...], ...] = ()
    is_strict: bool = False
    liked: Mapping[NodeId, Liking] = field(default_factory=dict)

    def forbids(self, node_id: NodeId) -> bool:
        """Say whether the node must not be on any route."""
        return self.liked.get(node_id) == "never"

    def demanded(self) -> frozenset[NodeId]:
        """Return the nodes that should be on every route."""
        return frozenset(one for one, liking in self.liked.items() if liking == "always")

    def factor(self, node_id: NodeId) -> float:
        """Return by how much the node's cost is multiplied."""
        liking = self.liked.get(node_id)
        return _FACTORS.get(liking, 1.0) if liking else 1.0

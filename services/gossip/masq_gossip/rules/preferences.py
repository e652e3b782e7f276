"""What the operator prefers on routes: nodes, and countries for exits. Pure.

Source: protocol.md 5.5. Preferences stay on this node; nobody else can read them from its record.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from masq_kernel.bus.messages.gossip import Liking
from masq_kernel.errors import MalformedError
from masq_kernel.identity.keys import NodeId

__all__ = ["LIKED_MAX", "TIERS_MAX", "Preferences"]

LIKED_MAX = 1024
"""Nodes with a preference of their own, at most."""

TIERS_MAX = 8
"""Priorities of exit countries, at most."""

COUNTRIES_MAX = 32
"""Countries in one tier, at most."""

_COUNTRY = re.compile("[A-Z]{2}")

_FACTORS: dict[Liking, float] = {"less": 4.0, "more": 0.25}


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What is preferred.

    Args:
        tiers: exit countries by priority, each tier as good as another of its members; () for any.
        is_strict: no other country will do.
        liked: never on a route / four times as dear / four times as cheap / on it wherever a route
            through the node is found.

    Raises:
        MalformedError: too many, or no country codes.
    """

    tiers: tuple[tuple[str, ...], ...] = ()
    is_strict: bool = False
    liked: Mapping[NodeId, Liking] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.liked) > LIKED_MAX:
            raise MalformedError("preferences", f"more than {LIKED_MAX} nodes")
        if len(self.tiers) > TIERS_MAX:
            raise MalformedError("preferences", f"more than {TIERS_MAX} tiers of countries")
        for tier in self.tiers:
            if not 1 <= len(tier) <= COUNTRIES_MAX:
                raise MalformedError("preferences", f"a tier has 1 to {COUNTRIES_MAX} countries")
            for country in tier:
                if not _COUNTRY.fullmatch(country):
                    reason = f"{country[:8]!r} is no country: two capital letters, like CH"
                    raise MalformedError("preferences", reason)
        if self.is_strict and not self.tiers:
            raise MalformedError("preferences", "strict without a country forbids every exit")

    def where(self) -> str:
        """Return " to an exit in ..." if only certain countries will do, else ""."""
        if not self.is_strict:
            return ""
        return f" to an exit in {', '.join(one for tier in self.tiers for one in tier)}"

    def liking(self, node_id: NodeId, liking: Liking | None) -> "Preferences":
        """Return the same with another opinion of one node; None: like any other."""
        liked = {one: word for one, word in self.liked.items() if one != node_id}
        return replace(self, liked=liked if liking is None else {**liked, node_id: liking})

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

"""One simulated node: a real gossip core, and what a router would hold for it."""

from dataclasses import dataclass, field

from masq_gossip.rules.events import Endpoint, Remember
from masq_gossip.rules.neighborhood import Neighborhood
from masq_gossip.simulation.liars import Liar
from masq_kernel.identity.keys import IdentityKey, NodeId

__all__ = ["SimulatedNode"]


@dataclass(slots=True)
class SimulatedNode:
    """A node and what the simulation knows of it.

    Args:
        links: peers with an open link, and the link's number.
        neighbors_had: everybody who was its neighbor at any time.
        known: nodes whose address it was told by those who may.
        skew_s: by how much its wall clock is wrong.
        generation: wake-ups of earlier generations no longer count.
    """

    index: int
    key: IdentityKey
    endpoint: Endpoint
    core: Neighborhood
    is_alive: bool = False
    links: dict[NodeId, int] = field(default_factory=dict)
    stages: list[tuple[float, str]] = field(default_factory=list)
    neighbors_had: set[NodeId] = field(default_factory=set)
    known: set[NodeId] = field(default_factory=set)
    versions_seen: dict[NodeId, int] = field(default_factory=dict)
    remembered: Remember | None = None
    generation: int = 0
    events: int = 0
    liar: Liar | None = None
    skew_s: int = 0

    @property
    def node_id(self) -> NodeId:
        """Its name."""
        return self.key.node_id

    @property
    def is_liar(self) -> bool:
        """Whether it does not tell the truth."""
        return self.liar is not None

    @property
    def stage(self) -> str:
        """How far it says it has come."""
        return self.core.stage

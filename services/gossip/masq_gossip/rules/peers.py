"""The nodes at the other ends of our links. Pure.

    inbound link   ARRIVED --debut accepted--> NEIGHBOR
    outbound link  DEBUTING --their record lists us--> NEIGHBOR

Our own record's edges are exactly the peers in NEIGHBOR: a link that closes takes its edge along.
A neighbor is full once its record lists us, and half until then.
"""

from dataclasses import dataclass, field
from enum import Enum

from masq_gossip.record import MAX_DEGREE
from masq_gossip.rules.events import Endpoint, Now
from masq_gossip.statement import SignedStatement
from masq_kernel.identity.keys import NodeId
from masq_kernel.units import UnixSeconds

__all__ = ["Peer", "PeerStage", "Peers"]


class PeerStage(Enum):
    """How far we have come with a peer."""

    ARRIVED = "arrived"
    DEBUTING = "debuting"
    NEIGHBOR = "neighbor"


@dataclass(slots=True)
class Peer:
    """One open link.

    Args:
        address: the peer's IP address as the link shows it.
        since, opened_at: when the link opened, unix and monotonic.
        stage_since: monotonic time of the last stage, or of falling back to half.
        statement: its verified addresses; None: it takes no connections, or has not told.
        moves_to: where it will be next, as it says itself; nothing but a place to dial.
        heard: versions of records the peer is known to hold.
        statement_told: version of our address statement it was given; None: none yet.
        introductions: monotonic times of introductions made to it lately.
    """

    node_id: NodeId
    address: str
    inbound: bool
    since: UnixSeconds
    opened_at: float
    stage: PeerStage
    stage_since: float
    is_full: bool = False
    statement: SignedStatement | None = None
    moves_to: Endpoint | None = None
    heard: dict[NodeId, int] = field(default_factory=dict)
    statement_told: int | None = None
    digest_due: float = 0.0
    introductions: list[float] = field(default_factory=list)

    @property
    def is_neighbor(self) -> bool:
        """Whether our record lists it."""
        return self.stage is PeerStage.NEIGHBOR

    @property
    def endpoint(self) -> Endpoint | None:
        """Where it can be dialled; None: nowhere that we know."""
        return None if self.statement is None else Endpoint.of(self.statement)

    @property
    def is_where_it_says(self) -> bool:
        """Whether the link leads to an address that the peer has stated."""
        return self.statement is not None and self.address in self.statement.statement.addresses

    def holds_address(self, addresses: tuple[str, ...]) -> bool:
        """Say whether the peer is at one of these IP addresses."""
        stated = self.statement.statement.addresses if self.statement else ()
        return self.address in addresses or any(one in addresses for one in stated)


class Peers:
    """All open links by NodeId."""

    def __init__(self) -> None:
        self._peers: dict[NodeId, Peer] = {}

    def __contains__(self, node_id: NodeId) -> bool:
        return node_id in self._peers

    def get(self, node_id: NodeId) -> Peer | None:
        """Return the peer, if there is a link."""
        return self._peers.get(node_id)

    def all(self) -> list[Peer]:
        """Return all peers, in the order their links opened."""
        return list(self._peers.values())

    def neighbors(self) -> list[Peer]:
        """Return the peers our record lists."""
        return [peer for peer in self._peers.values() if peer.is_neighbor]

    def has_free_slot(self) -> bool:
        """Say whether one more neighbor fits."""
        return len(self.neighbors()) < MAX_DEGREE

    def add(
        self, node_id: NodeId, address: str, *, inbound: bool, stage: PeerStage, now: Now
    ) -> Peer:
        """Add a link that has just opened."""
        peer = Peer(
            node_id=node_id,
            address=address,
            inbound=inbound,
            since=now.unix,
            opened_at=now.monotonic,
            stage=stage,
            stage_since=now.monotonic,
        )
        self._peers[node_id] = peer
        return peer

    def remove(self, node_id: NodeId) -> Peer | None:
        """Forget a link that is gone."""
        return self._peers.pop(node_id, None)

    def holder_of(self, addresses: tuple[str, ...], *, besides: NodeId) -> Peer | None:
        """Return a neighbor other than `besides` at one of these IP addresses."""
        for peer in self.neighbors():
            if peer.node_id != besides and peer.holds_address(addresses):
                return peer
        return None

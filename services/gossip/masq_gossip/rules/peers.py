"""The nodes at the other ends of our links. Pure.

    inbound link   ARRIVED --debut accepted--> NEIGHBOR
    outbound link  DEBUTING --their record lists us--> NEIGHBOR

Our own record's edges are exactly the peers in NEIGHBOR: a link that closes takes its edge along.
A neighbor is full once its record lists us, and half until then.
"""

from collections.abc import Container
from dataclasses import dataclass, field
from enum import Enum

from masq_gossip.record import MAX_DEGREE
from masq_gossip.rules.budget import Budget
from masq_gossip.rules.events import Endpoint, Now
from masq_gossip.rules.parameters import Parameters
from masq_gossip.statement import SignedStatement
from masq_kernel.addresses import site_of
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
        is_anchor: a neighbor that we chose and dialled; it did not come by itself.
        answers: records that it may still request.
        awaits_introduction: whether a debut of ours to it could still bring one.
    """

    node_id: NodeId
    address: str
    inbound: bool
    since: UnixSeconds
    opened_at: float
    stage: PeerStage
    stage_since: float
    answers: Budget
    is_full: bool = False
    is_anchor: bool = False
    statement: SignedStatement | None = None
    moves_to: Endpoint | None = None
    heard: dict[NodeId, int] = field(default_factory=dict)
    statement_told: int | None = None
    digest_due: float = 0.0
    awaits_introduction: bool = False

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

    @property
    def site(self) -> str:
        """The place the link leads to: what is limited per address is limited per site."""
        return site_of(self.address)

    def holds_site(self, sites: Container[str]) -> bool:
        """Say whether the peer is at one of these places."""
        stated = self.statement.statement.addresses if self.statement else ()
        return any(site_of(one) in sites for one in (self.address, *stated))


class Peers:
    """All open links by NodeId."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
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
        return [peer for peer in self._peers.values() if peer.stage is PeerStage.NEIGHBOR]

    def anchors(self) -> int:
        """Return how many neighbors we have chosen ourselves."""
        return sum(1 for peer in self.neighbors() if peer.is_anchor)

    def has_free_slot(self) -> bool:
        """Say whether one more neighbor fits."""
        return len(self.neighbors()) < MAX_DEGREE

    def add(
        self, node_id: NodeId, address: str, *, inbound: bool, stage: PeerStage, now: Now
    ) -> Peer:
        """Add a link that has just opened."""
        limits = self._parameters
        peer = Peer(
            node_id=node_id,
            address=address,
            inbound=inbound,
            since=now.unix,
            opened_at=now.monotonic,
            stage=stage,
            stage_since=now.monotonic,
            answers=Budget(
                burst=limits.answers_max, refill_s=limits.answers_refill_s, now=now.monotonic
            ),
        )
        self._peers[node_id] = peer
        return peer

    def remove(self, node_id: NodeId) -> Peer | None:
        """Forget a link that is gone."""
        return self._peers.pop(node_id, None)

    def holder_of(self, addresses: tuple[str, ...], *, besides: NodeId) -> Peer | None:
        """Return a neighbor other than `besides` at the site of one of these IP addresses."""
        sites = {site_of(one) for one in addresses}
        for peer in self.neighbors():
            if peer.node_id != besides and peer.holds_site(sites):
                return peer
        return None

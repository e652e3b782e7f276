"""Everything the gossip rules know, and the few verbs that change several parts at once. Pure.

An edge of our record is a peer in the stage NEIGHBOR and nothing else: `adopt` and `close` are the
only ways in and out, and both make the next round publish the change.
"""

from collections.abc import Callable
from dataclasses import dataclass

from masq_gossip.messages import Debut, Failure, FailureReason, Introduction, Message
from masq_gossip.record import MAX_DEGREE, SignedRecord
from masq_gossip.rules.acceptor import Acceptor
from masq_gossip.rules.ban import Ban
from masq_gossip.rules.bootstrap import Seeker
from masq_gossip.rules.events import CloseLink, Command, Endpoint, Now, Send
from masq_gossip.rules.misconduct import Misconduct
from masq_gossip.rules.own import OwnRecord
from masq_gossip.rules.parameters import Parameters
from masq_gossip.rules.peers import Peer, Peers, PeerStage
from masq_gossip.rules.producer import Producer
from masq_gossip.rules.reputation import Reputation
from masq_gossip.rules.routing import RouteFinder
from masq_gossip.rules.view import View
from masq_kernel.chains import Chain
from masq_kernel.entropy import Entropy
from masq_kernel.identity.keys import IdentityKey, NodeId

__all__ = ["Origin", "State"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a node starts with.

    Args:
        boot: this start's boot counter, already persisted.
        address: where others can dial us; None: nowhere.
        descriptors: nodes the operator named.
        past: neighbors of the last run.
        bans: of earlier runs.
    """

    identity: IdentityKey
    chain: Chain
    boot: int
    address: Endpoint | None
    descriptors: tuple[Endpoint, ...]
    past: tuple[Endpoint, ...] = ()
    bans: tuple[Ban, ...] = ()


class State:
    """The parts and the verbs over them.

    Args:
        read: parses and verifies a record.
    """

    def __init__(
        self,
        origin: Origin,
        parameters: Parameters,
        entropy: Entropy,
        read: Callable[[bytes], SignedRecord],
    ) -> None:
        self.origin, self.parameters, self.entropy = origin, parameters, entropy
        self.own = OwnRecord(
            identity=origin.identity,
            chain=origin.chain,
            boot=origin.boot,
            address=origin.address,
            parameters=parameters,
        )
        self.view = View(self.own.node_id, parameters, read)
        self.peers = Peers(parameters)
        self.seeker = Seeker(
            parameters, entropy, descriptors=self._others(origin.descriptors), past=origin.past
        )
        self.reputation = Reputation()
        self.acceptor = Acceptor(
            self.own.node_id, parameters, self.view, self.peers, self.reputation, entropy
        )
        self.producer = Producer(self.own.node_id, self.view)
        self.misconduct = Misconduct(origin.bans)
        self.routes = RouteFinder(self.own.node_id, self.view, self.reputation, entropy)
        self.commands: list[Command] = []
        self.is_dirty = False
        self.lingering: dict[NodeId, float] = {}
        self.refused_by: tuple[NodeId, FailureReason] | None = None  # while we have no neighbor

    @property
    def is_seeking(self) -> bool:
        """Whether we have fewer neighbors than we want."""
        return len(self.peers.neighbors()) < self.parameters.seek_target

    @property
    def missing_anchors(self) -> int:
        """How many places we keep for nodes that we dial ourselves.

        None when we know of nobody to dial: the first node of a mesh lives on who comes.
        """
        missing = max(0, self.parameters.anchors - self.peers.anchors())
        return min(missing, self.seeker.hopes(self.peers)) if missing else 0

    def wants(self, node_id: NodeId) -> bool:
        """Whether to debut to a node that we have dialled."""
        if self.is_seeking:
            return True
        is_wanted = self.lacks_anchor or self.seeker.is_bridging(node_id)
        return is_wanted and self.peers.has_free_slot()

    @property
    def lacks_anchor(self) -> bool:
        """Whether all our neighbors came by themselves, though we know of others."""
        return not self.peers.anchors() and self.missing_anchors > 0

    def edges(self) -> tuple[NodeId, ...]:
        """Return the neighbors our record should list."""
        edges = tuple(sorted(peer.node_id for peer in self.peers.neighbors()))
        assert len(edges) <= MAX_DEGREE
        return edges

    def send(self, peer: Peer, message: Message) -> None:
        """Say something to a peer."""
        self.commands.append(Send(peer.node_id, message))

    def debut_to(self, peer: Peer, now: float) -> None:
        """Present ourselves to a peer, or ask a neighbor for an introduction."""
        assert self.own.signed is not None
        statement = self.own.statement.raw if self.own.statement else None
        self.send(peer, Debut(self.own.signed.raw, statement, self.seeker.tried(now)))
        peer.awaits_introduction = True
        if not peer.is_neighbor:
            peer.stage, peer.stage_since = PeerStage.DEBUTING, now

    def adopt(self, peer: Peer, now: float) -> None:
        """Make a peer our neighbor."""
        assert self.peers.has_free_slot()
        peer.stage, peer.stage_since = PeerStage.NEIGHBOR, now
        peer.digest_due = now
        peer.is_anchor = not peer.inbound and not self.seeker.came_alone(peer.node_id)
        self.seeker.succeeded(peer.node_id, now)
        self.refused_by = None
        self.is_dirty = True

    def note_refusal(self, node_id: NodeId, reason: FailureReason) -> None:
        """Note who would not have us while we have no neighbor, for the operator."""
        if not self.peers.neighbors():
            self.refused_by = node_id, reason
            self.is_dirty = True

    def note_silence(self, node_id: NodeId) -> None:
        """Note that a node does not answer; what it once said is worth nothing any more."""
        if self.refused_by is not None and self.refused_by[0] == node_id:
            self.refused_by = None
            self.is_dirty = True

    def restart_neighbor(self, peer: Peer, now: float) -> None:
        """Treat a neighbor that debuts anew as half: it has forgotten everything."""
        peer.is_full, peer.stage_since, peer.digest_due = False, now, now
        peer.heard, peer.statement_told = {}, None
        self.is_dirty = True

    def refuse(self, peer: Peer, reason: FailureReason, now: float) -> None:
        """Say no and end the link."""
        self.send(peer, Failure(reason))
        self.close(peer, reason.name.lower().replace("_", " "), now)

    def accuse(self, peer: Peer, reason: str, now: Now, *, evidence: bytes = b"") -> None:
        """Ban the sender and end the link."""
        self.misconduct.report(peer.node_id, reason, now, evidence=evidence)
        self.send(peer, Failure(FailureReason.MISCONDUCT))
        self.close(peer, f"misconduct: {reason}", now.monotonic)

    def turn_away(self, node_id: NodeId, ban: Ban, now: Now) -> None:
        """End the link of a banned node before it has become a peer."""
        self.commands.append(Send(node_id, Failure(FailureReason.MISCONDUCT)))
        self.commands.append(CloseLink(node_id, f"banned: {ban.reason}"))
        self.lingering[node_id] = now.monotonic + self.parameters.lingering_s
        self.seeker.failed(node_id, now.monotonic)

    def close(self, peer: Peer, reason: str, now: float) -> None:
        """End a link, and with it the edge or the debut it carried."""
        self.commands.append(CloseLink(peer.node_id, reason))
        self.lingering[peer.node_id] = now + self.parameters.lingering_s
        self.forget(peer, now)

    def forget(self, peer: Peer, now: float) -> None:
        """Note that a link is gone."""
        self.peers.remove(peer.node_id)
        self.seeker.failed(peer.node_id, now)
        self.is_dirty = True
        endpoint = peer.moves_to or peer.endpoint
        if peer.is_neighbor and endpoint is not None:
            self.seeker.remember(endpoint, now, came_alone=not peer.is_anchor)

    def move(self, endpoint: Endpoint, now: float) -> None:
        """Be dialled somewhere else from now on.

        A statement must be where the link leads, so our links from the old address cannot carry a
        new one. Each peer is told where we go, as an introduction that proves nothing, its link is
        closed, and we dial again from the new address. Other ports alone leave links as they are.
        """
        before = self.own.address
        self.own.move(endpoint)
        self.refused_by = None
        self.is_dirty = True
        if self.own.statement is None or (before and before.address == endpoint.address):
            return
        for peer in self.peers.all():
            self.send(peer, Introduction(self.own.statement.raw))
            self.close(peer, "our address has changed", now)

    def unsettle(self, peer: Peer, now: float) -> None:
        """Treat a neighbor whose link comes from elsewhere as a newcomer, which must debut."""
        peer.stage, peer.stage_since = PeerStage.ARRIVED, now
        peer.is_full, peer.statement, peer.statement_told = False, None, None
        self.is_dirty = True

    def _others(self, endpoints: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
        return tuple(one for one in endpoints if one.node_id != self.own.node_id)

"""React to what a peer says. Pure. Source: protocol.md 5.2.

    newcomer                                   node
    DEBUT(record, statement, tried)  ------->  judged by the acceptor
                                     <-------  STANDARD(its record, which lists us), DIGEST
                                     <-------  INTRODUCTION of one more node
                                or   <-------  PASS to a less connected node
                                or   <-------  GOSSIP-FAILURE(reason)
    STANDARD(our record, which lists it) --->  full link
    DIGEST and REQUEST both ways               the patch is made up for

Only what the sender itself is answerable for counts as its misconduct: the form of its message, the
signatures of what it forwards (it should have checked them), its own record and address.
"""

from typing import assert_never

from masq_gossip.messages import (
    Debut,
    Digest,
    Failure,
    FailureReason,
    Farewell,
    Introduction,
    Message,
    Pass,
    Request,
    Standard,
)
from masq_gossip.record import NodeRecord, SignedRecord
from masq_gossip.rules.acceptor import ISOLATED_DEGREE, Accepted, Displaced, PassedOn, Refused
from masq_gossip.rules.events import Endpoint, Now
from masq_gossip.rules.peers import Peer, PeerStage
from masq_gossip.rules.producer import standard_messages
from masq_gossip.rules.state import State
from masq_gossip.rules.view import Verdict
from masq_gossip.statement import SignedStatement
from masq_kernel.addresses import leads_inward, site_of
from masq_kernel.errors import RemoteError
from masq_kernel.identity.keys import NodeId

__all__ = ["Conversation"]

REACCEPT_DEGREE = 3
"""A node that accepted us with more neighbors than this does not depend on us."""


class Conversation:
    """Handles one message at a time; the effects are in the state."""

    def __init__(self, state: State) -> None:
        self._state = state

    def hear(self, peer: Peer, message: Message, now: Now) -> None:
        """React to a message.

        Raises:
            RemoteError: the message holds something the sender must answer for.
        """
        match message:
            case Debut():
                self._on_debut(peer, message, now)
            case Introduction(statement):
                self._on_introduction(peer, statement, now)
            case Pass(statement):
                self._on_pass(peer, statement, now)
            case Standard():
                self._on_standard(peer, message, now)
            case Digest():
                self._on_digest(peer, message)
            case Request(node_ids):
                if peer.is_neighbor:
                    self._on_request(peer, node_ids, now)
            case Farewell():
                self._state.close(peer, "it said farewell", now.monotonic)
            case Failure(reason):
                self._on_failure(peer, reason, now)
            case _:
                assert_never(message)

    # Debut, and what answers it

    def _on_debut(self, peer: Peer, debut: Debut, now: Now) -> None:
        state, newcomer = self._state, self._own_record_of(peer, debut.record)
        if state.own.signed is None or not state.parameters.has_neighbors:
            state.refuse(peer, FailureReason.NOT_SERVING, now.monotonic)
            return
        if not self._locate(peer, debut.statement, newcomer, now):
            return
        verdict = state.view.offer(newcomer, now)
        if verdict is Verdict.CONFLICTING:
            state.accuse(peer, verdict.value, now)
            return
        state.is_dirty = state.is_dirty or verdict is Verdict.TAKEN
        peer.heard[peer.node_id] = newcomer.version
        if peer.is_neighbor:
            self._on_debut_of_neighbor(peer, newcomer.record, debut, now)
        else:
            self._judge(peer, newcomer.record, debut, now)

    def _on_debut_of_neighbor(
        self, peer: Peer, newcomer: NodeRecord, debut: Debut, now: Now
    ) -> None:
        state = self._state
        if not newcomer.lists(state.own.node_id):
            state.restart_neighbor(peer, now.monotonic)
        found = state.acceptor.introduction_for(peer, newcomer, debut.tried, now.monotonic)
        if found is not None:
            self._introduce(peer, found)
        elif newcomer.lists(state.own.node_id):
            state.send(peer, Failure(FailureReason.NO_INTRODUCTION))

    def _judge(self, peer: Peer, newcomer: NodeRecord, debut: Debut, now: Now) -> None:
        state = self._state
        verdict = state.acceptor.judge(
            newcomer, debut.tried, now.monotonic, site=peer.site, kept=state.missing_anchors
        )
        match verdict:
            case Accepted(introduce):
                state.adopt(peer, now.monotonic)
                if introduce is not None:
                    self._introduce(peer, introduce)
            case PassedOn(target):
                assert target.statement is not None
                state.send(peer, Pass(target.statement.raw))
                peer.stage, peer.stage_since = PeerStage.ARRIVED, now.monotonic
            case Displaced(victim):
                state.refuse(victim, FailureReason.DISPLACED, now.monotonic)
                state.adopt(peer, now.monotonic)
                self._introduce(peer, victim)
            case Refused(reason):
                state.refuse(peer, reason, now.monotonic)
            case _:
                assert_never(verdict)

    def _introduce(self, peer: Peer, introduced: Peer) -> None:
        assert introduced.statement is not None
        self._state.send(peer, Introduction(introduced.statement.raw))

    def _on_introduction(self, peer: Peer, raw: bytes, now: Now) -> None:
        """Follow one introduction for each debut of ours; nobody sends us anywhere unasked."""
        stated = self._stated(raw)
        if stated.node_id == peer.node_id:  # it moves; proven once we have dialled it there
            if not leads_inward(stated.statement.addresses[0], peer.address):
                peer.moves_to = Endpoint.of(stated)
        elif peer.awaits_introduction:
            peer.awaits_introduction = False
            self._learn(peer, stated, passes=0, now=now)

    def _on_pass(self, peer: Peer, raw: bytes, now: Now) -> None:
        if peer.stage is PeerStage.DEBUTING:
            seeker = self._state.seeker
            passes = seeker.passes_of(peer.node_id) + 1
            is_bridge = seeker.is_bridging(peer.node_id)
            self._state.close(peer, "it passed us on", now.monotonic)
            self._learn(peer, self._stated(raw), passes=passes, now=now, is_bridge=is_bridge)

    def _learn(
        self,
        teller: Peer,
        stated: SignedStatement,
        *,
        passes: int,
        now: Now,
        is_bridge: bool = False,
    ) -> None:
        state = self._state
        if stated.node_id == state.own.node_id or stated.node_id in state.peers:
            return
        if leads_inward(stated.statement.addresses[0], teller.address):
            return
        at = now.monotonic
        state.seeker.tell(Endpoint.of(stated), passes=passes, now=at, is_bridge=is_bridge)

    def _stated(self, raw: bytes) -> SignedStatement:
        return SignedStatement.from_bytes(raw, self._state.origin.chain)

    def _on_failure(self, peer: Peer, reason: FailureReason, now: Now) -> None:
        if peer.stage is PeerStage.DEBUTING:
            self._state.note_refusal(peer.node_id, reason)
        if reason is not FailureReason.NO_INTRODUCTION:
            cause = reason.name.lower().replace("_", " ")
            self._state.close(peer, f"it refused: {cause}", now.monotonic)

    # Standard gossip and anti-entropy

    def _on_standard(self, peer: Peer, standard: Standard, now: Now) -> None:
        if peer.stage is PeerStage.ARRIVED:
            return
        if standard.statement is not None and not self._locate(peer, standard.statement, None, now):
            return
        for raw in standard.records:
            signed = self._state.view.read(raw)
            if not self._take(peer, signed, now):
                return
        if peer.stage is PeerStage.DEBUTING:
            self._consider_acceptance(peer, now)

    def _take(self, peer: Peer, signed: SignedRecord, now: Now) -> bool:
        """Offer a record to the view; False: the sender had to be dismissed."""
        state = self._state
        if signed.node_id == state.own.node_id:
            if signed.version > state.own.version:
                state.own.jump_above(signed.version)
                state.is_dirty = True
            return True
        is_new = signed.node_id not in state.view
        verdict = state.view.offer(signed, now)
        if verdict is Verdict.CONFLICTING and signed.node_id == peer.node_id:
            state.accuse(peer, verdict.value, now)
            return False
        if verdict in (Verdict.TAKEN, Verdict.KNOWN):
            peer.heard[signed.node_id] = signed.version
        if verdict is Verdict.TAKEN:
            state.is_dirty = True
            if is_new:
                state.seeker.hope(now.monotonic)
        return True

    def _consider_acceptance(self, peer: Peer, now: Now) -> None:
        """Take the neighbor that has taken us, unless we have found enough meanwhile."""
        state = self._state
        record = state.view.record(peer.node_id)
        if record is None or not record.lists(state.own.node_id):
            return
        is_wanted = state.wants(peer.node_id) and not (
            state.lacks_anchor and state.acceptor.is_last_stranger(record)
        )
        is_needed = is_wanted or self._depends_on_us(record)
        if is_needed and state.peers.has_free_slot():
            state.adopt(peer, now.monotonic)
        else:
            state.refuse(peer, FailureReason.NOT_NEEDED, now.monotonic)

    def _depends_on_us(self, record: NodeRecord) -> bool:
        if self._state.acceptor.is_last_stranger(record):
            return record.degree <= ISOLATED_DEGREE
        return record.degree <= REACCEPT_DEGREE

    def _on_request(self, peer: Peer, node_ids: tuple[NodeId, ...], now: Now) -> None:
        """Send again what the peer says it lacks, within what a neighbor can need."""
        for one in node_ids:
            peer.heard.pop(one, None)
        granted = node_ids[: peer.answers.left(now.monotonic)]
        records = self._state.producer.records_for(peer, granted)
        peer.answers.take(now.monotonic, len(records))
        self._send_records(peer, records)

    def _on_digest(self, peer: Peer, digest: Digest) -> None:
        if peer.stage is PeerStage.ARRIVED:
            return
        state = self._state
        request = state.producer.compare(peer, digest)
        if request is not None:
            node_ids = [one for one in request.node_ids if one != state.own.node_id]
            ahead = dict(digest.versions).get(state.own.node_id, 0) > state.own.version
            wanted = (*node_ids, *((state.own.node_id,) if ahead else ()))
            if wanted:
                state.send(peer, Request(wanted))

    def _send_records(self, peer: Peer, records: list[bytes]) -> None:
        for message in standard_messages(records, None):
            self._state.send(peer, message)

    # Who and where

    def _own_record_of(self, peer: Peer, raw: bytes) -> SignedRecord:
        signed = self._state.view.read(raw)
        if signed.node_id != peer.node_id:
            raise RemoteError("a debut with the record of another node")
        return signed

    def _locate(
        self, peer: Peer, raw: bytes | None, newcomer: SignedRecord | None, now: Now
    ) -> bool:
        """Check where the peer says it is; False: it was dismissed.

        One node per public IP: what is stated must be where the link leads, and no live neighbor,
        nor we ourselves, may be there. A node elsewhere than it states is refused, not banned: its
        provider may have given it another address, and it gains nothing. An older statement than
        the one we hold changes nothing.
        """
        state = self._state
        stated = self._stated(raw) if raw is not None else None
        if stated is None and newcomer is not None and newcomer.record.accepts_connections:
            raise RemoteError("a node that takes connections does not say where")
        if stated is not None and stated.node_id != peer.node_id:
            raise RemoteError("it stated the address of another node")
        if stated is not None and peer.statement is not None and stated.is_older(peer.statement):
            stated = peer.statement
        if stated is not None and peer.address not in stated.statement.addresses:
            state.refuse(peer, FailureReason.ADDRESS_MISMATCH, now.monotonic)
            return False
        addresses = (peer.address, *(stated.statement.addresses if stated else ()))
        if self._is_ours(addresses) or state.peers.holder_of(addresses, besides=peer.node_id):
            state.refuse(peer, FailureReason.ADDRESS_TAKEN, now.monotonic)
            return False
        peer.statement = stated or peer.statement
        return True

    def _is_ours(self, addresses: tuple[str, ...]) -> bool:
        own = self._state.own.statement
        sites = {site_of(one) for one in addresses}
        return own is not None and any(site_of(one) in sites for one in own.statement.addresses)

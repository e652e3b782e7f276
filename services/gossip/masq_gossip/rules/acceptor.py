"""Decide on a debut: accept, introduce, pass on, make room, refuse. Pure.

    free slot                                   -> Accepted, with one introduction
    full, a neighbor has 3 or 4 neighbors       -> PassedOn to it
    full, and the newcomer has fewer than two   -> Displaced: one of our fullest neighbors
                                                   makes room and is introduced, so that the
                                                   newcomer joins between us
    full otherwise                              -> Refused

Without the third line a mesh in which everybody is full would take nobody in any more.

An exit must not be its originator's neighbor (protocol.md 5.5). So a node that has the neighbors it
wants keeps the *last stranger* of a small mesh at a distance, as if it were full: it passes it on,
takes it in another's place, or refuses it; only an isolated one is taken all the same. Else one
neighbor too many would cost it all its routes.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from masq_gossip.messages import FailureReason
from masq_gossip.record import MAX_DEGREE, NodeRecord
from masq_gossip.rules.parameters import Parameters
from masq_gossip.rules.peers import Peer, Peers
from masq_gossip.rules.view import View
from masq_kernel.entropy import Entropy
from masq_kernel.identity.keys import NodeId

__all__ = ["ISOLATED_DEGREE", "Accepted", "Acceptor", "Displaced", "PassedOn", "Refused"]

PASS_DEGREE_MIN = 3
"""Less connected nodes seek neighbors themselves, by introduction (protocol.md 5.2)."""

ISOLATED_DEGREE = 1
"""A newcomer with so few neighbors is one loss away from being alone."""

DISPLACED_DEGREE_MIN = 4
"""A neighbor that gives up its slot keeps at least three others."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The newcomer becomes a neighbor."""

    introduce: Peer | None  # None: nobody to introduce, or the newcomer needs nobody


@dataclass(frozen=True, slots=True)
class PassedOn:
    """The newcomer should debut to `target` instead."""

    target: Peer


@dataclass(frozen=True, slots=True)
class Displaced:
    """`victim` makes room for the newcomer and is introduced to it."""

    victim: Peer


@dataclass(frozen=True, slots=True)
class Refused:
    """No."""

    reason: FailureReason


class Acceptor:
    """Judges debuts by the view and the peers; remembers recent introductions and displacements."""

    def __init__(
        self, own: NodeId, parameters: Parameters, view: View, peers: Peers, entropy: Entropy
    ) -> None:
        self._own, self._parameters, self._view, self._peers = own, parameters, view, peers
        self._entropy = entropy
        self._introduced: list[tuple[float, NodeId]] = []
        self._displaced_at = float("-inf")

    def judge(
        self, newcomer: NodeRecord, tried: Iterable[NodeId], now: float
    ) -> Accepted | PassedOn | Displaced | Refused:
        """Decide on the debut of a node that is not our neighbor yet."""
        known = self._known_to(newcomer, tried)
        has_slot = self._peers.has_free_slot()
        is_last_stranger = self.is_last_stranger(newcomer)
        if has_slot and not is_last_stranger:
            return self._accepted(newcomer, known, now)
        target = self._pass_target(known)
        if target is not None:
            return PassedOn(target)
        if has_slot and newcomer.degree <= ISOLATED_DEGREE:
            return self._accepted(newcomer, known, now)
        victim = self._victim(newcomer, known, now, is_last_stranger=is_last_stranger)
        if victim is not None:
            self._displaced_at = now
            return Displaced(victim)
        return Refused(FailureReason.FULL)

    def is_last_stranger(self, newcomer: NodeRecord) -> bool:
        """Say whether everybody we know would be our neighbor if this node became one too."""
        neighbors = {peer.node_id for peer in self._peers.neighbors()}
        if len(neighbors) < self._parameters.seek_target:
            return False
        seen = (one for one in self._view.distances() if one in self._view)
        ours = neighbors | {self._own, newcomer.node_id}
        return ours.issuperset(seen) and ours.issuperset(newcomer.neighbors)

    def _accepted(self, newcomer: NodeRecord, known: set[NodeId], now: float) -> Accepted:
        needs_more = newcomer.degree + 1 < self._parameters.seek_target
        return Accepted(self.introduction(known, now) if needs_more else None)

    def introduction_for(
        self, neighbor: Peer, newcomer: NodeRecord, tried: Iterable[NodeId], now: float
    ) -> Peer | None:
        """Return one more node for a neighbor that asks; None: nobody, or it asks too often."""
        horizon = now - self._parameters.introductions_refill_s
        neighbor.introductions = [at for at in neighbor.introductions if at > horizon]
        if len(neighbor.introductions) >= self._parameters.introductions_max:
            return None
        found = self.introduction(self._known_to(newcomer, tried), now)
        if found is not None:
            neighbor.introductions.append(now)
        return found

    def introduction(self, known: set[NodeId], now: float) -> Peer | None:
        """Return the least connected neighbor with room that is not in `known`."""
        recent = now - self._parameters.introduction_memory_s
        self._introduced = [(at, who) for at, who in self._introduced if at > recent]
        options = [
            (degree, peer)
            for peer in self._introducible(known)
            if (degree := self._expected_degree(peer)) < MAX_DEGREE
        ]
        found = self._least(options)
        if found is not None:
            self._introduced.append((now, found.node_id))
        return found

    def _pass_target(self, known: set[NodeId]) -> Peer | None:
        own_degree = len(self._peers.neighbors())
        options = [
            (degree, peer)
            for peer in self._introducible(known)
            if PASS_DEGREE_MIN <= (degree := self._degree(peer)) < own_degree
        ]
        return self._least(options)

    def _victim(
        self, newcomer: NodeRecord, known: set[NodeId], now: float, *, is_last_stranger: bool
    ) -> Peer | None:
        if now < self._displaced_at + self._parameters.displace_interval_s:
            return None
        if is_last_stranger and newcomer.degree < self._parameters.seek_target:
            known = {newcomer.node_id}  # it needs our slot, not the introduction
        elif newcomer.degree > ISOLATED_DEGREE:
            return None
        options = [
            (-degree, peer)
            for peer in self._introducible(known)
            if peer.is_full and (degree := self._degree(peer)) >= DISPLACED_DEGREE_MIN
        ]
        return self._least(options)

    def _introducible(self, known: set[NodeId]) -> list[Peer]:
        """Neighbors that consent to being introduced and are news to the newcomer."""
        return [
            peer
            for peer in self._peers.neighbors()
            if peer.node_id not in known
            and peer.statement is not None
            and peer.statement.statement.introducible
            and self._view.record(peer.node_id) is not None
        ]

    def _known_to(self, newcomer: NodeRecord, tried: Iterable[NodeId]) -> set[NodeId]:
        return {newcomer.node_id, *newcomer.neighbors, *tried}

    def _degree(self, peer: Peer) -> int:
        record = self._view.record(peer.node_id)
        return record.degree if record else 0

    def _expected_degree(self, peer: Peer) -> int:
        return self._degree(peer) + sum(1 for _, who in self._introduced if who == peer.node_id)

    def _least(self, options: list[tuple[int, Peer]]) -> Peer | None:
        if not options:
            return None
        least = min(degree for degree, _ in options)
        return self._entropy.choice([peer for degree, peer in options if degree == least])

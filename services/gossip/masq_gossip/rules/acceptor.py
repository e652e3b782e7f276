"""Decide on a debut: accept, introduce, pass on, make room, refuse. Pure.

    free slot                                   -> Accepted, with one introduction
    full, a neighbor has 3 or 4 neighbors       -> PassedOn to it
    full, and the newcomer has fewer than two   -> Displaced: one of our fullest neighbors
                                                   makes room and is introduced, so that the
                                                   newcomer joins between us
    full, and the newcomer needs nobody for     -> Displaced too, but seldom: it may join two
    itself and comes from where we do not see      parts of the mesh
    full, and it needs more neighbors           -> PassedOn to a full one that knows room
    full otherwise                              -> Refused

Without the third line a mesh in which everybody is full would take nobody in any more, without the
fourth two full halves would never join again.

An exit must not be its originator's neighbor (protocol.md 5.5). So a node that has the neighbors it
wants keeps the *last stranger* of a small mesh at a distance, as if it were full: it passes it on,
takes it in another's place, or refuses it; only an isolated one is taken all the same. Else one
neighbor too many would cost it all its routes.

Against crawlers: what one place is told of our neighbors' addresses is limited, under whatever
names it asks. Against eclipse: some places are kept for nodes of our own choice (`anchors`), and
the last of those are never displaced. Conduct (protocol.md 5.4) decides among equals, and who goes.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from masq_gossip.messages import FailureReason
from masq_gossip.record import MAX_DEGREE, NodeRecord
from masq_gossip.rules.budget import Budget, Budgets
from masq_gossip.rules.parameters import Parameters
from masq_gossip.rules.peers import Peer, Peers
from masq_gossip.rules.reputation import Reputation
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

BAD_SUCCESS_RATE = 0.5
"""A neighbor on whose routes more fail than serve is introduced last and displaced first."""


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
        self,
        own: NodeId,
        parameters: Parameters,
        view: View,
        peers: Peers,
        reputation: Reputation,
        entropy: Entropy,
    ) -> None:
        self._own, self._parameters, self._view, self._peers = own, parameters, view, peers
        self._reputation, self._entropy = reputation, entropy
        self._told = Budgets[str](
            burst=parameters.introductions_max, refill_s=parameters.introductions_refill_s
        )
        self._introduced: list[tuple[float, NodeId]] = []
        self._displaced_at = self._bridged_at = float("-inf")

    def judge(
        self, newcomer: NodeRecord, tried: Iterable[NodeId], now: float, *, site: str, kept: int
    ) -> Accepted | PassedOn | Displaced | Refused:
        """Decide on the debut of a node that is not our neighbor yet.

        Args:
            newcomer: its record.
            tried: whom it has debuted to in vain.
            now: monotonic seconds.
            site: where it is; each place learns so many addresses from us and no more.
            kept: places that are not for those who come.
        """
        known = self._known_to(newcomer, tried)
        taken = len(self._peers.neighbors()) + kept
        is_last_stranger = self.is_last_stranger(newcomer)
        told = self._told.of(site, now)
        if taken < MAX_DEGREE and not is_last_stranger:
            return self._accepted(newcomer, known, now, told)
        target = self._pass_target(known, taken, now)
        if target is not None:
            return PassedOn(target) if told.take(now) else Refused(FailureReason.FULL)
        if taken < MAX_DEGREE and newcomer.degree <= ISOLATED_DEGREE:
            return self._accepted(newcomer, known, now, told)
        victim = self._victim(newcomer, known, now, is_last_stranger=is_last_stranger)
        if victim is not None and told.take(now):
            self._displaced_at = now
            if newcomer.degree >= self._parameters.seek_target:  # it came from afar
                self._bridged_at = now
            return Displaced(victim)
        leader = self._leader_to_room(newcomer, known, now)
        if leader is not None and told.take(now):
            return PassedOn(leader)
        return Refused(FailureReason.FULL)

    def is_last_stranger(self, newcomer: NodeRecord) -> bool:
        """Say whether everybody we know would be our neighbor if this node became one too."""
        neighbors = {peer.node_id for peer in self._peers.neighbors()}
        if len(neighbors) < self._parameters.seek_target:
            return False
        seen = (one for one in self._view.distances() if one in self._view)
        ours = neighbors | {self._own, newcomer.node_id}
        return ours.issuperset(seen) and ours.issuperset(newcomer.neighbors)

    def _accepted(
        self, newcomer: NodeRecord, known: set[NodeId], now: float, told: Budget
    ) -> Accepted:
        needs_more = newcomer.degree + 1 < self._parameters.seek_target
        return Accepted(self._introduction(known, now, told) if needs_more else None)

    def introduction_for(
        self, neighbor: Peer, newcomer: NodeRecord, tried: Iterable[NodeId], now: float
    ) -> Peer | None:
        """Return one more node for a neighbor that asks; None: nobody, or it asks too often."""
        told = self._told.of(neighbor.site, now)
        known = self._known_to(newcomer, tried)
        has_only_us = newcomer.degree <= ISOLATED_DEGREE
        return self._introduction(known, now, told, even_full=has_only_us)

    def _introduction(
        self, known: set[NodeId], now: float, told: Budget, *, even_full: bool = False
    ) -> Peer | None:
        """Return the least connected neighbor that is not in `known`, with room or `even_full`.

        A full one makes room for a node that has nobody else, or leads it on.
        """
        if not told.left(now):
            return None
        recent = now - self._parameters.introduction_memory_s
        self._introduced = [(at, who) for at, who in self._introduced if at > recent]
        options = [
            (degree, peer)
            for peer in self._introducible(known)
            if (degree := self._expected_degree(peer)) < MAX_DEGREE or even_full
        ]
        found = self._least(options, now)
        if found is not None:
            told.take(now)
            self._introduced.append((now, found.node_id))
        return found

    def _pass_target(self, known: set[NodeId], own_degree: int, now: float) -> Peer | None:
        options = [
            (degree, peer)
            for peer in self._introducible(known)
            if PASS_DEGREE_MIN <= (degree := self._degree(peer)) < own_degree
        ]
        return self._least(options, now)

    def _leader_to_room(self, newcomer: NodeRecord, known: set[NodeId], now: float) -> Peer | None:
        """Return a full neighbor that has a neighbor with room, for a newcomer that needs more."""
        if newcomer.degree >= self._parameters.seek_target:
            return None

        def has_room(node_id: NodeId) -> bool:
            record = self._view.record(node_id)
            return record is not None and record.accepts_connections and not record.is_full_up

        options = [
            (0, peer)
            for peer in self._introducible(known)
            if any(has_room(one) for one in self._neighbors_of(peer) if one not in known)
        ]
        return self._least(options, now)

    def _neighbors_of(self, peer: Peer) -> tuple[NodeId, ...]:
        record = self._view.record(peer.node_id)
        return record.neighbors if record else ()

    def _victim(
        self, newcomer: NodeRecord, known: set[NodeId], now: float, *, is_last_stranger: bool
    ) -> Peer | None:
        if now < self._displaced_at + self._parameters.displace_interval_s:
            return None
        needs_us = is_last_stranger and newcomer.degree < self._parameters.seek_target
        needs_room = needs_us or newcomer.degree <= ISOLATED_DEGREE
        if not needs_room and not self._is_from_afar(newcomer, now):
            return None
        if needs_us or newcomer.degree == 0:
            known = {newcomer.node_id}  # it needs our slot, not the introduction
        spares_anchor = self._peers.anchors() > self._parameters.anchors
        options = [
            (-degree, peer)
            for peer in self._introducible(known)
            if (spares_anchor or not peer.is_anchor)
            and peer.is_full
            and (degree := self._degree(peer)) >= DISPLACED_DEGREE_MIN
        ]
        worst = [option for option in options if self._is_bad(option[1], now)]
        return self._least(worst or options, now)

    def _is_from_afar(self, newcomer: NodeRecord, now: float) -> bool:
        if newcomer.degree < self._parameters.seek_target:
            return False  # it seeks neighbors for itself and will find them elsewhere
        if now < self._bridged_at + self._parameters.bridge_interval_s:
            return False
        return self._view.distances().keys().isdisjoint((newcomer.node_id, *newcomer.neighbors))

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

    def _is_bad(self, peer: Peer, now: float) -> bool:
        conduct = self._reputation.conduct(peer.node_id, now)
        return conduct.success_rate < BAD_SUCCESS_RATE

    def _least(self, options: list[tuple[int, Peer]], now: float) -> Peer | None:
        """Return the peer with the least rank; among equals one that has not failed us."""
        if not options:
            return None
        least = min(rank for rank, _ in options)
        equals = [peer for rank, peer in options if rank == least]
        good = [peer for peer in equals if not self._is_bad(peer, now)]
        return self._entropy.choice(good or equals)

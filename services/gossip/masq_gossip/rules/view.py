"""Our picture of the mesh: records, distances, half and full links, age. Pure.

An edge a -> b stands in a's record. A node is *reached* if a chain of such edges leads from us to
it; a link is *full* when both records list it. Only what is reached within the horizon is kept for
good, only what our neighbors' horizon includes is forwarded, only full links carry routes.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import Enum

from masq_gossip.record import NodeRecord, SignedRecord
from masq_gossip.rules.budget import Budget
from masq_gossip.rules.events import Now
from masq_gossip.rules.parameters import Parameters
from masq_kernel.identity.keys import NodeId

__all__ = ["DROPPED_MAX", "Verdict", "View"]

DROPPED_MAX = 4096
"""Versions of dropped records that are remembered, at most."""


class Verdict(Enum):
    """What became of a record that was offered."""

    TAKEN = "taken"
    KNOWN = "known"
    OLDER = "older"
    CONFLICTING = "two records of one version"
    EXPIRED = "older than its lifetime"
    FUTURE = "published in the future"
    NO_ROOM = "no room"
    TOO_SOON = "newer records of this node come too fast"


@dataclass(slots=True)
class _Held:
    signed: SignedRecord
    unreached_since: float | None  # None: a path leads there
    updates: Budget


class View:
    """The records we hold.

    Args:
        own: our NodeId, from which distances count.
        read: parses and verifies one record (may remember what it has verified).
    """

    def __init__(
        self, own: NodeId, parameters: Parameters, read: Callable[[bytes], SignedRecord]
    ) -> None:
        self._own, self._parameters, self._read = own, parameters, read
        self._held: dict[NodeId, _Held] = {}
        self._distances: dict[NodeId, int] | None = None
        self._full_links: dict[NodeId, list[NodeId]] = {}  # found since the last change
        self._rings: list[set[NodeId]] = [{own}]  # by full links from us; as far as asked for
        self._near: dict[NodeId, int] = {own: 0}
        self._in_country: dict[str, frozenset[NodeId]] | None = None  # the same
        self._raw_known: dict[bytes, SignedRecord] = {}
        self._dropped: dict[NodeId, tuple[int, int]] = {}  # version, expiry in unix seconds

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, node_id: NodeId) -> bool:
        return node_id in self._held

    def read(self, raw: bytes) -> SignedRecord:
        """Return the record in these bytes; what we hold already is not verified again.

        Raises:
            RemoteError: malformed, or not signed for this chain.
        """
        return self._raw_known.get(raw) or self._read(raw)

    def offer(self, signed: SignedRecord, now: Now) -> Verdict:
        """Take a verified record if it is news."""
        record, limits = signed.record, self._parameters
        if record.published_at > now.unix + limits.future_skew_s:
            return Verdict.FUTURE
        if record.published_at + limits.record_ttl_s <= now.unix:
            return Verdict.EXPIRED
        held = self._held.get(record.node_id)
        if held is not None:
            if held.signed.version > record.version:
                return Verdict.OLDER
            if held.signed.version == record.version:
                same = held.signed.raw == signed.raw
                return Verdict.KNOWN if same else Verdict.CONFLICTING
            if record.node_id != self._own and not held.updates.take(now.monotonic):
                return Verdict.TOO_SOON  # a digest brings the last of them
        elif self._was_newer(record, now):
            return Verdict.OLDER
        elif not self._make_room(record.node_id):
            return Verdict.NO_ROOM
        self._put(signed, now)
        return Verdict.TAKEN

    def record(self, node_id: NodeId) -> NodeRecord | None:
        """Return what the node says about itself, if we hold it."""
        held = self._held.get(node_id)
        return held.signed.record if held else None

    def signed(self, node_id: NodeId) -> SignedRecord | None:
        """Return the record as it is forwarded, if we hold it."""
        held = self._held.get(node_id)
        return held.signed if held else None

    def records(self) -> Iterator[NodeRecord]:
        """Yield all records."""
        return (held.signed.record for held in self._held.values())

    def distances(self) -> dict[NodeId, int]:
        """Return the number of links from us to each node that is reached within the horizon."""
        if self._distances is None:
            self._distances = self._search()
        return self._distances

    def shareable(self) -> dict[NodeId, int]:
        """Return the versions of the records that our neighbors' horizon includes."""
        reach = self._parameters.horizon - 1
        return {
            node_id: self._held[node_id].signed.version
            for node_id, distance in self.distances().items()
            if distance <= reach and node_id in self._held
        }

    def is_full(self, one: NodeId, other: NodeId) -> bool:
        """Say whether both records list the link."""
        a, b = self.record(one), self.record(other)
        return a is not None and b is not None and a.lists(other) and b.lists(one)

    def full_neighbors(self, node_id: NodeId) -> list[NodeId]:
        """Return the nodes with which `node_id` has a full link, ascending; not to be changed."""
        known = self._full_links.get(node_id)
        if known is None:
            record = self.record(node_id)
            listed = record.neighbors if record else ()
            known = [one for one in listed if self.is_full(node_id, one)]
            self._full_links[node_id] = known
        return known

    def is_within(self, node_id: NodeId, links: int) -> bool:
        """Say whether a chain of so many full links, or fewer, leads from us to the node."""
        near = self._near
        while len(self._rings) <= links and self._rings[-1]:
            ring = {
                other
                for one in self._rings[-1]
                for other in self.full_neighbors(one)
                if other not in near
            }
            near.update(dict.fromkeys(ring, len(self._rings)))
            self._rings.append(ring)
        return near.get(node_id, links + 1) <= links

    def in_countries(self, countries: Collection[str]) -> frozenset[NodeId]:
        """Return the nodes that say they are in one of these countries."""
        if self._in_country is None:
            found: dict[str, set[NodeId]] = {}
            for record in self.records():
                found.setdefault(record.country, set()).add(record.node_id)
            self._in_country = {one: frozenset(nodes) for one, nodes in found.items()}
        empty: frozenset[NodeId] = frozenset()
        return empty.union(*(self._in_country.get(one, empty) for one in countries))

    def cull(self, now: Now) -> None:
        """Drop what is too old, and what no live path has reached for the grace period."""
        self._mark_unreached(now)
        oldest = now.unix - self._parameters.record_ttl_s
        grace = self._parameters.unreached_grace_s
        for node_id, held in list(self._held.items()):
            since = held.unreached_since
            stale = since is not None and since + grace <= now.monotonic
            if node_id != self._own and (stale or held.signed.record.published_at <= oldest):
                self._drop(node_id)

    def next_cull(self, now: Now) -> float | None:
        """Return the monotonic time at which a record's grace ends; None: all are reached."""
        self._mark_unreached(now)
        waiting = [one.unreached_since for one in self._held.values() if one.unreached_since]
        return min(waiting) + self._parameters.unreached_grace_s if waiting else None

    @property
    def is_whole(self) -> bool:
        """Whether nothing lies at the horizon: what we see is all that we are connected with."""
        return max(self.distances().values()) < self._parameters.horizon

    def _was_newer(self, record: NodeRecord, now: Now) -> bool:
        """Say whether a newer record of this node was dropped here, and could still be valid.

        Without this an old record, late or replayed, could stand in for a newer one.
        """
        version, expires_at = self._dropped.get(record.node_id, (0, 0))
        return record.version < version and now.unix < expires_at

    def _put(self, signed: SignedRecord, now: Now) -> None:
        self._dropped.pop(signed.node_id, None)
        held = self._held.get(signed.node_id)
        if held is not None:
            del self._raw_known[held.signed.raw]
        updates = held.updates if held is not None else self._new_budget(now)
        self._held[signed.node_id] = _Held(signed, now.monotonic, updates)
        self._raw_known[signed.raw] = signed
        self._changed(signed.node_id)

    def _new_budget(self, now: Now) -> Budget:
        burst, refill_s = self._parameters.updates_max, self._parameters.updates_refill_s
        return Budget(burst=burst, refill_s=refill_s, now=now.monotonic)

    def _drop(self, node_id: NodeId) -> None:
        signed = self._held.pop(node_id).signed
        del self._raw_known[signed.raw]
        expires_at = signed.record.published_at + self._parameters.record_ttl_s
        self._dropped[node_id] = signed.version, expires_at
        if len(self._dropped) > DROPPED_MAX:
            del self._dropped[next(iter(self._dropped))]
        self._changed(node_id)

    def _changed(self, node_id: NodeId) -> None:
        if self._distances is not None and node_id in self._distances:
            self._distances = None  # the record of a node that is not reached leads nowhere
        self._in_country = None
        self._full_links.clear()
        self._rings, self._near = [{self._own}], {self._own: 0}

    def _mark_unreached(self, now: Now) -> None:
        reached = self.distances()
        for node_id, held in self._held.items():
            if node_id in reached:
                held.unreached_since = None
            elif held.unreached_since is None:
                held.unreached_since = now.monotonic

    def _make_room(self, newcomer: NodeId) -> bool:
        reached = self.distances()
        if newcomer in reached:
            return len(self._held) < self._parameters.view_records_max or self._drop_unreached()
        unreached = len(self._held) - sum(1 for one in reached if one in self._held)
        if unreached >= self._parameters.unreached_max:
            return self._drop_unreached()
        return len(self._held) < self._parameters.view_records_max

    def _drop_unreached(self) -> bool:
        reached = self.distances()
        oldest = next((one for one in self._held if one not in reached), None)
        if oldest is None:
            return False
        self._drop(oldest)
        return True

    def _search(self) -> dict[NodeId, int]:
        distances, waiting = {self._own: 0}, deque([self._own])
        while waiting:
            node_id = waiting.popleft()
            record, distance = self.record(node_id), distances[node_id] + 1
            if record is None or distance > self._parameters.horizon:
                continue
            for neighbor in record.neighbors:
                if neighbor not in distances:
                    distances[neighbor] = distance
                    waiting.append(neighbor)
        return distances

"""Our picture of the mesh: records, distances, half and full links, age. Pure.

An edge a -> b stands in a's record. A node is *reached* if a chain of such edges leads from us to
it; a link is *full* when both records list it. Only what is reached within the horizon is kept for
good, only what our neighbors' horizon includes is forwarded, only full links carry routes.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
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
        self._held: dict[NodeId, SignedRecord] = {}
        self._raw_known: dict[bytes, SignedRecord] = {}
        self._dropped: dict[NodeId, tuple[int, int]] = {}  # version, expiry in unix seconds
        self._changed: set[NodeId] = set()  # records put or dropped since somebody asked
        self._published_first = float("inf")  # no record was published before this
        self._unreached: dict[NodeId, float] = {}  # since when (monotonic) no path has led there
        self._updates: dict[NodeId, Budget] = {}  # how soon each record may be another one again
        self._unmarked = 0  # records put since `_unreached` was brought up to date
        # Found since the graph changed:
        self._distances: dict[NodeId, int] | None = None
        self._farthest = 0
        self._full_links: dict[NodeId, list[NodeId]] = {}
        self._rings: list[set[NodeId]] = [{own}]  # by full links from us; as far as asked for
        self._near: dict[NodeId, int] = {own: 0}
        self._is_marked = False
        # Found since any record changed:
        self._in_country: dict[str, frozenset[NodeId]] | None = None

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
            if held.version > record.version:
                return Verdict.OLDER
            if held.version == record.version:
                same = held.raw == signed.raw
                return Verdict.KNOWN if same else Verdict.CONFLICTING
            if record.node_id != self._own and not self._may_update(record.node_id, now):
                return Verdict.TOO_SOON  # a digest brings the last of them
        elif self._was_newer(record, now):
            return Verdict.OLDER
        elif not self._make_room(record.node_id, now):
            return Verdict.NO_ROOM
        self._put(signed, now)
        return Verdict.TAKEN

    def record(self, node_id: NodeId) -> NodeRecord | None:
        """Return what the node says about itself, if we hold it."""
        held = self._held.get(node_id)
        return held.record if held is not None else None

    def signed(self, node_id: NodeId) -> SignedRecord | None:
        """Return the record as it is forwarded, if we hold it."""
        return self._held.get(node_id)

    def records(self) -> Iterator[NodeRecord]:
        """Yield all records."""
        return (held.record for held in self._held.values())

    def distances(self) -> dict[NodeId, int]:
        """Return the number of links from us to each node that is reached within the horizon."""
        if self._distances is None:
            self._distances = self._search()
        return self._distances

    def sees(self, node_id: NodeId) -> bool:
        """Say whether a path leads to the node and its record has come: hiding it hides nothing."""
        return node_id in self.distances() and node_id in self._held

    def shareable(self, among: Iterable[NodeId] | None = None) -> dict[NodeId, int]:
        """Return the versions of the records that our neighbors' horizon includes.

        Args:
            among: only these; None: all.
        """
        reach, distances, held = self._parameters.horizon - 1, self.distances(), self._held
        return {
            node_id: held[node_id].version
            for node_id in (distances if among is None else among)
            if distances.get(node_id, reach + 1) <= reach and node_id in held
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

    def take_changed(self) -> set[NodeId]:
        """Return the nodes whose record is another one, or gone, since the last call."""
        changed, self._changed = self._changed, set()
        return changed

    def cull(self, now: Now) -> None:
        """Drop what is too old, and what no live path has reached for the grace period."""
        self._mark_unreached(now)
        latest = now.monotonic - self._parameters.unreached_grace_s
        for node_id in [one for one, since in self._unreached.items() if since <= latest]:
            if node_id != self._own:
                self._drop(node_id)
        if self._published_first + self._parameters.record_ttl_s <= now.unix:
            self._drop_expired(now)

    def next_cull(self) -> float | None:
        """Return the monotonic time at which a record's grace ends; None: all are reached.

        What has changed since the last `cull` does not count yet: it brings the next one anyway.
        """
        first = min(self._unreached.values(), default=None)
        return None if first is None else first + self._parameters.unreached_grace_s

    @property
    def unreached(self) -> int:
        """How many records had no path when last looked at."""
        return len(self._unreached)

    @property
    def dropped(self) -> int:
        """How many versions of dropped records are remembered."""
        return len(self._dropped)

    @property
    def is_whole(self) -> bool:
        """Whether nothing lies at the horizon: what we see is all that we are connected with."""
        self.distances()
        return self._farthest < self._parameters.horizon

    def _was_newer(self, record: NodeRecord, now: Now) -> bool:
        """Say whether a newer record of this node was dropped here, and could still be valid.

        Without this an old record, late or replayed, could stand in for a newer one.
        """
        version, expires_at = self._dropped.get(record.node_id, (0, 0))
        return record.version < version and now.unix < expires_at

    def _may_update(self, node_id: NodeId, now: Now) -> bool:
        budget = self._updates.get(node_id)
        if budget is None:
            burst, refill_s = self._parameters.updates_max, self._parameters.updates_refill_s
            budget = Budget(burst=burst, refill_s=refill_s, now=now.monotonic)
            self._updates[node_id] = budget
        return budget.take(now.monotonic)

    def _put(self, signed: SignedRecord, now: Now) -> None:
        self._dropped.pop(signed.node_id, None)
        held = self._held.get(signed.node_id)
        if held is not None:
            del self._raw_known[held.raw]
        self._held[signed.node_id] = signed
        self._raw_known[signed.raw] = signed
        self._published_first = min(self._published_first, signed.record.published_at)
        self._changed.add(signed.node_id)
        self._in_country = None
        if held is not None and held.record.neighbors == signed.record.neighbors:
            return
        if self._is_apart(signed.node_id):
            self._unreached.setdefault(signed.node_id, now.monotonic)
            self._forget_links_of(signed.record)
        else:
            self._unmarked += 1
            self._graph_changed()

    def _drop(self, node_id: NodeId) -> None:
        signed = self._held.pop(node_id)
        del self._raw_known[signed.raw]
        self._unreached.pop(node_id, None)
        self._updates.pop(node_id, None)
        expires_at = signed.record.published_at + self._parameters.record_ttl_s
        self._dropped[node_id] = signed.version, expires_at
        if len(self._dropped) > DROPPED_MAX:
            del self._dropped[next(iter(self._dropped))]
        self._changed.add(node_id)
        self._in_country = None
        if self._is_apart(node_id):
            self._forget_links_of(signed.record)
        else:
            self._graph_changed()

    def _drop_expired(self, now: Now) -> None:
        oldest = now.unix - self._parameters.record_ttl_s
        for node_id, held in list(self._held.items()):
            if node_id != self._own and held.record.published_at <= oldest:
                self._drop(node_id)
        others = (held.record.published_at for one, held in self._held.items() if one != self._own)
        self._published_first = min(others, default=float("inf"))

    def _is_apart(self, node_id: NodeId) -> bool:
        """Say whether it is known that no path leads there: what we reach stays the same."""
        return self._distances is not None and node_id not in self._distances

    def _forget_links_of(self, record: NodeRecord) -> None:
        for one in (record.node_id, *record.neighbors):
            self._full_links.pop(one, None)

    def _graph_changed(self) -> None:
        self._distances, self._is_marked = None, False
        self._full_links.clear()
        self._rings, self._near = [{self._own}], {self._own: 0}

    def _mark_unreached(self, now: Now) -> None:
        if self._is_marked:
            return
        reached = self.distances()
        before = self._unreached
        self._unreached = {
            node_id: before.get(node_id, now.monotonic)
            for node_id in self._held
            if node_id not in reached
        }
        self._is_marked, self._unmarked = True, 0

    def _make_room(self, newcomer: NodeId, now: Now) -> bool:
        if len(self._unreached) + self._unmarked >= self._parameters.unreached_max:
            self._mark_unreached(now)
            is_reached = newcomer in self.distances()
            if not is_reached and len(self._unreached) >= self._parameters.unreached_max:
                return self._drop_unreached()
        if len(self._held) < self._parameters.view_records_max:
            return True
        self._mark_unreached(now)
        return newcomer in self.distances() and self._drop_unreached()

    def _drop_unreached(self) -> bool:
        oldest = next(iter(self._unreached), None)
        if oldest is None:
            return False
        self._drop(oldest)
        return True

    def _search(self) -> dict[NodeId, int]:
        held, distances, ring = self._held, {self._own: 0}, [self._own]
        for distance in range(1, self._parameters.horizon + 1):
            records = [held[node_id].record for node_id in ring if node_id in held]
            found = dict.fromkeys(one for record in records for one in record.neighbors)
            ring = [node_id for node_id in found if node_id not in distances]
            if not ring:
                break
            distances.update(dict.fromkeys(ring, distance))
        self._farthest = next(reversed(distances.values()))  # they were found in this order
        return distances

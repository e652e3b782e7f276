"""Decide what each neighbor should hear next. Pure.

News are records that changed, or that a shorter path has brought into our neighbors' horizon, since
the last round; they go to every neighbor not known to hold them. All else is left to digests.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

from masq_gossip.messages import (
    DIGEST_COUNT_MAX,
    REQUEST_COUNT_MAX,
    STANDARD_RECORDS_MAX,
    Digest,
    Request,
    Standard,
)
from masq_gossip.rules.peers import Peer
from masq_gossip.rules.view import View
from masq_kernel.identity.keys import NodeId

__all__ = ["Producer", "standard_messages"]


class Producer:
    """Remembers what was shareable at the last round.

    Args:
        own: our NodeId; our own record is always news to a neighbor that lacks it.
    """

    def __init__(self, own: NodeId, view: View) -> None:
        self._own, self._view = own, view
        self._distances: dict[NodeId, int] = {}
        self._shared: dict[NodeId, int] = {}

    def news(self) -> dict[NodeId, int]:
        """Return what is new since the last call, by version."""
        changed, distances = self._view.take_changed(), self._view.distances()
        shareable = self._view.shareable(changed if distances is self._distances else None)
        news = {
            node_id: version
            for node_id, version in shareable.items()
            if self._shared.get(node_id) != version
        }
        if distances is self._distances:
            self._shared.update(news)
        else:
            self._distances, self._shared = distances, shareable
        return news

    def for_peer(self, peer: Peer, news: dict[NodeId, int]) -> list[bytes]:
        """Return the records of the news that the peer does not hold, and note that it will."""
        wanted = dict(news)
        own = self._view.record(self._own)
        if own is not None:
            wanted[self._own] = own.version
        return self.records_for(peer, [one for one in wanted if one != peer.node_id])

    def records_for(self, peer: Peer, node_ids: Iterable[NodeId]) -> list[bytes]:
        """Return those records, unless the peer holds them, and note that it will."""
        chosen = []
        for node_id in node_ids:
            signed = self._view.signed(node_id)
            if signed is not None and peer.heard.get(node_id, -1) < signed.version:
                peer.heard[node_id] = signed.version
                chosen.append(signed.raw)
        return chosen

    def digests(self) -> Iterator[Digest]:
        """Yield all that our neighbors' horizon includes, in as many messages as it takes.

        The nearest come first, so that what is requested arrives with the path to it: records
        without one have little room (view.py).
        """
        versions = iter(self._view.shareable().items())
        while part := tuple(islice(versions, DIGEST_COUNT_MAX)):
            yield Digest(part)

    def compare(self, peer: Peer, digest: Digest) -> Request | None:
        """Note what the peer holds; return the request for what is news to us."""
        wanted = []
        for node_id, version in digest.versions:
            ours = self._view.record(node_id)
            peer.heard[node_id] = version
            if ours is None or ours.version < version:
                wanted.append(node_id)
        self.forget_strangers(peer)
        return Request(tuple(wanted[:REQUEST_COUNT_MAX])) if wanted else None

    def forget_strangers(self, peer: Peer) -> None:
        """Keep what we note about a peer no larger than the view itself."""
        peer.heard = {one: version for one, version in peer.heard.items() if one in self._view}


def standard_messages(records: list[bytes], statement: bytes | None) -> Iterator[Standard]:
    """Yield the records in messages that fit a frame; the statement goes with the first."""
    if not records and statement is not None:
        yield Standard((), statement)
    for start in range(0, len(records), STANDARD_RECORDS_MAX):
        part = tuple(records[start : start + STANDARD_RECORDS_MAX])
        yield Standard(part, statement if start == 0 else None)

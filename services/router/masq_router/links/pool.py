"""All links of this process: at most one for each process of each peer (docs/adr/0015).

When two processes dial each other at the same time, both keep the connection that the smaller
NodeId dialled: each decides alone and alike. A connection that comes later replaces the older one,
since the peer would not dial if it still had it. Links with other processes of the peer stand
beside it; new routes take them in turn.
"""

from collections.abc import Iterator

from masq_kernel.identity.keys import NodeId
from masq_router.links.link import Link

__all__ = ["LINKS_PER_PEER_MAX", "SIMULTANEOUS_S", "LinkPool"]

SIMULTANEOUS_S = 10.0
"""Two dial time-outs: connections proven closer together than this were dialled at once."""

LINKS_PER_PEER_MAX = 16
"""Processes of one peer that are linked with this one; a node has as many as it has processors."""


class LinkPool:
    """Proven links by peer.

    Args:
        own: our NodeId.
    """

    def __init__(self, own: NodeId) -> None:
        self._own = own
        self._links: dict[NodeId, dict[bytes, Link]] = {}  # by peer and its worker, in turn

    def __len__(self) -> int:
        return sum(len(links) for links in self._links.values())

    def __iter__(self) -> Iterator[Link]:
        return iter([link for links in self._links.values() for link in links.values()])

    def __contains__(self, peer: NodeId) -> bool:
        return peer in self._links

    @property
    def peers(self) -> list[NodeId]:
        """Return with whom there is a link."""
        return list(self._links)

    def get(self, peer: NodeId) -> Link | None:
        """Return a link with this peer, if there is one; the next call returns the next."""
        links = self._links.get(peer)
        if links is None:
            return None
        if len(links) == 1:
            return next(iter(links.values()))
        for worker, link in list(links.items()):
            links[worker] = links.pop(worker)  # to the end of the line
            if link.is_open:
                return link
        return link

    def with_peer(self, peer: NodeId) -> list[Link]:
        """Return all links with this peer, the oldest first."""
        return sorted(self._links.get(peer, {}).values(), key=lambda link: link.proven_at)

    def put(self, link: Link) -> Link | None:
        """Enter a link that was just proven; return the one that must be closed, maybe itself."""
        assert link.peer is not None
        links = self._links.get(link.peer, {})
        older = links.get(link.peer_worker)
        if older is not None and self._keeps(older, link):
            return link
        if older is None and len(links) >= LINKS_PER_PEER_MAX:
            return link
        self._links.setdefault(link.peer, links)[link.peer_worker] = link
        return older

    def remove(self, link: Link) -> bool:
        """Forget a link; False when it was not kept."""
        if link.peer is None:
            return False
        links = self._links.get(link.peer, {})
        if links.get(link.peer_worker) is not link:
            return False
        del links[link.peer_worker]
        if not links:
            del self._links[link.peer]
        return True

    def _keeps(self, older: Link, newer: Link) -> bool:
        if not older.is_open or older.inbound == newer.inbound:
            return False
        if newer.proven_at - older.proven_at > SIMULTANEOUS_S:
            return False
        assert newer.peer is not None
        dialled_by_us_wins = self._own < newer.peer
        return older.inbound != dialled_by_us_wins

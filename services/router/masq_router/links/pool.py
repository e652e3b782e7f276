"""All links of this node: at most one for each peer.

When two nodes dial each other at the same time, both keep the connection that the smaller NodeId
dialled: each decides alone and alike. A connection that comes later replaces the older one, since
the peer would not dial if it still had it.
"""

from collections.abc import Iterator

from masq_kernel.identity.keys import NodeId
from masq_router.links.link import Link

__all__ = ["SIMULTANEOUS_S", "LinkPool"]

SIMULTANEOUS_S = 10.0
"""Two dial time-outs: connections proven closer together than this were dialled at once."""


class LinkPool:
    """Proven links by peer.

    Args:
        own: our NodeId.
    """

    def __init__(self, own: NodeId) -> None:
        self._own = own
        self._links: dict[NodeId, Link] = {}

    def __len__(self) -> int:
        return len(self._links)

    def __iter__(self) -> Iterator[Link]:
        return iter(list(self._links.values()))

    def get(self, peer: NodeId) -> Link | None:
        """Return the link with this peer, if there is one."""
        return self._links.get(peer)

    def put(self, link: Link) -> Link | None:
        """Enter a link that was just proven; return the one that must be closed, maybe itself."""
        assert link.peer is not None
        older = self._links.get(link.peer)
        if older is not None and self._keeps(older, link):
            return link
        self._links[link.peer] = link
        return older

    def remove(self, link: Link) -> bool:
        """Forget a link; False when it was not the one for its peer."""
        if link.peer is None or self._links.get(link.peer) is not link:
            return False
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

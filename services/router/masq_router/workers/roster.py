"""Which router processes this node has, and what each of them holds. Pure.

Each tells the others about itself, every second and at each change, so each decides from the same
picture alone and alike: who speaks with a peer, who can pass a route on, who reports for one that
has died. A picture that is a moment old makes gossip be sent twice or not at all once; gossip
repeats itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from masq_kernel.bus.messages.router import LinkState, WorkerTold
from masq_kernel.identity.keys import NodeId
from masq_kernel.units import ByteCount, Seconds

__all__ = ["SILENT_S", "WORKERS_MAX", "Roster", "merged_links"]

SILENT_S = 10.0
"""A process that is not linked with us and tells nothing for so long is gone."""

WORKERS_MAX = 64
"""Of one node; more is a mistake."""


@dataclass(slots=True)
class _Sibling:
    told: WorkerTold
    heard_at: Seconds


class Roster:
    """The other processes, by name.

    Args:
        own: our name, 8 bytes.
    """

    def __init__(self, own: bytes) -> None:
        self.own = own
        self._siblings: dict[bytes, _Sibling] = {}

    def __len__(self) -> int:
        return len(self._siblings)

    @property
    def names(self) -> list[bytes]:
        """The others' names, in order."""
        return sorted(self._siblings)

    @property
    def told(self) -> list[WorkerTold]:
        """What each of them said last, in the order of their names."""
        return [self._siblings[name].told for name in self.names]

    @property
    def is_first(self) -> bool:
        """Whether we are the one that speaks for those that died."""
        return all(self.own < name for name in self._siblings)

    def hear(self, told: WorkerTold, now: Seconds) -> bool:
        """Take what a process says of itself; say whether it is new to us."""
        name = told.state.worker
        is_new = name not in self._siblings
        if name == self.own or (is_new and len(self._siblings) >= WORKERS_MAX):
            return False
        self._siblings[name] = _Sibling(told, now)
        return is_new

    def forget(self, name: bytes, held_here: Iterable[NodeId]) -> list[LinkState]:
        """A process is gone: return the links with peers that nobody else holds."""
        sibling = self._siblings.pop(name, None)
        if sibling is None:
            return []
        held = set(held_here)
        return [
            link
            for link in sibling.told.links
            if link.peer not in held and not self.holders(link.peer)
        ]

    def silent(self, now: Seconds, linked: Iterable[bytes]) -> list[bytes]:
        """Return who has told nothing for too long, of those that are not linked with us."""
        alive = set(linked)
        return [
            name
            for name, sibling in self._siblings.items()
            if name not in alive and now - sibling.heard_at >= SILENT_S
        ]

    def holders(self, peer: NodeId) -> list[tuple[bytes, LinkState]]:
        """Return which of the others hold a link with this peer, in the order of their names."""
        return [
            (told.state.worker, link)
            for told in self.told
            for link in told.links
            if link.peer == peer
        ]

    def speaks(self, own: LinkState) -> bool:
        """Say whether our link with a peer is the node's oldest, which carries the gossip."""
        ours = own.opened_at, self.own
        return all(ours < (link.opened_at, name) for name, link in self.holders(own.peer))


def merged_links(workers: Iterable[Sequence[LinkState]]) -> tuple[LinkState, ...]:
    """Return the links of several processes as one for each peer: the oldest, with all bytes."""
    by_peer: dict[NodeId, LinkState] = {}
    for links in workers:
        for link in links:
            known = by_peer.get(link.peer)
            by_peer[link.peer] = link if known is None else _joined(known, link)
    return tuple(by_peer.values())


def _joined(one: LinkState, other: LinkState) -> LinkState:
    older = min(one, other, key=lambda link: link.opened_at)
    round_trips = [link.rtt_ms for link in (one, other) if link.rtt_ms is not None]
    return msgspec.structs.replace(
        older,
        rtt_ms=min(round_trips, default=None),
        bytes_in=ByteCount(one.bytes_in + other.bytes_in),
        bytes_out=ByteCount(one.bytes_out + other.bytes_out),
        links=one.links + other.links,
    )

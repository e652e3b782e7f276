"""What leaves over one link: in turn, bounded, and never a link torn down for it. Pure.

While the link's socket takes bytes, packages pass straight through. When it is congested each
session has a queue of its own, and the queues are emptied by deficit round robin (Shreedhar and
Varghese, 1995), so that a bulk transfer does not starve its neighbours. A session whose queue
grows over its cap is shed by the caller; when the whole link is over its cap, the largest is.
"""

from collections import deque
from collections.abc import Callable, Hashable
from typing import Protocol

__all__ = ["LINK_QUEUE_MAX", "SESSION_QUEUE_MAX", "Egress", "PackageLink"]

SESSION_QUEUE_MAX = 12 << 20
"""An honest session never has more on its way than ASSOCIATION_WINDOW_MAX (9 MiB) plus overhead."""

LINK_QUEUE_MAX = 64 << 20

_QUANTUM = 33 << 10
"""Bytes a session may send in its turn: more than the largest package, so every turn sends one."""


class PackageLink(Protocol):
    """What an egress needs of a link."""

    @property
    def is_congested(self) -> bool:
        """Whether the socket has more than it can take."""
        ...

    def send_data(self, tag: bytes, body: bytes) -> None:
        """Send one DATA frame."""
        ...


class _Queue:
    __slots__ = ("deficit", "packages", "size")

    def __init__(self) -> None:
        self.packages: deque[tuple[bytes, bytes]] = deque()
        self.size = 0
        self.deficit = 0


class Egress:
    """The way out over one link.

    Args:
        link: where packages go.
        on_shed: called with the key of a session that must be torn down for overload.
    """

    def __init__(self, link: PackageLink, on_shed: Callable[[Hashable], None]) -> None:
        self._link = link
        self._on_shed = on_shed
        self._queues: dict[Hashable, _Queue] = {}
        self._size = 0
        self._pumps: dict[Callable[[], None], None] = {}

    @property
    def is_clear(self) -> bool:
        """Whether a package sent now would go straight to the socket."""
        return not self._queues and not self._link.is_congested

    @property
    def queued_size(self) -> int:
        """Bytes waiting in all queues."""
        return self._size

    def send(self, key: Hashable, tag: bytes, body: bytes) -> None:
        """Send a package of session `key`, now or in its turn."""
        if not self._queues and not self._link.is_congested:
            self._link.send_data(tag, body)
            return
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = _Queue()
        queue.packages.append((tag, body))
        queue.size += len(body)
        self._size += len(body)
        if queue.size > SESSION_QUEUE_MAX:
            self._shed(key)
        elif self._size > LINK_QUEUE_MAX:
            self._shed(max(self._queues, key=lambda each: self._queues[each].size))

    def when_clear(self, pump: Callable[[], None]) -> None:
        """Call `pump` once as soon as the way is clear: for senders that hold their bytes back."""
        self._pumps[pump] = None

    def on_writable(self) -> None:
        """The socket takes bytes again: empty the queues in turn, then let the pumps go on."""
        while self._queues and not self._link.is_congested:
            self._turn(next(iter(self._queues)))
        while self._pumps and self.is_clear:
            pump = next(iter(self._pumps))
            del self._pumps[pump]
            pump()

    def drop(self, key: Hashable) -> None:
        """Forget what session `key` has waiting."""
        queue = self._queues.pop(key, None)
        if queue is not None:
            self._size -= queue.size

    def _turn(self, key: Hashable) -> None:
        queue = self._queues.pop(key)
        queue.deficit += _QUANTUM
        while queue.packages and len(queue.packages[0][1]) <= queue.deficit:
            if self._link.is_congested:
                break
            tag, body = queue.packages.popleft()
            queue.deficit -= len(body)
            queue.size -= len(body)
            self._size -= len(body)
            self._link.send_data(tag, body)
        if queue.packages:
            self._queues[key] = queue  # to the end of the line

    def _shed(self, key: Hashable) -> None:
        self.drop(key)
        self._on_shed(key)

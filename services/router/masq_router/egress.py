"""What leaves over one link: in turn, bounded, and never a link torn down for it. Pure.

While the link's socket takes bytes, packages pass straight through. When it is congested each
session is a flow with a place in one of two lines, and the lines are emptied by deficit round robin
with sparse flows first (Shreedhar and Varghese 1995, RFC 8290 section 4.2): a session that has just
found something to send goes before those that have been sending all along, for one turn. So a bulk
transfer starves nobody, and a small exchange waits for none.

    fresh -> its turn is used up, or it has nothing more -> ready -> its turn comes round ...
    ready, with nothing more -> forgotten

Relayed packages wait here, bounded: a session whose queue grows over its cap is shed by the caller;
when the whole link is over its cap, the largest is. Senders of this node hold their bytes back and
make a package only when their turn comes.
"""

from collections import deque
from collections.abc import Callable, Hashable
from typing import Protocol

__all__ = ["LINK_QUEUE_MAX", "QUANTUM", "SESSION_QUEUE_MAX", "Egress", "Package", "PackageLink"]

Package = tuple[bytes, bytes]
"""Tag and body of one DATA frame."""

SESSION_QUEUE_MAX = 12 << 20
"""An honest session never has more on its way than ASSOCIATION_WINDOW_MAX (9 MiB) plus overhead."""

LINK_QUEUE_MAX = 64 << 20

QUANTUM = 33 << 10
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


class _Flow:
    """A session that has to wait.

    Attributes:
        packages: what waits.
        size: bytes of that.
        pull: makes further packages; None: it has none.
        deficit: bytes that it may still send in this turn.
    """

    __slots__ = ("deficit", "packages", "pull", "size")

    def __init__(self) -> None:
        self.packages: deque[Package] = deque()
        self.size = 0
        self.pull: Callable[[], Package | None] | None = None
        self.deficit = QUANTUM

    def next(self) -> Package | None:
        """Return what leaves next."""
        if self.packages:
            package = self.packages.popleft()
            self.size -= len(package[1])
            return package
        return None if self.pull is None else self.pull()


class Egress:
    """The way out over one link.

    Args:
        link: where packages go.
        on_shed: called with the key of a session that must be torn down for overload.
    """

    def __init__(self, link: PackageLink, on_shed: Callable[[Hashable], None]) -> None:
        self._link = link
        self._on_shed = on_shed
        self._fresh: dict[Hashable, _Flow] = {}
        self._ready: dict[Hashable, _Flow] = {}
        self.queued_size = 0

    @property
    def is_clear(self) -> bool:
        """Whether a package sent now would go straight to the socket."""
        return not self._fresh and not self._ready and not self._link.is_congested

    def send(self, key: Hashable, tag: bytes, body: bytes) -> None:
        """Send a package of session `key`, now or in its turn."""
        if self.is_clear:
            self._link.send_data(tag, body)
            return
        flow = self._flow(key)
        flow.packages.append((tag, body))
        flow.size += len(body)
        self.queued_size += len(body)
        if flow.size > SESSION_QUEUE_MAX:
            self._shed(key)
        elif self.queued_size > LINK_QUEUE_MAX:
            flows = self._fresh | self._ready
            self._shed(max(flows, key=lambda each: flows[each].size))

    def when_clear(self, key: Hashable, pull: Callable[[], Package | None]) -> None:
        """Give session `key` its turns, in which `pull` makes packages until it returns None."""
        self._flow(key).pull = pull

    def on_writable(self) -> None:
        """The socket takes bytes again: let all flows have their turns until it does not."""
        while (self._fresh or self._ready) and not self._link.is_congested:
            line = self._fresh or self._ready
            self._step(line, next(iter(line)))

    def drop(self, key: Hashable) -> None:
        """Forget what session `key` has waiting."""
        flow = self._fresh.pop(key, None) or self._ready.pop(key, None)
        if flow is not None:
            self.queued_size -= flow.size

    def _flow(self, key: Hashable) -> _Flow:
        flow = self._fresh.get(key) or self._ready.get(key)
        if flow is None:
            flow = self._fresh[key] = _Flow()
        return flow

    def _step(self, line: dict[Hashable, _Flow], key: Hashable) -> None:
        flow = line[key]
        if flow.deficit <= 0:
            del line[key]
            flow.deficit += QUANTUM
            self._ready[key] = flow  # to the end of the line
            return
        before = flow.size
        package = flow.next()
        if package is not None:
            flow.deficit -= len(package[1])
            self.queued_size -= before - flow.size
            self._link.send_data(*package)
            return
        line.pop(key, None)
        if line is self._fresh:  # or it could always come back before the others
            self._ready[key] = flow

    def _shed(self, key: Hashable) -> None:
        self.drop(key)
        self._on_shed(key)

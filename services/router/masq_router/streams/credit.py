"""What an association lets the other end send, all streams together. Pure.

Counted anew on each route, beginning with what was received and not consumed before it, because
frames that were on their way are not remembered (association.py).
"""

from masq_router.errors import StreamProtocolError
from masq_router.streams.frames import ack_frame
from masq_router.streams.memory import WindowBudget
from masq_router.streams.windows import WINDOW_MAX, WINDOW_MIN

__all__ = ["ASSOCIATION_WINDOW_MAX", "ASSOCIATION_WINDOW_MIN", "Credit"]

ASSOCIATION_WINDOW_MIN = 1 << 20
"""What all streams of an association may send before the first ACK on a new route."""

ASSOCIATION_WINDOW_MAX = WINDOW_MAX + ASSOCIATION_WINDOW_MIN
"""And ever. Streams stop growing at WINDOW_MAX together, so that those whose reader stands still
leave something to the others."""


class Credit:
    """The receiving side's account of one association.

    Args:
        budget: what windows of all associations may grow by.

    Attributes:
        taken: bytes that ever came.
    """

    def __init__(self, budget: WindowBudget) -> None:
        self._budget = budget
        self._windows = 0  # of all streams together
        self.taken = 0
        self.restart(0)

    def restart(self, backlog: int) -> None:
        """Another route begins; `backlog` bytes are not consumed yet."""
        self._received, self._allowed = backlog, ASSOCIATION_WINDOW_MIN
        self._consumed = self._told = self._told_window = 0

    @property
    def window(self) -> int:
        """How many bytes beyond what is consumed the other end may send."""
        return min(ASSOCIATION_WINDOW_MAX, max(ASSOCIATION_WINDOW_MIN, self._windows))

    def begin(self) -> bytes | None:
        """Another stream has its window; return the ACK that says so, if ours grows by it."""
        self._windows += WINDOW_MIN
        return self.give(0)

    def end(self) -> None:
        """A stream is gone; what it had grown by was given back."""
        self._windows -= WINDOW_MIN

    def take(self, size: int) -> bool:
        """Let a stream's window grow; False: it must not."""
        if self._windows + size > WINDOW_MAX or not self._budget.take(size):
            return False
        self._windows += size
        return True

    def give_back(self, size: int) -> None:
        """A stream's window is smaller again."""
        self._windows -= size
        self._budget.give_back(size)

    def received(self, size: int) -> None:
        """Bytes have come.

        Raises:
            StreamProtocolError: more than were allowed.
        """
        self._received += size
        self.taken += size
        if self._received > self._allowed:
            raise StreamProtocolError("DATA beyond what all streams together were allowed")

    def give(self, size: int) -> bytes | None:
        """Bytes need no room any more; return the ACK that is due then.

        One is when the window has grown, or when a quarter of it has become free: a quarter of
        what streams whose reader stands still leave of it, or the others would wait in vain.
        """
        self._consumed += size
        usable = self.window - (self._received - self._consumed)
        has_grown = self.window > self._told_window
        is_due = has_grown or self._consumed - self._told >= max(1, usable // 4)
        return self.tell() if is_due else None

    def tell(self) -> bytes:
        """Return the ACK that says so."""
        self._told, self._told_window = self._consumed, self.window
        self._allowed = max(self._allowed, self._told + self._told_window)
        return ack_frame(0, consumed=self._told, window=self._told_window)

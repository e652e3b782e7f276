"""What an association lets the other end send, all streams together. Pure.

Counted anew on each route, beginning with what was received and not consumed before it, because
frames that were on their way are not remembered (association.py).
"""

from masq_router.errors import StreamProtocolError
from masq_router.streams.frames import ack_frame
from masq_router.streams.windows import WINDOW_MAX

__all__ = ["ASSOCIATION_WINDOW_MIN", "Credit"]

ASSOCIATION_WINDOW_MIN = 1 << 20
"""What all streams of an association may send before the first ACK on a new route."""


class Credit:
    """The receiving side's account of one association.

    Attributes:
        windows: of its streams, together.
        taken: bytes that ever came.
    """

    def __init__(self) -> None:
        self.windows = self.taken = 0
        self.restart(0)

    def restart(self, backlog: int) -> None:
        """Another route begins; `backlog` bytes are not consumed yet."""
        self._received, self._allowed = backlog, ASSOCIATION_WINDOW_MIN
        self._consumed = self._told = self._told_window = 0

    @property
    def window(self) -> int:
        """How many bytes beyond what is consumed the other end may send."""
        return min(WINDOW_MAX, max(ASSOCIATION_WINDOW_MIN, self.windows))

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

        One is when a quarter of the window is free, or when it has grown.
        """
        self._consumed += size
        has_grown = self.window > self._told_window
        is_due = has_grown or self._consumed - self._told >= self.window // 4
        return self.tell() if is_due else None

    def tell(self) -> bytes:
        """Return the ACK that says so."""
        self._told, self._told_window = self._consumed, self.window
        self._allowed = max(self._allowed, self._told + self._told_window)
        return ack_frame(0, consumed=self._told, window=self._told_window)

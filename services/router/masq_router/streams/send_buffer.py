"""Bytes of one direction of a stream, kept until the other end has consumed them. Pure.

    acked <= sent <= end        offsets from the beginning of the stream

What lies between `acked` and `sent` is on its way, or waits at the other end's socket; after a
change of route what the other end does not have is sent again.
"""

from collections import deque

__all__ = ["SendBuffer"]


class SendBuffer:
    """A queue of byte chunks addressed by stream offset."""

    __slots__ = ("_chunk_at", "_chunks", "_cursor", "_cursor_at", "acked", "end", "sent")

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque()
        self._chunk_at = 0  # offset of the first byte of the first chunk
        self._cursor = 0  # index of the chunk that holds offset `sent`
        self._cursor_at = 0  # offset of that chunk's first byte
        self.acked = 0
        self.sent = 0
        self.end = 0

    @property
    def unsent(self) -> int:
        """How many bytes have not been sent yet."""
        return self.end - self.sent

    @property
    def in_flight(self) -> int:
        """How many bytes were sent and not acknowledged."""
        return self.sent - self.acked

    @property
    def unacked(self) -> int:
        """How many bytes are held in memory because the other end may still need them."""
        return self.end - self.acked

    def write(self, data: bytes) -> None:
        """Add bytes at the end."""
        if data:
            self._chunks.append(data)
            self.end += len(data)

    def take(self, size_max: int) -> memoryview:
        """Return up to `size_max` unsent bytes and count them as sent; never spans chunks.

        One chunk at a time keeps this free of copies; chunks are reads of a socket, so large.
        """
        assert self.sent < self.end
        assert size_max > 0
        chunk = self._chunks[self._cursor]
        begin = self.sent - self._cursor_at
        piece = memoryview(chunk)[begin : begin + size_max]
        self.sent += len(piece)
        if self.sent == self._cursor_at + len(chunk):
            self._cursor += 1
            self._cursor_at += len(chunk)
        return piece

    def ack(self, offset: int) -> int:
        """Forget everything before `offset`; return how many bytes that newly were.

        An offset that was acknowledged before is old news and changes nothing. The caller has
        refused offsets beyond `sent`.
        """
        assert offset <= self.sent
        newly = offset - self.acked
        if newly <= 0:
            return 0
        self.acked = offset
        while self._chunks and self._chunk_at + len(self._chunks[0]) <= offset:
            self._chunk_at += len(self._chunks.popleft())
            self._cursor -= 1
        return newly

    def rewind(self, offset: int) -> None:
        """Send again from `offset`: after a change of route, from what the other end has."""
        assert self.acked <= offset <= self.sent
        self.sent = offset
        self._cursor, self._cursor_at = 0, self._chunk_at
        for chunk in self._chunks:
            if self._cursor_at + len(chunk) > offset:
                break
            self._cursor += 1
            self._cursor_at += len(chunk)

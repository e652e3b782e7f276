"""Who may write on: bytes that wait to be sent are bounded, for a stream and for all. Pure."""

from collections.abc import Callable

from masq_router.streams.stream import Stream

__all__ = ["ROOM_MIN", "SEND_BUFFER_MAX", "UNSENT_MAX", "Writers"]

SEND_BUFFER_MAX = 512 << 10
"""Unsent bytes of a stream at which its TCP socket is no longer read."""

UNSENT_MAX = 4 << 20
"""Unsent bytes of all streams together at which none of their sockets is read."""

ROOM_MIN = 1 << 10
"""What a socket may still deliver when there is no room: it is told to stop by what this answers.
A megabyte for as many streams as an association may have."""


class Writers:
    """The sockets that fill the streams of one association.

    Args:
        go_on: called with the number of a stream whose writer was stopped and may go on.
    """

    def __init__(self, go_on: Callable[[int], None]) -> None:
        self._go_on = go_on
        self._held_back: dict[int, Stream] = {}  # stopped because of what others had to send
        self.unsent = 0

    def room(self, stream: Stream) -> int:
        """Return how many bytes may be written now, never none."""
        room = min(SEND_BUFFER_MAX - stream.outbound.unsent, UNSENT_MAX - self.unsent)
        return max(ROOM_MIN, room)

    def wrote(self, stream: Stream, size: int, *, may_go_on: bool) -> bool:
        """Count bytes just written; False: the writer must stop until it is called."""
        self.unsent += size
        is_full = stream.outbound.unsent >= SEND_BUFFER_MAX or self.unsent >= UNSENT_MAX
        stream.wants_more = is_full or not may_go_on
        return not stream.wants_more

    def sent(self, stream: Stream, size: int) -> None:
        """Bytes have left."""
        self.unsent -= size
        self.release(stream)
        self._release_others()

    def again(self, size: int) -> None:
        """Bytes must be sent once more."""
        self.unsent += size

    def forget(self, stream: Stream) -> None:
        """A stream is gone, and what it had to send with it."""
        self._held_back.pop(stream.stream_id, None)
        self.unsent -= stream.outbound.unsent
        self._release_others()

    def release(self, stream: Stream) -> None:
        """Let its writer go on, if it was stopped and there is room again."""
        if not stream.wants_more or stream.outbound.unsent >= SEND_BUFFER_MAX // 2:
            return
        if self.unsent >= UNSENT_MAX // 2:
            self._held_back[stream.stream_id] = stream
            return
        stream.wants_more = False
        self._go_on(stream.stream_id)

    def _release_others(self) -> None:
        while self._held_back and self.unsent < UNSENT_MAX // 2:
            self.release(self._held_back.pop(next(iter(self._held_back))))

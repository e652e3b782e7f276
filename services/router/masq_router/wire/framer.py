"""Bytes in, frames out, on one reused buffer (protocol.md 3). Pure.

Made for `asyncio.BufferedProtocol`: the socket reads into `space()`, `received` hands out the
frames that are complete as views into the same buffer, and the cut-off frame at the end is moved
to the front. A body is never copied here, and a length is checked before its body is awaited.
"""

from collections.abc import Callable

from masq_router.wire.frames import BODY_SIZE_MAX, HEADER_SIZE, check_frame

__all__ = ["Framer"]

BUFFER_SIZE = 4 * (HEADER_SIZE + BODY_SIZE_MAX)
"""Several frames for each read, so that the cost of a read is shared."""


class Framer:
    """Cuts one direction of a link into frames."""

    __slots__ = ("_buffer", "_end", "_view")

    def __init__(self) -> None:
        self._buffer = bytearray(BUFFER_SIZE)
        self._view = memoryview(self._buffer)
        self._end = 0

    def space(self) -> memoryview:
        """Return where the next bytes are to be written; never empty."""
        return self._view[self._end :]

    def received(self, size: int, on_frame: Callable[[int, memoryview], None]) -> None:
        """Take `size` bytes that were written into `space()` and hand out complete frames.

        Args:
            size: how many bytes.
            on_frame: called with the type and the body, which is valid during the call only.

        Raises:
            WireError: a header that cannot be; the link must be closed.
        """
        buffer, view = self._buffer, self._view
        at, end = 0, self._end + size
        while end - at >= HEADER_SIZE:
            length = int.from_bytes(view[at : at + 3], "big")
            kind = buffer[at + 3]
            check_frame(kind, length)
            following = at + HEADER_SIZE + length
            if following > end:
                break
            on_frame(kind, view[at + HEADER_SIZE : following])
            at = following
        if at and at < end:
            view[: end - at] = buffer[at:end]
        self._end = end - at

"""Questions to the accountant of the node where a route ends, and its answers. Pure.

STATEMENT    0x0b  length u16, bytes            (protocol.md 4.3, accounting.md 5)

What they say is the accountants' business: signed at both ends, and nothing to this node.
"""

import struct

from masq_router.errors import StreamProtocolError
from masq_router.streams.events import StreamEvents
from masq_router.streams.frames import FrameType, unpack
from masq_router.streams.outlet import Outlet

__all__ = ["QUESTION_SIZE_MAX", "Questions", "pop_statement"]

QUESTION_SIZE_MAX = 512

_HEADER = struct.Struct(">BH")


class Questions:
    """Sends them and hands them on.

    Args:
        outlet: the way out.
        events: the shell.
    """

    def __init__(self, outlet: Outlet, events: StreamEvents) -> None:
        self._outlet, self._events = outlet, events

    def send(self, data: bytes) -> None:
        """Send a question or an answer, if there is a route."""
        assert len(data) <= QUESTION_SIZE_MAX
        self._outlet.say(_HEADER.pack(FrameType.STATEMENT, len(data)) + data)

    def take(self, data: bytes) -> None:
        """One has come."""
        self._events.on_statement(data)


def pop_statement(package: memoryview, at: int) -> tuple[bytes, int]:
    """Read the frame whose type byte stands at `at`; return its bytes and where the next begins.

    Raises:
        StreamProtocolError: cut off, or too long.
    """
    _, size = unpack(_HEADER, package, at)
    begin = at + _HEADER.size
    data = bytes(package[begin : begin + size])
    if len(data) != size or size > QUESTION_SIZE_MAX:
        raise StreamProtocolError("a statement is cut off or too long")
    return data, begin + size

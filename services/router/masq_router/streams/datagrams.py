"""Datagrams beside streams: UDP for clients, carried like RFC 9221 carries them in QUIC. Pure.

Frame          type  body (big-endian)
|- DATAGRAM    0x0d  flow u32, port u16, host length u8, host (ASCII), length u16, bytes
+- FLOW_END    0x0e  flow u32

A flow is one UDP socket of a client, and one of its exit. A DATAGRAM names the target on its way
over and the source on its way back. It is charged and padded like all that travels in a package; it
may be lost, is never sent twice, and what cannot leave in time makes room for what is newer. The
first DATAGRAM of a flow begins it, so nothing is waited for.
"""

import struct
from collections import deque
from dataclasses import dataclass

from masq_router.errors import StreamProtocolError
from masq_router.streams.frames import HOST_SIZE_MAX, FrameType, unpack

__all__ = [
    "DATAGRAM_SIZE_MAX",
    "FLOW_END",
    "Datagram",
    "DatagramQueue",
    "flow_end_frame",
]

DATAGRAM_SIZE_MAX = 32_000
"""The largest that always fits one package, whatever the padding hint and the name's length."""

QUEUE_SIZE_MAX = 256 << 10
"""Bytes that wait; beyond them the oldest is dropped, which is how UDP says that a path is full."""

FLOW_END = struct.Struct(">BI")
_HEAD = struct.Struct(">BIHB")
_LENGTH = struct.Struct(">H")


@dataclass(frozen=True, slots=True, kw_only=True)
class Datagram:
    """One datagram.

    Args:
        flow: the number of its flow, chosen by the originator.
        host: a name or an address literal, ASCII, at most 255 bytes.
        port: 1 to 65535.
        data: at most DATAGRAM_SIZE_MAX bytes.
    """

    flow: int
    host: str
    port: int
    data: bytes | memoryview

    def to_bytes(self) -> bytes:
        """Return the whole frame."""
        host = self.host.encode("ascii")
        assert 0 < len(host) <= HOST_SIZE_MAX
        assert len(self.data) <= DATAGRAM_SIZE_MAX
        head = _HEAD.pack(FrameType.DATAGRAM, self.flow, self.port, len(host))
        return b"".join((head, host, _LENGTH.pack(len(self.data)), self.data))

    @classmethod
    def pop(cls, package: memoryview, at: int) -> tuple["Datagram", int]:
        """Read the frame whose type byte stands at `at`; return it and where the next begins.

        Its data are a view into the package.

        Raises:
            StreamProtocolError: cut off, too long, an empty or non-ASCII host, or port 0.
        """
        _, flow, port, host_size = unpack(_HEAD, package, at)
        host_end = at + _HEAD.size + host_size
        host = bytes(package[at + _HEAD.size : host_end])
        (size,) = unpack(_LENGTH, package, host_end)
        begin = host_end + _LENGTH.size
        if begin + size > len(package) or size > DATAGRAM_SIZE_MAX:
            raise StreamProtocolError("a datagram is cut off or too long")
        if not host or not host.isascii() or port == 0:
            raise StreamProtocolError("a datagram names no usable target")
        data = package[begin : begin + size]
        return cls(flow=flow, host=host.decode("ascii"), port=port, data=data), begin + size


def flow_end_frame(flow: int) -> bytes:
    """Return the frame that says that a client has closed its socket."""
    return FLOW_END.pack(FrameType.FLOW_END, flow)


class DatagramQueue:
    """Datagrams of one association that wait for a package.

    Attributes:
        dropped: how many were too many.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[bytes, int]] = deque()  # frames, and what each counts
        self._size = 0
        self.dropped = 0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def push(self, datagram: Datagram) -> None:
        """Add one at the end."""
        frame = datagram.to_bytes()
        self._waiting.append((frame, len(datagram.data)))
        self._size += len(frame)
        while self._size > QUEUE_SIZE_MAX:
            self._size -= len(self._waiting.popleft()[0])
            self.dropped += 1

    def pop(self, *, room: int, allowed: int) -> tuple[bytes, int] | None:
        """Return the next frame and the bytes it counts, if it fits; None otherwise."""
        if not self._waiting:
            return None
        frame, size = self._waiting[0]
        if len(frame) > room or size > allowed:
            return None
        self._waiting.popleft()
        self._size -= len(frame)
        return frame, size

    def clear(self) -> None:
        """The route is gone, and what waited for it."""
        self.dropped += len(self._waiting)
        self._waiting.clear()
        self._size = 0

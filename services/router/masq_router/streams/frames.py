"""Frames inside the innermost layer, originator to exit and back (protocol.md 4.3). Pure.

Frame          type  body (big-endian)
|- PADDING     0x00  zeros up to the end of the package
|- ATTACH      0x01  attach.py
|- OPEN        0x02  stream u32, window u32, port u16, host length u8, host (ASCII)
|- DATA        0x03  stream u32, offset u64, length u16, bytes
|- ACK         0x04  stream u32, consumed u64, window u32; stream 0 speaks for the association
|- FIN         0x05  stream u32, final offset u64
|- RESET       0x06  stream u32, code u8
|- RESOLVE     0x07  question u32, host length u8, host
|- RESOLVED    0x08  question u32, code u8, count u8, count x (length u8, address)
|- PROBE       0x09  token u64
|- PROBED      0x0a  token u64
|- STATEMENT   0x0b  length u16, bytes (accounting.md 5)
|- ATTACHED    0x0c  attach.py
|- DATAGRAM    0x0d  datagrams.py
+- FLOW_END    0x0e  datagrams.py

The first ACK of a stream, at offset 0, tells the originator that the exit is connected. A FIN
counts as one byte: the ACK behind the last byte says that it arrived, so that a stream is not
forgotten before both ends know its end, whatever is lost with a route. DATA is read and written
where the speed matters (inlet.py, outlet.py); this file has its layout.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from masq_router.errors import StreamProtocolError

__all__ = [
    "ACK",
    "DATA_HEADER",
    "DATA_LENGTH_MAX",
    "FIN",
    "HOST_SIZE_MAX",
    "OPEN_HEADER",
    "PROBE_BODY",
    "RESET",
    "FrameType",
    "Open",
    "ack_frame",
    "fin_frame",
    "probe_frame",
    "probed_frame",
    "reset_frame",
    "unpack",
]

HOST_SIZE_MAX = 255
"""The longest name SOCKS5 can carry (RFC 1928 section 5); DNS allows 253."""

DATA_LENGTH_MAX = 0xFFFF


class FrameType(IntEnum):
    """The first byte of a frame."""

    PADDING = 0x00
    ATTACH = 0x01
    OPEN = 0x02
    DATA = 0x03
    ACK = 0x04
    FIN = 0x05
    RESET = 0x06
    RESOLVE = 0x07
    RESOLVED = 0x08
    PROBE = 0x09
    PROBED = 0x0A
    STATEMENT = 0x0B
    ATTACHED = 0x0C
    DATAGRAM = 0x0D
    FLOW_END = 0x0E


DATA_HEADER = struct.Struct(">BIQH")
ACK = struct.Struct(">BIQI")
FIN = struct.Struct(">BIQ")
RESET = struct.Struct(">BIB")
OPEN_HEADER = struct.Struct(">BIIHB")
PROBE_BODY = struct.Struct(">BQ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Asks the exit for a TCP connection.

    Args:
        stream: a number never used before in this association.
        window: how many bytes of the answer the originator takes before its first ACK.
        host: a name or an address literal, ASCII, at most 255 bytes.
        port: 1 to 65535.
    """

    stream: int
    window: int
    host: str
    port: int

    def to_bytes(self) -> bytes:
        """Return the whole frame."""
        host = self.host.encode("ascii")
        assert 0 < len(host) <= HOST_SIZE_MAX
        head = OPEN_HEADER.pack(FrameType.OPEN, self.stream, self.window, self.port, len(host))
        return head + host

    @classmethod
    def pop(cls, data: memoryview, at: int) -> tuple["Open", int]:
        """Read the frame whose type byte stands at `at`; return it and where the next begins.

        Raises:
            StreamProtocolError: cut off, an empty or non-ASCII host, or port 0.
        """
        _, stream, window, port, size = unpack(OPEN_HEADER, data, at)
        begin = at + OPEN_HEADER.size
        host = bytes(data[begin : begin + size])
        if len(host) != size or not host or not host.isascii() or port == 0:
            raise StreamProtocolError("OPEN names no usable target")
        opened = cls(stream=stream, window=window, host=host.decode("ascii"), port=port)
        return opened, begin + size


def unpack(layout: struct.Struct, data: memoryview, at: int) -> tuple[int, ...]:
    """Read fixed fields at `at`.

    Raises:
        StreamProtocolError: the package ends before they do.
    """
    try:
        return layout.unpack_from(data, at)
    except struct.error:
        raise StreamProtocolError("a frame is cut off") from None


def ack_frame(stream: int, *, consumed: int, window: int) -> bytes:
    """Return an ACK: everything before `consumed` is done with, `window` more bytes are welcome."""
    return ACK.pack(FrameType.ACK, stream, consumed, window)


def fin_frame(stream: int, *, final: int) -> bytes:
    """Return a FIN: this direction ends after `final` bytes."""
    return FIN.pack(FrameType.FIN, stream, final)


def reset_frame(stream: int, code: int) -> bytes:
    """Return a RESET: the stream is over in both directions, for this reason."""
    return RESET.pack(FrameType.RESET, stream, code)


def probe_frame(token: int) -> bytes:
    """Return a PROBE; the other side answers PROBED with the same token."""
    return PROBE_BODY.pack(FrameType.PROBE, token)


def probed_frame(token: int) -> bytes:
    """Return the answer to a PROBE."""
    return PROBE_BODY.pack(FrameType.PROBED, token)

"""What arrives at an association: packages cut into frames, each handed on. Pure.

ATTACH and ATTACHED stand at the beginning of a route's first package and are read there by whoever
takes the route up (attach.py); here they are frames of an unknown type.
"""

from typing import Protocol

from masq_router.errors import StreamProtocolError
from masq_router.streams.datagrams import FLOW_END, Datagram
from masq_router.streams.frames import (
    ACK,
    DATA_HEADER,
    FIN,
    PROBE_BODY,
    RESET,
    FrameType,
    Open,
    unpack,
)
from masq_router.streams.questions import pop_statement

__all__ = ["FrameSink", "read_frames"]


class FrameSink(Protocol):
    """Takes frames; each verb may raise StreamProtocolError."""

    def take_data(self, stream_id: int, offset: int, data: memoryview) -> None:
        """DATA; valid during the call only."""
        ...

    def take_ack(self, stream_id: int, offset: int, window: int) -> None:
        """ACK."""
        ...

    def take_fin(self, stream_id: int, final: int) -> None:
        """FIN."""
        ...

    def take_reset(self, stream_id: int, code: int) -> None:
        """RESET."""
        ...

    def take_open(self, request: Open) -> None:
        """OPEN."""
        ...

    def take_probe(self, token: int) -> None:
        """PROBE."""
        ...

    def take_probed(self, token: int) -> None:
        """PROBED."""
        ...

    def take_datagram(self, datagram: Datagram) -> None:
        """DATAGRAM; its data are valid during the call only."""
        ...

    def take_flow_end(self, flow: int) -> None:
        """FLOW_END."""
        ...

    def take_statement(self, data: bytes) -> None:
        """STATEMENT."""
        ...


def read_frames(package: memoryview, at: int, sink: FrameSink) -> int:
    """Hand on all frames of a package from `at`, in order; return where the padding begins.

    Raises:
        StreamProtocolError: a frame that is unknown or cut off, or that the sink refuses.
    """
    size = len(package)
    while at < size:
        kind = package[at]
        if kind == FrameType.DATA:
            at = _read_data(package, at, sink)
        elif kind == FrameType.PADDING:
            break
        else:
            at = _read_control(kind, package, at, sink)
    return at


def _read_data(package: memoryview, at: int, sink: FrameSink) -> int:
    begin = at + DATA_HEADER.size
    if begin > len(package):
        raise StreamProtocolError("a frame is cut off")
    _, stream_id, offset, length = DATA_HEADER.unpack_from(package, at)
    end: int = begin + length
    if end > len(package):
        raise StreamProtocolError("DATA is cut off")
    sink.take_data(stream_id, offset, package[begin:end])
    return end


def _read_control(kind: int, package: memoryview, at: int, sink: FrameSink) -> int:
    match kind:
        case FrameType.ACK:
            _, stream_id, offset, window = unpack(ACK, package, at)
            sink.take_ack(stream_id, offset, window)
            return at + ACK.size
        case FrameType.FIN:
            _, stream_id, final = unpack(FIN, package, at)
            sink.take_fin(stream_id, final)
            return at + FIN.size
        case FrameType.RESET:
            _, stream_id, code = unpack(RESET, package, at)
            sink.take_reset(stream_id, code)
            return at + RESET.size
        case FrameType.OPEN:
            request, end = Open.pop(package, at)
            sink.take_open(request)
            return end
        case FrameType.PROBE:
            _, token = unpack(PROBE_BODY, package, at)
            sink.take_probe(token)
            return at + PROBE_BODY.size
        case FrameType.PROBED:
            _, token = unpack(PROBE_BODY, package, at)
            sink.take_probed(token)
            return at + PROBE_BODY.size
        case FrameType.DATAGRAM:
            datagram, end = Datagram.pop(package, at)
            sink.take_datagram(datagram)
            return end
        case FrameType.FLOW_END:
            _, flow = unpack(FLOW_END, package, at)
            sink.take_flow_end(flow)
            return at + FLOW_END.size
        case FrameType.STATEMENT:
            statement, end = pop_statement(package, at)
            sink.take_statement(statement)
            return end
        case _:
            raise StreamProtocolError(f"frame of unknown type {kind}")

"""Originator and exit as one machine: streams over one pair of route sessions. Pure.

    wait -> attached -> closed          the association's own life

The shell feeds plaintext packages (`receive`), asks for the next one to send (`next_package`), and
is told what happened through its `StreamEvents`. Bytes flow under two windows: one per stream and
one for the association, both counted in bytes that the receiving TCP socket has *taken*, so that
backpressure reaches from one socket to the other and nothing buffers without bound.

Elsewhere on purpose: routes and their keys (the shells in origin/ and exit/), padding
(onion/padding.py), names and addresses (exit/).
"""

from enum import Enum
from typing import Protocol

from masq_router.errors import StreamProtocolError
from masq_router.onion.padding import capacity, padded_size
from masq_router.streams.errors import ResetCode
from masq_router.streams.frames import (
    ACK,
    DATA_HEADER,
    FIN,
    PROBE_BODY,
    RESET,
    Attach,
    FrameType,
    Open,
    ack_frame,
    fin_frame,
    probe_frame,
    probed_frame,
    reset_frame,
    unpack,
)
from masq_router.streams.stream import Stream

__all__ = [
    "ASSOCIATION_WINDOW",
    "SEND_BUFFER_MAX",
    "STREAMS_MAX",
    "STREAM_WINDOW",
    "Association",
    "Role",
    "StreamEvents",
]

STREAM_WINDOW = 1 << 20
"""1 MiB: at 10 ms round trip this allows 100 MB/s; it is also what a stalled client can pin."""

ASSOCIATION_WINDOW = 8 << 20
"""All streams of an association together; below every relay's cap per session (egress.py)."""

SEND_BUFFER_MAX = 512 << 10
"""Unsent bytes of a stream at which its TCP socket is no longer read."""

STREAMS_MAX = 1024
"""Per association; a further OPEN is answered RESET(OVERLOAD)."""

_CONTROL_FRAMES_MAX = 4 * STREAMS_MAX
"""Answers waiting to be sent; an other end that makes us owe more than this misbehaves."""

_DATA_ROOM_MIN = DATA_HEADER.size + 1


class Role(Enum):
    """Which end of the association this is."""

    ORIGIN = "origin"
    EXIT = "exit"


class StreamEvents(Protocol):
    """What an association tells its shell."""

    def on_attach(self, attach: Attach) -> None:
        """The originator names the association and the way back (exit only)."""
        ...

    def on_open(self, request: Open) -> None:
        """The originator wants a connection (exit only)."""
        ...

    def on_opened(self, stream_id: int) -> None:
        """The exit is connected (originator only)."""
        ...

    def on_data(self, stream_id: int, data: memoryview) -> None:
        """The next bytes, valid during the call only; say `consumed` once the socket took them."""
        ...

    def on_fin(self, stream_id: int) -> None:
        """The other end has sent its last byte."""
        ...

    def on_reset(self, stream_id: int, code: ResetCode) -> None:
        """The other end has cut the stream short."""
        ...

    def on_writable(self, stream_id: int) -> None:
        """A stream whose `write` said False takes more now."""
        ...

    def on_probed(self, token: int) -> None:
        """The other end has answered our PROBE."""
        ...


class Association:
    """Streams multiplexed over one round trip.

    Args:
        role: which end we are.
        events: the shell.
        hint: padding hint of the session that carries our packages, 0..15.
    """

    def __init__(self, role: Role, events: StreamEvents, *, hint: int) -> None:
        self._role = role
        self._events = events
        self._hint = hint
        self._capacity = capacity(hint)
        self._streams: dict[int, Stream] = {}
        self._last_id = 0
        self._control: list[bytes] = []
        self._ready: dict[int, Stream] = {}  # streams with something to send, in turn
        self._send_limit = ASSOCIATION_WINDOW
        self._sent = 0
        self._consumed = 0
        self._told = 0

    # -- questions ---------------------------------------------------------------------------

    @property
    def stream_count(self) -> int:
        """How many streams are alive."""
        return len(self._streams)

    @property
    def wants_to_send(self) -> bool:
        """Whether `next_package` would return one."""
        return bool(self._control) or (bool(self._ready) and self._room() > 0)

    def stream_ids(self) -> list[int]:
        """The numbers of all live streams."""
        return list(self._streams)

    # -- verbs of both ends ------------------------------------------------------------------

    def write(self, stream_id: int, data: bytes) -> bool:
        """Queue bytes; False asks the caller to stop until `on_writable`. Gone streams swallow."""
        stream = self._streams.get(stream_id)
        if stream is None:
            return True
        assert not stream.fin_wanted
        stream.outbound.write(data)
        self._mark_ready(stream)
        stream.wants_more = stream.outbound.unsent >= SEND_BUFFER_MAX
        return not stream.wants_more

    def finish(self, stream_id: int) -> None:
        """Our side has written its last byte."""
        stream = self._streams.get(stream_id)
        if stream is not None and not stream.fin_wanted:
            stream.fin_wanted = True
            self._settle_fin(stream)

    def reset(self, stream_id: int, code: ResetCode) -> None:
        """Cut the stream short and tell the other end."""
        if self._drop(stream_id) is not None:
            self._control.append(reset_frame(stream_id, code))

    def consumed(self, stream_id: int, size: int) -> None:
        """Our TCP socket has taken `size` more bytes of this stream."""
        stream = self._streams.get(stream_id)
        if stream is None:
            return  # dropped meanwhile, and settled then
        stream.consumed += size
        self._credit(size)
        self._acknowledge_if_due(stream)
        self._forget_if_done(stream)

    def probe(self, token: int) -> None:
        """Ask the other end to answer; how the shell sees that the route lives."""
        self._control.append(probe_frame(token))

    # -- verbs of one end --------------------------------------------------------------------

    def attach(self, attach: Attach) -> None:
        """Name the association to the exit (originator)."""
        assert self._role is Role.ORIGIN
        self._control.insert(0, attach.to_bytes())

    def open(self, host: str, port: int) -> int:
        """Ask the exit for a connection and return the new stream's number (originator)."""
        assert self._role is Role.ORIGIN
        self._last_id += 1
        stream = Stream(self._last_id, window=STREAM_WINDOW, send_limit=0)
        self._streams[stream.stream_id] = stream
        request = Open(stream=stream.stream_id, window=STREAM_WINDOW, host=host, port=port)
        self._control.append(request.to_bytes())
        return stream.stream_id

    def opened(self, stream_id: int) -> None:
        """Tell the originator that the connection stands (exit)."""
        assert self._role is Role.EXIT
        stream = self._streams.get(stream_id)
        if stream is not None:
            stream.is_open = True
            self._acknowledge(stream)

    # -- sending -----------------------------------------------------------------------------

    def next_package(self) -> bytes | None:
        """Return the next plaintext, padded to its size class, or None when there is nothing."""
        parts: list[bytes | memoryview] = []
        room = self._take_control(parts, self._capacity)
        room = self._take_data(parts, room)
        used = self._capacity - room
        if used == 0:
            return None
        parts.append(bytes(padded_size(used, self._hint) - used))
        return b"".join(parts)

    def _take_control(self, parts: list[bytes | memoryview], room: int) -> int:
        taken = 0
        for frame in self._control:
            if len(frame) > room:
                break
            parts.append(frame)
            room -= len(frame)
            taken += 1
        del self._control[:taken]
        return room

    def _take_data(self, parts: list[bytes | memoryview], room: int) -> int:
        while room >= _DATA_ROOM_MIN and self._ready:
            allowed = self._room()
            if allowed <= 0:
                break
            stream_id = next(iter(self._ready))
            stream = self._ready.pop(stream_id)
            offset = stream.outbound.sent
            size = min(stream.sendable, room - DATA_HEADER.size, allowed)
            piece = stream.outbound.take(size)
            parts.append(DATA_HEADER.pack(FrameType.DATA, stream_id, offset, len(piece)))
            parts.append(piece)
            room -= DATA_HEADER.size + len(piece)
            self._sent += len(piece)
            self._after_sending(stream)
        return room

    def _after_sending(self, stream: Stream) -> None:
        self._mark_ready(stream)  # to the end of the line: streams take turns
        self._settle_fin(stream)
        if stream.wants_more and stream.outbound.unsent < SEND_BUFFER_MAX // 2:
            stream.wants_more = False
            self._events.on_writable(stream.stream_id)

    def _room(self) -> int:
        return self._send_limit - self._sent

    def _mark_ready(self, stream: Stream) -> None:
        if stream.sendable > 0:
            self._ready[stream.stream_id] = stream

    def _settle_fin(self, stream: Stream) -> None:
        if stream.owes_fin:
            stream.fin_sent = True
            self._control.append(fin_frame(stream.stream_id, final=stream.outbound.end))

    def _acknowledge(self, stream: Stream) -> None:
        stream.told = stream.consumed
        frame = ack_frame(stream.stream_id, consumed=stream.consumed, window=stream.window)
        self._control.append(frame)

    def _acknowledge_if_due(self, stream: Stream) -> None:
        if stream.ack_is_due:
            self._acknowledge(stream)

    def _credit(self, size: int) -> None:
        """Count bytes as consumed for the association, and say so in time."""
        self._consumed += size
        if self._consumed - self._told >= ASSOCIATION_WINDOW // 4:
            self._told = self._consumed
            frame = ack_frame(0, consumed=self._told, window=ASSOCIATION_WINDOW)
            self._control.append(frame)

    # -- receiving ---------------------------------------------------------------------------

    def receive(self, package: memoryview) -> None:
        """Take one plaintext package.

        Raises:
            StreamProtocolError: it breaks the rules; the session must be torn down.
        """
        at = 0
        size = len(package)
        while at < size:
            kind = package[at]
            if kind == FrameType.DATA:
                at = self._receive_data(package, at)
            elif kind == FrameType.PADDING:
                break
            else:
                at = self._receive_control(kind, package, at)
        if len(self._control) > _CONTROL_FRAMES_MAX:
            raise StreamProtocolError("the other end asks for more answers than it takes")

    def _receive_data(self, package: memoryview, at: int) -> int:
        begin = at + DATA_HEADER.size
        if begin > len(package):
            raise StreamProtocolError("a frame is cut off")
        _, stream_id, offset, length = DATA_HEADER.unpack_from(package, at)
        end: int = begin + length
        if end > len(package):
            raise StreamProtocolError("DATA is cut off")
        stream = self._streams.get(stream_id)
        if stream is None:
            self._swallow(stream_id, length)
            return end
        fresh = stream.received - offset  # how much of it we already have
        if fresh < 0:
            raise StreamProtocolError("DATA leaves a gap")
        if fresh >= length:
            return end  # all of it was sent again after a change of route
        if stream.fin_received or offset + length > stream.consumed + stream.window:
            raise StreamProtocolError("DATA beyond what was allowed")
        stream.received = offset + length
        self._events.on_data(stream_id, package[begin + fresh : end])
        return end

    def _swallow(self, stream_id: int, length: int) -> None:
        """Bytes of a stream that we have just dropped; they still count for the association."""
        if stream_id > self._last_id or stream_id == 0:
            raise StreamProtocolError("DATA for a stream that was never opened")
        self._credit(length)

    def _receive_control(self, kind: int, package: memoryview, at: int) -> int:
        match kind:
            case FrameType.ACK:
                return self._receive_ack(package, at)
            case FrameType.FIN:
                return self._receive_fin(package, at)
            case FrameType.RESET:
                return self._receive_reset(package, at)
            case FrameType.OPEN if self._role is Role.EXIT:
                request, end = Open.pop(package, at)
                self._receive_open(request)
                return end
            case FrameType.ATTACH if self._role is Role.EXIT:
                attach, end = Attach.pop(package, at)
                self._events.on_attach(attach)
                return end
            case FrameType.PROBE:
                _, token = unpack(PROBE_BODY, package, at)
                self._control.append(probed_frame(token))
                return at + PROBE_BODY.size
            case FrameType.PROBED:
                _, token = unpack(PROBE_BODY, package, at)
                self._events.on_probed(token)
                return at + PROBE_BODY.size
            case _:
                raise StreamProtocolError(f"frame of unknown type {kind}")

    def _receive_open(self, request: Open) -> None:
        if request.stream <= self._last_id:
            raise StreamProtocolError("OPEN uses a number again")
        self._last_id = request.stream
        if len(self._streams) >= STREAMS_MAX:
            self._control.append(reset_frame(request.stream, ResetCode.OVERLOAD))
            return
        stream = Stream(request.stream, window=STREAM_WINDOW, send_limit=request.window)
        self._streams[request.stream] = stream
        self._events.on_open(request)

    def _receive_ack(self, package: memoryview, at: int) -> int:
        _, stream_id, offset, window = unpack(ACK, package, at)
        end = at + ACK.size
        if stream_id == 0:
            if offset > self._sent:
                raise StreamProtocolError("ACK of bytes never sent")
            self._send_limit = max(self._send_limit, offset + window)
            return end
        stream = self._streams.get(stream_id)
        if stream is None:
            return end
        if offset > stream.outbound.sent:
            raise StreamProtocolError("ACK of bytes never sent")
        stream.outbound.ack(offset)
        stream.send_limit = max(stream.send_limit, offset + window)
        if not stream.is_open:
            stream.is_open = True
            self._events.on_opened(stream_id)
        self._mark_ready(stream)
        self._forget_if_done(stream)
        return end

    def _receive_fin(self, package: memoryview, at: int) -> int:
        _, stream_id, final = unpack(FIN, package, at)
        end = at + FIN.size
        stream = self._streams.get(stream_id)
        if stream is None or stream.fin_received:
            return end
        if final != stream.received:
            raise StreamProtocolError("FIN before the last byte")
        stream.fin_received = True
        self._events.on_fin(stream_id)
        self._acknowledge_if_due(stream)
        self._forget_if_done(stream)
        return end

    def _receive_reset(self, package: memoryview, at: int) -> int:
        _, stream_id, code = unpack(RESET, package, at)
        if self._drop(stream_id) is not None:
            self._events.on_reset(stream_id, ResetCode.from_wire(code))
        return at + RESET.size

    # -- the end of streams ------------------------------------------------------------------

    def _forget_if_done(self, stream: Stream) -> None:
        if stream.is_done:
            self._drop(stream.stream_id)

    def _drop(self, stream_id: int) -> Stream | None:
        self._ready.pop(stream_id, None)
        stream = self._streams.pop(stream_id, None)
        if stream is not None:
            self._settle_consumption(stream)
        return stream

    def _settle_consumption(self, stream: Stream) -> None:
        """Give the association its window back for bytes nobody will consume any more."""
        left = stream.received - stream.consumed
        if left > 0:
            stream.consumed = stream.received
            self._credit(left)

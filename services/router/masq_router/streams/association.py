"""Originator and exit as one machine: streams that outlive the routes which carry them. Pure.

    detached -> attaching -> attached -> detached ... until the shell lets go of it

The shell feeds plaintext packages (`receive`), asks for the next one to send (`next_package`), and
is told what happened through its `StreamEvents`. While a route lives it is reliable and ordered, so
nothing is sent twice. A new route may begin at any time, whether the one before was lost or is only
to be replaced: the originator says `attach`, the exit `adopt`, both tell what they have received,
and each sends again what the other lacks. Frames that were on their way are not remembered; what
they said follows from the state of the streams and is said anew.

Bytes flow under two windows: one per stream and one for the association, both counted in bytes that
the receiving TCP socket has *taken*, so that backpressure reaches from one socket to the other and
nothing buffers without bound, with a route or without one.

Elsewhere on purpose: what leaves and when (outlet.py), how packages are read (inlet.py), routes and
their keys (the shells in origin/ and exit/), names and addresses (exit/).
"""

from collections.abc import Mapping

from masq_router.errors import StreamProtocolError
from masq_router.streams.attach import Attach, Attached, ResumePoint, Verdict, WayBack
from masq_router.streams.errors import ResetCode
from masq_router.streams.events import Role, StreamEvents
from masq_router.streams.frames import (
    Open,
    ack_frame,
    fin_frame,
    probe_frame,
    probed_frame,
    reset_frame,
)
from masq_router.streams.inlet import read_frames
from masq_router.streams.outlet import ASSOCIATION_WINDOW, Outlet
from masq_router.streams.stream import Stream

__all__ = ["SEND_BUFFER_MAX", "STREAMS_MAX", "STREAM_WINDOW", "Association"]

STREAM_WINDOW = 1 << 20
"""1 MiB: at 10 ms round trip this allows 100 MB/s; it is also what a stalled client can pin."""

SEND_BUFFER_MAX = 512 << 10
"""Unsent bytes of a stream at which its TCP socket is no longer read."""

STREAMS_MAX = 1024
"""Per association; a further OPEN is answered RESET(OVERLOAD)."""

RESETS_KEPT = STREAMS_MAX
"""Reasons that an exit remembers, in case their RESET is lost with its route."""

_CONTROL_FRAMES_MAX = 4 * STREAMS_MAX
"""Answers waiting to be sent; an other end that makes us owe more than this misbehaves."""


class Association:
    """Streams multiplexed over one round trip after the other.

    Args:
        role: which end we are.
        events: the shell.
    """

    def __init__(self, role: Role, events: StreamEvents) -> None:
        self._role = role
        self._events = events
        self._outlet = Outlet(self._after_sending)
        self._streams: dict[int, Stream] = {}
        self._last_id = 0
        self._resets: dict[int, ResetCode] = {}  # what an exit has reset, and why
        self._epoch = 0
        self._is_known = False  # the originator has heard from the exit
        self._consumed = 0
        self._told = 0
        self.resent = 0

    # -- questions ---------------------------------------------------------------------------

    @property
    def stream_count(self) -> int:
        """How many streams are alive."""
        return len(self._streams)

    @property
    def wants_to_send(self) -> bool:
        """Whether `next_package` would return one."""
        return self._outlet.wants_to_send

    @property
    def is_attached(self) -> bool:
        """Whether bytes flow."""
        return self._outlet.carries_data

    @property
    def awaits_answer(self) -> bool:
        """Whether so much is on its way that an ACK is due as soon as it is consumed."""
        return any(
            stream.outbound.in_flight >= STREAM_WINDOW // 4 for stream in self._streams.values()
        )

    def stream_ids(self) -> list[int]:
        """The numbers of all live streams."""
        return list(self._streams)

    def next_package(self) -> bytes | None:
        """Return the next plaintext, padded to its size class, or None when there is nothing."""
        return self._outlet.next_package()

    # -- routes ------------------------------------------------------------------------------

    def attach(self, secret: bytes, way_back: WayBack, *, hint: int) -> None:
        """Begin a new route: its first package is ATTACH, its first answer ATTACHED (originator).

        Args:
            secret: names the association, 32 bytes.
            way_back: for the exit.
            hint: padding hint of the session that carries our packages, 0..15.
        """
        assert self._role is Role.ORIGIN
        self._epoch += 1
        self._restart(hint)
        attach = Attach(
            secret=secret,
            epoch=self._epoch,
            must_exist=self._is_known,
            way_back=way_back,
            point=self._point(),
        )
        self._outlet.say(attach.to_bytes())
        for stream in self._streams.values():
            if stream.is_open:
                self._acknowledge(stream)
            else:
                self._outlet.say(stream.opening)

    def adopt(self, attach: Attach, *, hint: int) -> None:
        """Continue on a new route (exit).

        Args:
            attach: what the originator says.
            hint: padding hint of the session that carries our packages, 0..15.

        Raises:
            StreamProtocolError: out of date, or it claims what cannot be.
        """
        assert self._role is Role.EXIT
        if attach.epoch <= self._epoch:
            raise StreamProtocolError("ATTACH is out of date")
        self._epoch = attach.epoch
        received = dict(attach.point.received)
        for stream in list(self._streams.values()):
            if stream.stream_id not in received:
                self._end_missing(stream, ResetCode.CLIENT_GONE)
        self._restart(hint)
        self._outlet.say(Attached(epoch=self._epoch, point=self._point()).to_bytes())
        self._resets = {key: code for key, code in self._resets.items() if key in received}
        for stream_id, code in self._resets.items():
            self._outlet.say(reset_frame(stream_id, code))
        for stream in self._streams.values():
            if stream.is_open:
                self._acknowledge(stream)
        self._resume(received, attach.point.backlog)

    def detach(self) -> None:
        """The route is gone: keep everything, send nothing, and take little more to send."""
        self._outlet.close()

    def _restart(self, hint: int) -> None:
        self._outlet.connect(hint)
        self._consumed = self._told = 0

    def _point(self) -> ResumePoint:
        streams = self._streams.values()
        return ResumePoint(
            backlog=sum(stream.received - stream.consumed for stream in streams),
            received=tuple((stream.stream_id, stream.received) for stream in streams),
        )

    def _resume(self, received: Mapping[int, int], backlog: int) -> None:
        """Let bytes flow again, from where the other end has them."""
        self._outlet.resume(backlog)
        for stream in list(self._streams.values()):
            offset = received.get(stream.stream_id)
            if offset is not None:
                if not stream.outbound.acked <= offset <= stream.outbound.sent:
                    raise StreamProtocolError("a resume point beyond what was sent or forgotten")
                self.resent += stream.outbound.sent - offset
                stream.rewind(offset)
            self._outlet.mark_ready(stream)
            self._settle_fin(stream)
            self._let_write(stream)

    def _end_missing(self, stream: Stream, code: ResetCode) -> None:
        """The other end has a stream no more: it was done with it, or has reset it."""
        has_ended = stream.has_ended
        self._drop(stream.stream_id)
        if not has_ended:
            self._events.on_reset(stream.stream_id, code)

    # -- verbs of both ends ------------------------------------------------------------------

    def write(self, stream_id: int, data: bytes) -> bool:
        """Queue bytes; False asks the caller to stop until `on_writable`. Gone streams swallow."""
        stream = self._streams.get(stream_id)
        if stream is None:
            return True
        assert not stream.fin_wanted
        stream.outbound.write(data)
        self._outlet.mark_ready(stream)
        is_full = stream.outbound.unsent >= SEND_BUFFER_MAX
        stream.wants_more = is_full or not self._outlet.carries_data
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
            self._say_reset(stream_id, code)

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
        self._outlet.say(probe_frame(token))

    # -- verbs of one end --------------------------------------------------------------------

    def open(self, host: str, port: int) -> int:
        """Ask the exit for a connection and return the new stream's number (originator)."""
        assert self._role is Role.ORIGIN
        self._last_id += 1
        request = Open(stream=self._last_id, window=STREAM_WINDOW, host=host, port=port)
        stream = Stream(self._last_id, window=STREAM_WINDOW, send_limit=0)
        stream.opening = request.to_bytes()
        self._streams[stream.stream_id] = stream
        self._outlet.say(stream.opening)
        return stream.stream_id

    def opened(self, stream_id: int) -> None:
        """Tell the originator that the connection stands (exit)."""
        assert self._role is Role.EXIT
        stream = self._streams.get(stream_id)
        if stream is not None:
            stream.is_open = True
            self._acknowledge(stream)

    # -- sending -----------------------------------------------------------------------------

    def _after_sending(self, stream: Stream) -> None:
        self._settle_fin(stream)
        self._let_write(stream)

    def _let_write(self, stream: Stream) -> None:
        if stream.wants_more and stream.outbound.unsent < SEND_BUFFER_MAX // 2:
            stream.wants_more = False
            self._events.on_writable(stream.stream_id)

    def _settle_fin(self, stream: Stream) -> None:
        if stream.owes_fin and self._outlet.carries_data:
            stream.fin_sent = True
            self._outlet.say(fin_frame(stream.stream_id, final=stream.outbound.end))

    def _say_reset(self, stream_id: int, code: ResetCode) -> None:
        if self._role is Role.EXIT:
            self._resets[stream_id] = code
            if len(self._resets) > RESETS_KEPT:
                del self._resets[next(iter(self._resets))]
        self._outlet.say(reset_frame(stream_id, code))

    def _acknowledge(self, stream: Stream) -> None:
        stream.told = stream.position
        frame = ack_frame(stream.stream_id, consumed=stream.told, window=stream.window)
        self._outlet.say(frame)

    def _acknowledge_if_due(self, stream: Stream) -> None:
        if stream.ack_is_due:
            self._acknowledge(stream)

    def _credit(self, size: int) -> None:
        """Count bytes as consumed for the association, and say so in time."""
        self._consumed += size
        if self._consumed - self._told >= ASSOCIATION_WINDOW // 4:
            self._told = self._consumed
            self._outlet.say(ack_frame(0, consumed=self._told, window=ASSOCIATION_WINDOW))

    # -- receiving ---------------------------------------------------------------------------

    def receive(self, package: memoryview) -> None:
        """Take one plaintext package of the present route.

        Raises:
            StreamProtocolError: it breaks the rules; the session must be torn down.
        """
        if self._role is Role.ORIGIN and not self._outlet.carries_data:
            self._receive_answer(package)
        else:
            read_frames(package, 0, self)
        if self._outlet.control_count > _CONTROL_FRAMES_MAX:
            raise StreamProtocolError("the other end asks for more answers than it takes")

    def _receive_answer(self, package: memoryview) -> None:
        """Take the first package of a new way back: ATTACHED, then whatever fits beside it."""
        attached, end = Attached.pop(package, 0)
        if attached.epoch != self._epoch:
            raise StreamProtocolError("ATTACHED for another ATTACH")
        if attached.verdict is Verdict.UNKNOWN:
            self._events.on_unknown()
            return
        self._is_known = True
        received = dict(attached.point.received)
        missing = [
            stream
            for stream in self._streams.values()
            if stream.is_open and stream.stream_id not in received
        ]
        self._resume(received, attached.point.backlog)
        self._events.on_attached()
        read_frames(package, end, self)
        for stream in missing:  # but for those whose RESET stood beside ATTACHED, with its reason
            if stream.stream_id in self._streams:
                self._end_missing(stream, ResetCode.CONNECTION_RESET)

    # -- FrameSink (inlet.py) ----------------------------------------------------------------

    def take_data(self, stream_id: int, offset: int, data: memoryview) -> None:
        """Bytes from the other end."""
        stream = self._streams.get(stream_id)
        if stream is None:
            self._swallow(stream_id, len(data))
            return
        if offset != stream.received:
            raise StreamProtocolError("DATA out of order")
        end = offset + len(data)
        if stream.fin_received or end > stream.consumed + stream.window:
            raise StreamProtocolError("DATA beyond what was allowed")
        stream.received = end
        self._events.on_data(stream_id, data)

    def _swallow(self, stream_id: int, length: int) -> None:
        """Bytes of a stream that we have just dropped; they still count for the association."""
        if stream_id > self._last_id or stream_id == 0:
            raise StreamProtocolError("DATA for a stream that was never opened")
        self._credit(length)

    def take_open(self, request: Open) -> None:
        """The originator wants a connection, or wants it still, on another route."""
        if self._role is not Role.EXIT or request.stream == 0:
            raise StreamProtocolError("OPEN where there is none")
        if request.stream in self._streams:
            return
        if request.stream <= self._last_id:
            code = self._resets.get(request.stream, ResetCode.GENERAL)
            self._outlet.say(reset_frame(request.stream, code))
            return
        self._last_id = request.stream
        if len(self._streams) >= STREAMS_MAX:
            self._say_reset(request.stream, ResetCode.OVERLOAD)
            return
        stream = Stream(request.stream, window=STREAM_WINDOW, send_limit=request.window)
        self._streams[request.stream] = stream
        self._events.on_open(request)

    def take_ack(self, stream_id: int, offset: int, window: int) -> None:
        """The other end has consumed up to `offset`; its first ACK says that it is connected."""
        if stream_id == 0:
            if offset > self._outlet.sent:
                raise StreamProtocolError("ACK of bytes never sent")
            self._outlet.allow(offset + window)
            return
        stream = self._streams.get(stream_id)
        if stream is None:
            return
        if not stream.acknowledge(offset, window):
            raise StreamProtocolError("ACK of bytes never sent")
        if not stream.is_open:
            stream.is_open = True
            self._events.on_opened(stream_id)
        self._outlet.mark_ready(stream)
        self._forget_if_done(stream)

    def take_fin(self, stream_id: int, final: int) -> None:
        """The other end has sent its last byte."""
        stream = self._streams.get(stream_id)
        if stream is None or stream.fin_received:
            return
        if final != stream.received:
            raise StreamProtocolError("FIN before the last byte")
        stream.fin_received = True
        self._events.on_fin(stream_id)
        self._acknowledge_if_due(stream)
        self._forget_if_done(stream)

    def take_reset(self, stream_id: int, code: int) -> None:
        """The other end has cut a stream short."""
        if self._drop(stream_id) is not None:
            self._events.on_reset(stream_id, ResetCode.from_wire(code))

    def take_probe(self, token: int) -> None:
        """The other end asks whether the route lives."""
        self._outlet.say(probed_frame(token))

    def take_probed(self, token: int) -> None:
        """It does."""
        self._events.on_probed(token)

    # -- the end of streams ------------------------------------------------------------------

    def _forget_if_done(self, stream: Stream) -> None:
        if stream.is_done:
            self._drop(stream.stream_id)

    def _drop(self, stream_id: int) -> Stream | None:
        self._outlet.forget(stream_id)
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

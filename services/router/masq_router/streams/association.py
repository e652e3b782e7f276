"""Originator and exit as one machine: streams that outlive the routes which carry them. Pure.

    detached -> attaching -> attached -> detached ... until the shell lets go of it

The shell feeds plaintext packages (`receive`), asks for the next one to send (`next_package`), and
is told what happened through its `StreamEvents`. While a route lives it is reliable and ordered, so
nothing is sent twice. A new route may begin at any time, whether the one before was lost or is only
to be replaced: the originator says `attach`, the exit `adopt`, both tell what they have received,
and each sends again what the other lacks. Frames that were on their way are not remembered; what
they said follows from the state of the streams and is said anew.

Bytes flow under two windows: one per stream, which grows while that pays (windows.py), and one for
the association, which is as large as its streams' together, within limits. Both are counted in
bytes that the receiving TCP socket has *taken*, so that backpressure reaches from one socket to the
other and nothing buffers without bound, with a route or without one.

Elsewhere on purpose: what leaves and when (outlet.py), how packages are read (inlet.py), routes and
their keys (the shells in origin/ and exit/), names and addresses (exit/).
"""

from collections.abc import Mapping

from masq_kernel.units import Seconds
from masq_router.errors import StreamProtocolError
from masq_router.streams.attach import Attach, Attached, ResumePoint, Verdict, WayBack
from masq_router.streams.credit import ASSOCIATION_WINDOW_MAX, Credit
from masq_router.streams.errors import ResetCode
from masq_router.streams.events import Role, StreamEvents
from masq_router.streams.flows import Flows
from masq_router.streams.frames import Open, probe_frame, probed_frame, reset_frame
from masq_router.streams.inlet import read_frames
from masq_router.streams.memory import StreamMemory
from masq_router.streams.mud import MudGuard
from masq_router.streams.outlet import Outlet
from masq_router.streams.questions import Questions
from masq_router.streams.resets import RememberedResets
from masq_router.streams.stream import Stream
from masq_router.streams.windows import WINDOW_MIN, WindowTuner
from masq_router.streams.writers import ROOM_MIN, Writers

__all__ = ["STREAMS_MAX", "Association"]

STREAMS_MAX = 1024
"""Per association; a further OPEN is answered RESET(OVERLOAD)."""

_CONTROL_FRAMES_MAX = 4 * STREAMS_MAX
"""Answers waiting to be sent; an other end that makes us owe more than this misbehaves."""


class Association:
    """Streams multiplexed over one round trip after the other.

    Args:
        role: which end we are.
        events: the shell.
        memory: how windows may grow; shared by all associations of one side of a node.
    """

    def __init__(
        self, role: Role, events: StreamEvents, *, memory: StreamMemory | None = None
    ) -> None:
        self._role = role
        self._events = events
        self._outlet = Outlet(self._after_sending)
        self._streams: dict[int, Stream] = {}
        self._last_id = 0
        self._resets = RememberedResets()
        self._mud = MudGuard()
        self._epoch = 0
        self._is_known = False  # the originator has heard from the exit
        memory = memory or StreamMemory()
        self._credit, self._window_max = Credit(memory.budget), memory.window_max
        self._writers = Writers(events.on_writable)
        self.flows = Flows(self._outlet, self._credit, events)
        self.take_datagram, self.take_flow_end = self.flows.take, self.flows.take_end
        self.questions = Questions(self._outlet, events)
        self.take_statement = self.questions.take
        self.resent = 0

    # -- questions ---------------------------------------------------------------------------

    @property
    def stream_count(self) -> int:
        """How many streams are alive."""
        return len(self._streams)

    @property
    def stream_ids(self) -> list[int]:
        """The numbers of all live streams."""
        return list(self._streams)

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
        return any(stream.awaits_ack for stream in self._streams.values())

    @property
    def held_size(self) -> int:
        """Bytes in memory: written and not acknowledged, received and not consumed."""
        return sum(stream.held_size for stream in self._streams.values())

    def next_package(self) -> bytes | None:
        """Return the next plaintext, padded to its size class, or None when there is nothing."""
        package = self._outlet.next_package()
        if package is not None:
            self._mud.asked(packages=1)
        return package

    # -- routes ------------------------------------------------------------------------------

    def attach(self, secret: bytes, way_back: WayBack, *, hint: int) -> None:
        """Begin a new route: its first package is ATTACH, its first answer ATTACHED (originator).

        Args:
            secret: names the association, 32 bytes.
            way_back: for the exit.
            hint: padding hint of the session that carries our packages, 0..15.
        """
        assert self._role is Role.ORIGIN
        self._mud.attached()
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
        self._outlet.say(self._credit.tell())
        for stream in self._streams.values():
            if stream.is_open:
                self._outlet.acknowledge(stream)
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
        self._outlet.say(self._credit.tell())
        self._resets.keep(received)
        for stream_id, code in self._resets:
            self._outlet.say(reset_frame(stream_id, code))
        for stream in self._streams.values():
            if stream.is_open:
                self._outlet.acknowledge(stream)
        self._resume(received, attach.point.backlog)

    def detach(self) -> None:
        """The route is gone: keep everything, send nothing, and take little more to send."""
        self._outlet.close()

    def _restart(self, hint: int) -> None:
        self._outlet.connect(hint)
        self._credit.restart(self._point().backlog)
        for stream in self._streams.values():
            stream.tuner.restart()

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
                again = stream.outbound.sent - offset
                self.resent += again
                self._writers.again(again)
                stream.rewind(offset)
            self._outlet.mark_ready(stream)
            self._outlet.finish_if_owed(stream)
            self._writers.release(stream)

    def _end_missing(self, stream: Stream, code: ResetCode) -> None:
        """The other end has a stream no more: it was done with it, or has reset it."""
        has_ended = stream.has_ended
        self._drop(stream.stream_id)
        if not has_ended:
            self._events.on_reset(stream.stream_id, code)

    # -- verbs of both ends ------------------------------------------------------------------

    def room(self, stream_id: int) -> int:
        """Return how many bytes to write at most: little while there is no route, never none."""
        stream = self._streams.get(stream_id)
        if stream is None or not self._outlet.carries_data:
            return ROOM_MIN
        return self._writers.room(stream)

    def write(self, stream_id: int, data: bytes) -> bool:
        """Queue bytes; False asks the caller to stop until `on_writable`. Gone streams swallow."""
        stream = self._streams.get(stream_id)
        if stream is None:
            return True
        assert not stream.fin_wanted
        stream.outbound.write(data)
        self._outlet.mark_ready(stream)
        may_go_on = self._outlet.carries_data
        return self._writers.wrote(stream, len(data), may_go_on=may_go_on)

    def finish(self, stream_id: int) -> None:
        """Our side has written its last byte."""
        stream = self._streams.get(stream_id)
        if stream is not None and not stream.fin_wanted:
            stream.fin_wanted = True
            self._outlet.finish_if_owed(stream)

    def reset(self, stream_id: int, code: ResetCode) -> None:
        """Cut the stream short and tell the other end."""
        if self._drop(stream_id) is not None:
            self._say_reset(stream_id, code)

    def consumed(self, stream_id: int, size: int, now: Seconds) -> None:
        """Our TCP socket has taken `size` more bytes of this stream."""
        stream = self._streams.get(stream_id)
        if stream is None:
            return  # dropped meanwhile, and settled then
        stream.consumed += size
        if stream.tuner.consumed(size, now):
            self._outlet.acknowledge(stream)
        self._outlet.acknowledge_if_due(stream)
        self._give_credit(size)
        self._forget_if_done(stream)

    def probe(self, token: int) -> None:
        """Ask the other end to answer; how the shell sees that the route lives."""
        self._outlet.say(probe_frame(token))

    # -- verbs of one end --------------------------------------------------------------------

    def open(self, host: str, port: int) -> int:
        """Ask the exit for a connection and return the new stream's number (originator)."""
        assert self._role is Role.ORIGIN
        self._last_id += 1
        request = Open(stream=self._last_id, window=WINDOW_MIN, host=host, port=port)
        stream = self._begin(self._last_id, their_window=0)
        self._mud.asked(streams=1)
        stream.opening = request.to_bytes()
        self._outlet.say(stream.opening)
        return stream.stream_id

    def _begin(self, stream_id: int, *, their_window: int) -> Stream:
        tuner = WindowTuner(self._credit, size_max=self._window_max)
        stream = Stream(stream_id, tuner=tuner, their_window=their_window)
        self._streams[stream_id] = stream
        if ack := self._credit.begin():
            self._outlet.say(ack)
        return stream

    def opened(self, stream_id: int) -> None:
        """Tell the originator that the connection stands (exit)."""
        assert self._role is Role.EXIT
        stream = self._streams.get(stream_id)
        if stream is not None:
            stream.is_open = True
            self._outlet.acknowledge(stream)

    # -- sending -----------------------------------------------------------------------------

    def _after_sending(self, stream: Stream, size: int) -> None:
        self._outlet.finish_if_owed(stream)
        self._writers.sent(stream, size)

    def _say_reset(self, stream_id: int, code: ResetCode) -> None:
        if self._role is Role.EXIT:
            self._resets.remember(stream_id, code)
        self._outlet.say(reset_frame(stream_id, code))

    def _give_credit(self, size: int) -> None:
        """Count bytes as consumed for the association, and say so in time."""
        if ack := self._credit.give(size):
            self._outlet.say(ack)
            self._outlet.acknowledge_all()

    # -- receiving ---------------------------------------------------------------------------

    def receive(self, package: memoryview) -> None:
        """Take one plaintext package of the present route.

        Raises:
            StreamProtocolError: it breaks the rules; the session must be torn down.
        """
        before = self._credit.taken
        if self._role is Role.ORIGIN and not self._outlet.carries_data:
            used = self._receive_answer(package)
        else:
            used = read_frames(package, 0, self)
        if self._role is Role.ORIGIN:
            has_payload = self._credit.taken > before
            hint = self._outlet.hint
            self._mud.check(len(package), used, hint=hint, has_payload=has_payload)
        if self._outlet.control_count > _CONTROL_FRAMES_MAX:
            raise StreamProtocolError("the other end asks for more answers than it takes")

    def _receive_answer(self, package: memoryview) -> int:
        """Take the first package of a new way back: ATTACHED, then whatever fits beside it."""
        attached, end = Attached.pop(package, 0)
        if attached.epoch != self._epoch:
            raise StreamProtocolError("ATTACHED for another ATTACH")
        if attached.verdict is Verdict.UNKNOWN:
            self._events.on_unknown()
            return end
        self._is_known = True
        received = dict(attached.point.received)
        missing = [
            stream
            for stream in self._streams.values()
            if stream.is_open and stream.stream_id not in received
        ]
        self._resume(received, attached.point.backlog)
        self._events.on_attached()
        end = read_frames(package, end, self)
        for stream in missing:  # but for those whose RESET stood beside ATTACHED, with its reason
            if stream.stream_id in self._streams:
                self._end_missing(stream, ResetCode.CONNECTION_RESET)
        return end

    # -- FrameSink (inlet.py) ----------------------------------------------------------------

    def take_data(self, stream_id: int, offset: int, data: memoryview) -> None:
        """Bytes from the other end."""
        self._credit.received(len(data))
        stream = self._streams.get(stream_id)
        if stream is None:
            self._swallow(stream_id, len(data))
            return
        if offset != stream.received:
            raise StreamProtocolError("DATA out of order")
        end = offset + len(data)
        if stream.fin_received or end > stream.allowed:
            raise StreamProtocolError("DATA beyond what was allowed")
        stream.received = end
        self._events.on_data(stream_id, data)

    def _swallow(self, stream_id: int, length: int) -> None:
        """Bytes of a stream that we have just dropped; they still count for the association."""
        if stream_id > self._last_id or stream_id == 0:
            raise StreamProtocolError("DATA for a stream that was never opened")
        self._give_credit(length)

    def take_open(self, request: Open) -> None:
        """The originator wants a connection, or wants it still, on another route."""
        if self._role is not Role.EXIT or request.stream == 0:
            raise StreamProtocolError("OPEN where there is none")
        if request.stream in self._streams:
            return
        if request.stream <= self._last_id:
            self._outlet.say(reset_frame(request.stream, self._resets.reason(request.stream)))
            return
        self._last_id = request.stream
        if len(self._streams) >= STREAMS_MAX:
            self._say_reset(request.stream, ResetCode.OVERLOAD)
            return
        self._begin(request.stream, their_window=request.window)
        self._events.on_open(request)

    def take_ack(self, stream_id: int, offset: int, window: int) -> None:
        """The other end has consumed up to `offset`; its first ACK says that it is connected."""
        if stream_id == 0:
            if offset > self._outlet.sent:
                raise StreamProtocolError("ACK of bytes never sent")
            self._outlet.allow(offset + min(window, ASSOCIATION_WINDOW_MAX))
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
        self._outlet.acknowledge_if_due(stream)
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
            stream.tuner.close()
            self._credit.end()
            self._writers.forget(stream)
            self._give_credit(stream.received - stream.consumed)  # nobody will take them
        return stream

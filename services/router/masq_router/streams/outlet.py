"""What leaves an association: control frames first, then datagrams and streams in turn. Pure.

Streams that have just found something to say, a request or an answer, come before those that have
been sending all along, but no more than two in a row: so a small exchange waits for one package of
a bulk transfer and not for one of each, and nobody starves (the sparse flows of RFC 8290).

Datagrams may fill every second package while streams wait. They count for the association's window
like streams' bytes, so they cannot pile up in relays; with no window left they are dropped here.

    closed -> control only -> open -> closed        one round for each route

`control only` is the originator between ATTACH and ATTACHED: it does not know yet from where to
send its bytes again. The window of the whole association is counted anew on each route, beginning
with what the other end has received and not consumed.
"""

from collections.abc import Callable

from masq_router.onion.padding import capacity, padded_size
from masq_router.streams.credit import ASSOCIATION_WINDOW_MIN
from masq_router.streams.datagrams import DatagramQueue
from masq_router.streams.frames import ACK, DATA_HEADER, FrameType, ack_frame, fin_frame
from masq_router.streams.stream import Stream

__all__ = ["Outlet"]

FRESH_IN_A_ROW = 2
"""Then one of those that have been sending all along has its turn."""

_DATA_ROOM_MIN = DATA_HEADER.size + 1


class Outlet:
    """Frames and streams that wait for the next package.

    Args:
        after_sending: called for each stream of which bytes have left, and how many.
    """

    def __init__(self, after_sending: Callable[[Stream, int], None]) -> None:
        self._after_sending = after_sending
        self.hint, self._capacity = 0, capacity(0)
        self._control: list[bytes] = []
        self._fresh: dict[int, Stream] = {}  # streams that had nothing to send until now
        self._ready: dict[int, Stream] = {}  # streams that have sent and go on, in turn
        self._fresh_in_a_row = 0
        self._untold: dict[int, Stream] = {}  # consumed a little further than the other end knows
        self._tells_all = False
        self.datagrams = DatagramQueue()
        self._was_datagrams_turn = False
        self._limit = 0
        self.sent = 0
        self.is_connected = False
        self.carries_data = False

    # -- life --------------------------------------------------------------------------------

    def connect(self, hint: int) -> None:
        """A route is there; nothing of what waited for the one before is sent."""
        self.close()
        self.hint, self._capacity = hint, capacity(hint)
        self.is_connected = True

    def resume(self, backlog: int) -> None:
        """Let bytes flow; the other end still has `backlog` bytes to consume."""
        self.sent, self._limit = backlog, ASSOCIATION_WINDOW_MIN
        self.carries_data = True

    def close(self) -> None:
        """The route is gone."""
        self.is_connected = self.carries_data = False
        self._control.clear()
        self.datagrams.clear()
        self._fresh.clear()
        self._ready.clear()
        self._untold.clear()
        self._tells_all = False

    # -- what waits --------------------------------------------------------------------------

    @property
    def wants_to_send(self) -> bool:
        """Whether `next_package` would return one."""
        has_data = bool(self.datagrams or self._fresh or self._ready)
        return bool(self._control) or (has_data and self.sent < self._limit)

    @property
    def control_count(self) -> int:
        """Control frames that wait."""
        return len(self._control)

    def say(self, frame: bytes) -> None:
        """Queue a control frame; without a route it is not needed: taking up says it all anew."""
        if self.is_connected:
            self._control.append(frame)

    def acknowledge(self, stream: Stream) -> None:
        """Say how far a stream is consumed, and how much more is welcome."""
        self.say(self._ack(stream))

    def acknowledge_if_due(self, stream: Stream) -> None:
        """Say so if enough was consumed since the last time; otherwise when there is occasion."""
        if stream.ack_is_due:
            self.acknowledge(stream)
        elif stream.told < stream.position and self.is_connected:
            self._untold[stream.stream_id] = stream

    def acknowledge_all(self) -> None:
        """Say it of as many streams as the next package takes beside what it carries anyway.

        So that what many streams have consumed a little of is not kept by the other end for as
        long as they rest: 60 MB for a thousand streams of 60 kB.
        """
        self._tells_all = bool(self._untold)

    def _ack(self, stream: Stream) -> bytes:
        self._untold.pop(stream.stream_id, None)
        stream.told = stream.position
        stream.allowed = max(stream.allowed, stream.consumed + stream.tuner.size)
        return ack_frame(stream.stream_id, consumed=stream.told, window=stream.tuner.size)

    def finish_if_owed(self, stream: Stream) -> None:
        """Say that our side has ended, once its last byte has left."""
        if stream.owes_fin and self.carries_data:
            stream.fin_sent = True
            self.say(fin_frame(stream.stream_id, final=stream.outbound.end))

    def mark_ready(self, stream: Stream) -> None:
        """Put a stream that has something to send in line, if it is not there already."""
        is_waiting = stream.stream_id in self._ready
        if self.carries_data and not is_waiting and stream.sendable > 0:
            self._fresh[stream.stream_id] = stream

    def forget(self, stream_id: int) -> None:
        """A stream is gone."""
        self._fresh.pop(stream_id, None)
        self._ready.pop(stream_id, None)
        self._untold.pop(stream_id, None)

    def allow(self, limit: int) -> None:
        """The other end lets the whole association send up to here."""
        self._limit = max(self._limit, limit)

    # -- packages ----------------------------------------------------------------------------

    def next_package(self) -> bytes | None:
        """Return the next plaintext, padded to its size class, or None when there is nothing."""
        parts: list[bytes | memoryview] = []
        room = self._take_control(parts, self._capacity)
        room = self._take_datagrams(parts, room)
        room = self._take_data(parts, room)
        used = self._capacity - room
        if used == 0:
            return None
        parts.append(bytes(padded_size(used, self.hint) - used))
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
        return self._take_acks(parts, room) if self._tells_all else room

    def _take_acks(self, parts: list[bytes | memoryview], room: int) -> int:
        self._tells_all = False
        for stream in list(self._untold.values())[: room // ACK.size]:
            parts.append(self._ack(stream))
            room -= ACK.size
        return room

    def _take_datagrams(self, parts: list[bytes | memoryview], room: int) -> int:
        streams_wait = bool(self._fresh or self._ready)
        if not self.carries_data or (streams_wait and self._was_datagrams_turn):
            self._was_datagrams_turn = False
            return room
        while (
            next_one := self.datagrams.pop(room=room, allowed=self._limit - self.sent)
        ) is not None:
            frame, size = next_one
            parts.append(frame)
            room -= len(frame)
            self.sent += size
            self._was_datagrams_turn = True
        return room

    def _take_data(self, parts: list[bytes | memoryview], room: int) -> int:
        while room >= _DATA_ROOM_MIN and (self._fresh or self._ready):
            allowed = self._limit - self.sent
            if allowed <= 0:
                break
            stream = self._next_stream()
            offset = stream.outbound.sent
            size = min(stream.sendable, room - DATA_HEADER.size, allowed)
            piece = stream.outbound.take(size)
            head = DATA_HEADER.pack(FrameType.DATA, stream.stream_id, offset, len(piece))
            parts.append(head)
            parts.append(piece)
            room -= DATA_HEADER.size + len(piece)
            self.sent += len(piece)
            if stream.sendable > 0:
                self._ready[stream.stream_id] = stream  # to the end of the line
            self._after_sending(stream, len(piece))
        return room

    def _next_stream(self) -> Stream:
        is_their_turn = self._fresh_in_a_row < FRESH_IN_A_ROW or not self._ready
        line = self._fresh if self._fresh and is_their_turn else self._ready
        self._fresh_in_a_row = self._fresh_in_a_row + 1 if line is self._fresh else 0
        return line.pop(next(iter(line)))

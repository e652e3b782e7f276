"""Streams between two real associations in memory."""

import pytest

from masq_kernel.entropy import SeededEntropy
from masq_router.ends.tcp import READ_MAX
from masq_router.errors import StreamProtocolError
from masq_router.onion.geometry import SIZE_CLASSES
from masq_router.streams.association import STREAMS_MAX
from masq_router.streams.credit import ASSOCIATION_WINDOW_MAX
from masq_router.streams.errors import ResetCode
from masq_router.streams.frames import DATA_HEADER, FrameType, ack_frame, fin_frame
from masq_router.streams.windows import WINDOW_MAX, WINDOW_MIN
from masq_router.streams.writers import ROOM_MIN, UNSENT_MAX
from support.stream_pair import StreamPair

BLOB = SeededEntropy(7).token(3_000_000)


def test_a_stream_opens_carries_bytes_both_ways_and_ends():
    pair = StreamPair()
    stream = pair.connected_stream("example.com", 443)
    assert [(each.host, each.port) for each in pair.exit_events.opens] == [("example.com", 443)]
    assert pair.origin_events.opened == [stream]
    pair.origin.write(stream, b"question")
    pair.exit.write(stream, b"answer")
    pair.origin.finish(stream)
    pair.exit.finish(stream)
    pair.settle()
    assert pair.exit_events.data[stream] == b"question"
    assert pair.origin_events.data[stream] == b"answer"
    assert pair.exit_events.fins == pair.origin_events.fins == [stream]
    assert pair.origin.stream_count == pair.exit.stream_count == 0


def test_half_close_leaves_the_other_direction_open():
    pair = StreamPair()
    stream = pair.connected_stream()
    pair.origin.finish(stream)
    pair.settle()
    pair.exit.write(stream, BLOB[:100_000])
    pair.settle()
    assert pair.origin_events.data[stream] == BLOB[:100_000]
    assert pair.origin.stream_count == 1


def test_three_megabytes_arrive_in_order_under_smaller_windows():
    pair = StreamPair()
    stream = pair.connected_stream()
    for begin in range(0, len(BLOB), 100_000):
        pair.exit.write(stream, BLOB[begin : begin + 100_000])
    pair.exit.finish(stream)
    pair.settle()
    assert bytes(pair.origin_events.data[stream]) == BLOB
    assert set(pair.package_sizes) <= {size - 3 * 16 for size in SIZE_CLASSES}


def test_a_reader_that_stops_holds_back_the_writer_at_the_window():
    pair = StreamPair()
    stream = pair.connected_stream()
    pair.origin_events.consumes = False
    welcome = pair.exit.write(stream, BLOB)
    pair.settle()
    assert not welcome
    assert len(pair.origin_events.data[stream]) == WINDOW_MIN
    pair.origin.consumed(stream, WINDOW_MIN, 1.0)
    pair.origin_events.consumes = True
    pair.settle()
    assert pair.origin_events.data[stream] == BLOB
    assert pair.exit_events.writable == [stream]


def test_a_stalled_stream_does_not_stop_another():
    pair = StreamPair()
    stalled, lively = pair.connected_stream(), pair.connected_stream()
    pair.origin_events.consumes = False
    pair.exit.write(stalled, BLOB)
    pair.settle()
    pair.origin_events.consumes = True
    pair.exit.write(lively, b"through")
    pair.settle()
    assert pair.origin_events.data[lively] == b"through"


@pytest.mark.parametrize("grown", [1 << 20, WINDOW_MAX])
def test_a_stalled_stream_with_a_large_window_does_not_stop_another(grown):
    pair = StreamPair()
    stalled = pair.connected_stream()
    ours = pair.origin._streams[stalled]
    while ours.tuner.size < grown:
        assert ours.tuner._double()
    pair.origin._outlet.acknowledge(ours)
    pair.exit.write(stalled, b"x")  # consumed, so the association's window is told as well
    pair.settle()
    pair.origin_events.consumes = False
    pair.exit.write(stalled, bytes(2 * WINDOW_MAX))
    pair.settle()
    pair.origin_events.consumes = True
    lively = pair.connected_stream()
    pair.exit.write(lively, BLOB)
    pair.settle()
    assert pair.origin_events.data[lively] == BLOB


def test_streams_take_turns():
    pair = StreamPair()
    first, second = pair.connected_stream(), pair.connected_stream()
    pair.exit.write(first, BLOB[:200_000])
    pair.exit.write(second, BLOB[:200_000])
    for _ in range(4):
        pair.origin.receive(memoryview(pair.exit.next_package()))
    assert abs(len(pair.origin_events.data[first]) - len(pair.origin_events.data[second])) < 33_000
    assert len(pair.origin_events.data[second]) > 0


def test_a_small_answer_waits_for_one_package_of_bulk_and_not_for_one_of_each():
    pair = StreamPair()
    bulk = [pair.connected_stream() for _ in range(8)]
    small = pair.connected_stream()
    for stream in bulk:
        pair.exit.write(stream, BLOB[:200_000])
    for _ in range(2 * len(bulk)):
        pair.exit.next_package()  # each of them has begun
    pair.exit.write(small, b"answer")
    packages = [pair.exit.next_package() for _ in range(2)]
    assert any(b"answer" in package for package in packages)


def test_streams_that_come_and_go_do_not_starve_bulk():
    pair = StreamPair()
    bulk = pair.connected_stream()
    pair.exit.write(bulk, BLOB[:200_000])
    pair.exit.next_package()
    for _ in range(2):
        for _ in range(4):
            pair.exit.write(pair.connected_stream_quietly(), bytes(10_000))
        before = pair.exit._streams[bulk].outbound.sent
        for _ in range(3):
            pair.exit.next_package()
        assert pair.exit._streams[bulk].outbound.sent > before


def test_what_all_streams_have_unsent_is_bounded():
    pair = StreamPair()
    streams = [pair.connected_stream() for _ in range(200)]
    pair.origin_events.consumes = False
    for stream in streams:  # as sockets are read: once each, all in one turn, then until told to
        pair.exit.write(stream, bytes(min(READ_MAX, pair.exit.room(stream))))
    assert pair.exit._writers.unsent <= UNSENT_MAX + len(streams) * ROOM_MIN
    pair.settle()
    for stream in streams:
        while not pair.exit._streams[stream].wants_more:
            pair.exit.write(stream, bytes(min(READ_MAX, pair.exit.room(stream))))
    pair.settle()
    unsent = sum(pair.exit._streams[stream].outbound.unsent for stream in streams)
    assert unsent == pair.exit._writers.unsent
    assert UNSENT_MAX // 2 <= unsent <= UNSENT_MAX + len(streams) * ROOM_MIN
    pair.exit_events.writable.clear()
    pair.origin_events.consumes = True
    for stream in streams:
        got = len(pair.origin_events.data[stream])
        pair.origin.consumed(stream, got, 1.0)
    pair.settle()
    assert set(pair.exit_events.writable) >= {
        s for s in streams if pair.exit._streams[s].outbound.end
    }
    assert pair.exit._writers.unsent == 0


def test_without_a_route_a_socket_delivers_one_small_read():
    pair = StreamPair()
    stream = pair.connected_stream()
    assert pair.exit.room(stream) > ROOM_MIN
    pair.exit.detach()
    assert pair.exit.room(stream) == ROOM_MIN
    assert not pair.exit.write(stream, bytes(ROOM_MIN))


def test_what_many_streams_have_consumed_a_little_of_is_not_kept_for_them():
    pair = StreamPair()
    streams = [pair.connected_stream() for _ in range(1_000)]
    for stream in streams:
        pair.exit.write(stream, bytes(60_000))
        pair.settle()
    assert pair.exit.held_size <= ASSOCIATION_WINDOW_MAX // 4


def test_streams_acknowledged_by_the_way_cost_no_package():
    pair = StreamPair()
    streams = [pair.connected_stream() for _ in range(400)]
    asked = []
    for stream in streams:
        pair.exit.write(stream, bytes(20_000))
        while (package := pair.exit.next_package()) is not None:
            pair.origin.receive(memoryview(package))
        while (answer := pair.origin.next_package()) is not None:
            asked.append(answer)
            pair.exit.receive(memoryview(answer))
    assert 0 < len(asked) <= 400 * 20_000 // (ASSOCIATION_WINDOW_MAX // 4) + 1


def test_a_window_beyond_the_largest_is_not_believed():
    pair = StreamPair()
    stream = pair.connected_stream()
    for each in (0, stream):
        pair.exit.receive(memoryview(ack_frame(each, consumed=0, window=0xFFFFFFFF)))
    blob = bytes(1 << 20)
    for _ in range(20):
        pair.exit.write(stream, blob)
    sent = 0
    while (package := pair.exit.next_package()) is not None:
        sent += len(package)
    assert pair.exit._streams[stream].outbound.sent == WINDOW_MAX < sent


def data(stream, offset, size):
    head = DATA_HEADER.pack(FrameType.DATA, stream, offset, size)
    return memoryview(head + bytes(size))


def test_an_end_that_sends_more_than_all_streams_were_allowed_breaks_the_rules():
    pair = StreamPair()
    pair.exit_events.consumes = False
    allowed = ASSOCIATION_WINDOW_MAX // WINDOW_MIN
    streams = [pair.connected_stream() for _ in range(allowed + 1)]
    for stream in streams[:-1]:
        for offset in range(0, WINDOW_MIN, 1 << 15):
            pair.exit.receive(data(stream, offset, 1 << 15))
    with pytest.raises(StreamProtocolError, match="all streams together"):
        pair.exit.receive(data(streams[-1], 0, 1))


def test_a_reset_carries_its_reason_and_ends_the_stream():
    pair = StreamPair()
    stream = pair.origin.open("nowhere.invalid", 80)
    pair.settle()
    pair.exit.reset(stream, ResetCode.NAME_NOT_RESOLVED)
    pair.settle()
    assert pair.origin_events.resets == [(stream, ResetCode.NAME_NOT_RESOLVED)]
    assert pair.origin.stream_count == pair.exit.stream_count == 0


def test_bytes_of_a_stream_just_dropped_are_swallowed():
    pair = StreamPair()
    stream = pair.connected_stream()
    pair.exit.write(stream, b"late")
    late = pair.exit.next_package()
    pair.origin.reset(stream, ResetCode.CLIENT_GONE)
    pair.origin.receive(memoryview(late))
    assert not pair.origin_events.data[stream]


def test_more_streams_than_allowed_are_refused_one_by_one():
    pair = StreamPair()
    for _ in range(STREAMS_MAX + 1):
        pair.origin.open("example.com", 80)
    pair.settle()
    assert pair.exit.stream_count == STREAMS_MAX
    assert pair.origin_events.resets == [(STREAMS_MAX + 1, ResetCode.OVERLOAD)]


def test_a_probe_is_answered():
    pair = StreamPair()
    pair.origin.probe(42)
    pair.settle()
    assert pair.origin_events.probed == [42]


@pytest.mark.parametrize(
    "package",
    [
        b"\x0d",  # unknown type
        b"\x03\x00\x00",  # DATA cut off
        b"\x03\x00\x00\x00\x09" + bytes(8) + b"\x00\x01x",  # DATA of a stream never opened
        b"\x02\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x01a",  # OPEN to port 0
        b"\x02\x00\x00\x00\x00\x00\x00\x00\x01\x00\x50\x01a",  # OPEN of stream 0
        ack_frame(0, consumed=1, window=1),  # bytes never sent
        b"\x01" + bytes(100),  # ATTACH in the middle of a route
        b"\x0c" + bytes(100),  # ATTACHED at an exit
    ],
)
def test_what_breaks_the_rules_is_refused(package):
    with pytest.raises(StreamProtocolError):
        StreamPair().exit.receive(memoryview(package))


def test_an_exit_cannot_open_streams_at_the_originator():
    with pytest.raises(StreamProtocolError):
        StreamPair().origin.receive(
            memoryview(b"\x02\x00\x00\x00\x01\x00\x00\x00\x01\x00\x50\x01a")
        )


def test_a_gap_an_overrun_and_a_wrong_fin_are_refused():
    for frame in (
        b"\x03\x00\x00\x00\x01" + (5).to_bytes(8, "big") + b"\x00\x01x",
        fin_frame(1, final=7),
    ):
        pair = StreamPair()
        pair.connected_stream()
        with pytest.raises(StreamProtocolError):
            pair.exit.receive(memoryview(frame))


def test_an_end_that_only_asks_is_refused_before_memory_grows():
    association = StreamPair().exit
    probes = memoryview(b"".join(b"\x09" + bytes(8) for _ in range(3_000)))
    association.receive(probes)
    with pytest.raises(StreamProtocolError):
        association.receive(probes)

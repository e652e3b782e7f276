"""An association that changes its route: what each end may claim, and what it must not."""

import pytest

from masq_router.errors import StreamProtocolError
from masq_router.streams import Role
from masq_router.streams.association import Association
from masq_router.streams.attach import Attach, Attached, ResumePoint, Verdict
from masq_router.streams.errors import ResetCode
from masq_router.streams.windows import WINDOW_MIN
from masq_router.streams.writers import SEND_BUFFER_MAX
from support.stream_pair import SECRET, WAY_BACK, RecordingEvents, StreamPair

NOTHING = ResumePoint()
POINT = ResumePoint(backlog=7, received=((1, 10), (2, 20)))


def attach_of(epoch=2, *, must_exist=True, point=NOTHING):
    return Attach(secret=SECRET, epoch=epoch, must_exist=must_exist, way_back=WAY_BACK, point=point)


@pytest.mark.parametrize(
    ("kind", "frame"),
    [
        (Attach, attach_of(3, point=POINT)),
        (Attach, attach_of(1, must_exist=False)),
        (Attached, Attached(epoch=3, point=POINT)),
        (Attached, Attached(epoch=3, verdict=Verdict.UNKNOWN)),
    ],
)
def test_frames_are_read_as_written_and_refused_when_cut_off(kind, frame):
    raw = frame.to_bytes()
    assert kind.pop(memoryview(raw + b"next"), 0) == (frame, len(raw))
    for size in (0, 1, 5, len(raw) - 1):
        with pytest.raises(StreamProtocolError):
            kind.pop(memoryview(raw[:size]), 0)


def test_secrets_are_not_printed():
    assert repr(SECRET) not in repr(attach_of())
    assert "secret" not in repr(WAY_BACK)


def test_a_route_that_begins_with_anything_else_is_refused():
    pair = StreamPair()
    pair.attach()
    with pytest.raises(StreamProtocolError):
        pair.origin.receive(memoryview(b"\x0a" + bytes(8)))
    with pytest.raises(StreamProtocolError):
        Attach.pop(memoryview(b"\x09" + bytes(20_000)), 0)


@pytest.mark.parametrize("epoch", [0, 1])
def test_an_attach_that_comes_late_does_not_undo_a_newer_one(epoch):
    pair = StreamPair()
    stream = pair.connected_stream()
    with pytest.raises(StreamProtocolError):
        pair.exit.adopt(attach_of(epoch), hint=0)
    pair.exit.write(stream, b"still served")
    pair.settle()
    assert pair.origin_events.data[stream] == b"still served"


@pytest.mark.parametrize("offset", [11, 1 << 63])
def test_an_originator_cannot_claim_what_was_never_sent(offset):
    pair = StreamPair()
    stream = pair.connected_stream()
    pair.exit.write(stream, b"0123456789")
    pair.settle()
    with pytest.raises(StreamProtocolError):
        pair.exit.adopt(attach_of(point=ResumePoint(received=((stream, offset),))), hint=0)


def test_an_originator_cannot_ask_for_what_it_has_acknowledged():
    pair = StreamPair()
    stream = pair.connected_stream()
    pair.exit.write(stream, bytes(WINDOW_MIN))
    pair.settle()
    with pytest.raises(StreamProtocolError):
        pair.exit.adopt(attach_of(point=ResumePoint(received=((stream, 0),))), hint=0)


def test_the_first_attach_may_make_the_association_and_later_ones_must_find_it():
    pair = StreamPair()
    pair.attach()
    pair.settle()
    assert [each.must_exist for each in pair.attaches] == [False, True]
    assert [each.epoch for each in pair.attaches] == [1, 2]


def test_an_originator_without_an_answer_lets_the_exit_begin_anew():
    association = Association(Role.ORIGIN, RecordingEvents())
    for epoch in (1, 2):
        association.attach(SECRET, WAY_BACK, hint=0)
        attach, _ = Attach.pop(memoryview(association.next_package()), 0)
        assert (attach.epoch, attach.must_exist) == (epoch, False)
        association.detach()


def test_an_exit_that_does_not_know_us_is_told_to_the_shell():
    pair = StreamPair()
    pair.connected_stream()
    pair.cut()
    pair.attach()
    pair.refuse()
    assert pair.origin_events.unknown == 1
    assert not pair.origin.is_attached


def test_without_a_route_a_writer_is_stopped_and_goes_on_afterwards():
    pair = StreamPair()
    stream = pair.connected_stream()
    pair.cut()
    assert not pair.exit.write(stream, b"x")
    assert not pair.origin.write(stream, b"y")
    assert pair.exit.next_package() is pair.origin.next_package() is None
    pair.attach()
    pair.settle()
    assert pair.exit_events.writable == pair.origin_events.writable == [stream]
    assert pair.origin_events.data[stream] == b"x"


def test_what_an_end_holds_is_bounded_by_windows_however_often_the_route_changes():
    pair = StreamPair()
    stream = pair.connected_stream()
    pair.origin_events.consumes = False
    held, is_welcome = [], True
    for _ in range(5):
        while is_welcome:  # as a socket is read: not before it is asked for more
            is_welcome = pair.exit.write(stream, bytes(1 << 16))
            pair.settle()
        pair.cut()
        held.append(pair.exit._streams[stream].outbound.unacked)
        pair.attach()
        pair.settle()
        is_welcome = bool(pair.exit_events.writable)
        pair.exit_events.writable.clear()
    assert WINDOW_MIN < max(held) <= WINDOW_MIN + SEND_BUFFER_MAX + (1 << 16)
    assert len(pair.origin_events.data[stream]) == WINDOW_MIN


def test_only_what_the_other_end_lacks_is_sent_again():
    pair = StreamPair()
    stream = pair.connected_stream()
    pair.exit.write(stream, bytes(300_000))
    pair.load(4)
    pair.cut(back_left=3)
    arrived = len(pair.origin_events.data[stream])
    sent = pair.exit._streams[stream].outbound.sent
    pair.attach()
    pair.settle()
    assert pair.exit.resent == sent - arrived > 0
    assert len(pair.origin_events.data[stream]) == 300_000


@pytest.mark.parametrize("is_open", [False, True])
def test_a_reset_that_was_lost_is_said_again_with_its_reason(is_open):
    pair = StreamPair()
    stream = pair.connected_stream() if is_open else pair.origin.open("example.com", 80)
    pair.settle()
    pair.exit.reset(stream, ResetCode.CONNECTION_REFUSED)
    pair.cut()
    pair.attach()
    pair.settle()
    assert pair.origin_events.resets == [(stream, ResetCode.CONNECTION_REFUSED)]


def test_a_client_that_left_while_there_was_no_route_is_missed_at_the_exit():
    pair = StreamPair()
    stream = pair.connected_stream()
    pair.cut()
    pair.origin.reset(stream, ResetCode.CLIENT_GONE)
    pair.attach()
    pair.settle()
    assert pair.exit_events.resets == [(stream, ResetCode.CLIENT_GONE)]
    assert pair.exit.stream_count == 0

"""Frames: any chopping of the bytes gives the same frames; a stranger's bytes only our refusal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masq_router.errors import WireError
from masq_router.onion.geometry import SETUP_SIZE
from masq_router.wire import Framer, FrameType, TeardownReason, frame
from masq_router.wire.frames import teardown_body, teardown_fields

BODIES = st.one_of(
    st.tuples(st.just(FrameType.DATA), st.binary(max_size=3_000)),
    st.tuples(st.just(FrameType.GOSSIP), st.binary(max_size=300)),
    st.tuples(st.just(FrameType.PING), st.binary(min_size=8, max_size=8)),
    st.tuples(st.just(FrameType.PADDING), st.binary(max_size=50)),
)


def feed(framer, data, frames):
    while data:
        space = framer.space()
        size = min(len(space), len(data))
        space[:size] = data[:size]
        framer.received(size, lambda kind, body: frames.append((kind, bytes(body))))
        data = data[size:]


@given(sent=st.lists(BODIES, max_size=12), cuts=st.lists(st.integers(1, 700), min_size=1))
def test_any_chopping_gives_the_same_frames(sent, cuts):
    stream = b"".join(frame(kind, body) for kind, body in sent)
    framer, frames, turn = Framer(), [], 0
    while stream:
        size = cuts[turn % len(cuts)]
        feed(framer, stream[:size], frames)
        stream, turn = stream[size:], turn + 1
    assert frames == sent


def test_frames_arrive_one_byte_at_a_time():
    framer, frames = Framer(), []
    for byte in frame(FrameType.SETUP, bytes(SETUP_SIZE)):
        feed(framer, bytes([byte]), frames)
    assert frames == [(FrameType.SETUP, bytes(SETUP_SIZE))]


def test_many_largest_frames_pass_through_one_buffer():
    framer, frames = Framer(), []
    feed(framer, frame(FrameType.DATA, bytes(65_536)) * 20, frames)
    assert [len(body) for _, body in frames] == [65_536] * 20


@given(data=st.binary(max_size=5_000))
def test_a_strangers_bytes_raise_only_wire_errors(data):
    frames = []
    try:
        feed(Framer(), data, frames)
    except WireError:
        return


@pytest.mark.parametrize(
    "header",
    [
        b"\x00\x00\x00\x00",  # no type 0
        b"\x00\x00\x00\xff",
        b"\x01\x00\x01\x04",  # one byte too long
        b"\x00\x00\x08\x05",  # TEARDOWN of 8 bytes
        b"\x00\x00\x09\x06",  # PING of 9 bytes
        b"\x00\x10\x00\x03",  # a short SETUP
    ],
)
def test_an_impossible_header_is_refused_before_its_body(header):
    framer = Framer()
    with pytest.raises(WireError):
        feed(framer, header, [])


@given(tag=st.binary(min_size=8, max_size=8), reason=st.sampled_from(list(TeardownReason)))
def test_teardowns_are_read_as_written(tag, reason):
    assert teardown_fields(teardown_body(tag, reason)) == (tag, reason)


def test_an_unknown_teardown_reason_is_their_protocol_error():
    assert teardown_fields(bytes(8) + b"\xee")[1] is TeardownReason.PROTOCOL_ERROR

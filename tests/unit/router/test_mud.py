"""An exit that wants to be paid for nothing."""

import pytest

from masq_router.errors import StreamProtocolError
from masq_router.onion.padding import padded_size
from masq_router.streams.frames import ack_frame
from masq_router.streams.mud import (
    _AT_FIRST,
    ANSWERS_OF_A_PACKAGE,
    ANSWERS_OF_A_STREAM,
    MudGuard,
)
from support.stream_pair import StreamPair


def padded(frames, *, hint=3):
    return memoryview(frames.ljust(padded_size(len(frames), hint), b"\0"))


def test_a_package_larger_than_what_is_in_it_is_refused():
    pair = StreamPair()
    stream = pair.connected_stream()
    frame = ack_frame(stream, consumed=0, window=1 << 20)
    pair.origin.receive(padded(frame))
    for size in (len(frame), padded_size(2_000, 3), padded_size(20_000, 3)):
        with pytest.raises(StreamProtocolError, match="larger than what is in it"):
            pair.origin.receive(memoryview(frame.ljust(size, b"\0")))


def test_a_package_with_nothing_in_it_is_refused():
    pair = StreamPair()
    with pytest.raises(StreamProtocolError, match="larger than what is in it"):
        pair.origin.receive(memoryview(bytes(padded_size(1, 3))))


def test_packages_without_payload_are_bounded_by_the_answers_that_are_owed():
    pair = StreamPair()
    stream = pair.connected_stream()
    frame = padded(ack_frame(stream, consumed=0, window=1 << 20))
    owed_at_most = _AT_FIRST + 10 * ANSWERS_OF_A_PACKAGE + ANSWERS_OF_A_STREAM

    def flood():
        for _ in range(owed_at_most):
            pair.origin.receive(frame)

    with pytest.raises(StreamProtocolError, match="without payload"):
        flood()


def test_what_is_asked_is_owed():
    guard = MudGuard()
    guard.asked(packages=10)
    size = padded_size(20, 0)
    for _ in range(10 * ANSWERS_OF_A_PACKAGE):
        guard.check(size, 20, hint=0, has_payload=False)
    guard.check(size, 20, hint=0, has_payload=True)
    with pytest.raises(StreamProtocolError):
        guard.check(size, 20, hint=0, has_payload=False)


def test_an_exit_whose_streams_all_end_at_different_times_owes_enough():
    pair = StreamPair()
    streams = [pair.origin.open("example.com", 80) for _ in range(200)]
    pair.settle()
    for stream in streams:
        pair.exit.opened(stream)
        pair.settle()
    for stream in streams:
        pair.exit.finish(stream)
        pair.settle()
        pair.origin.finish(stream)
        pair.settle()
    assert pair.origin.stream_count == pair.exit.stream_count == 0

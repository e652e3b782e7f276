"""Questions to the accountant at the end of a route, beside everything else."""

import pytest

from masq_router.errors import StreamProtocolError
from masq_router.streams.frames import FrameType
from masq_router.streams.questions import QUESTION_SIZE_MAX
from support.stream_pair import StreamPair


def test_a_question_goes_over_and_its_answer_comes_back():
    pair = StreamPair()
    pair.origin.questions.send(b"what do I owe you?")
    pair.settle()
    pair.exit.questions.send(b"so much")
    pair.settle()
    assert (pair.exit_events.statements, pair.origin_events.statements) == (
        [b"what do I owe you?"],
        [b"so much"],
    )


@pytest.mark.parametrize(
    "frame",
    [
        bytes([FrameType.STATEMENT]),
        bytes([FrameType.STATEMENT, 0, 9]) + b"too few",
        bytes([FrameType.STATEMENT]) + (QUESTION_SIZE_MAX + 1).to_bytes(2, "big") + bytes(600),
    ],
)
def test_what_is_cut_off_or_too_long_is_refused(frame):
    pair = StreamPair()
    with pytest.raises(StreamProtocolError):
        pair.exit.receive(memoryview(frame))

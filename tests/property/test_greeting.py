"""Any client, in any pieces: the same outcome as in one piece, and no other way to fail."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from masq_router.errors import ProxyProtocolError
from masq_router.origin.greeting import Greeting

STARTS = st.sampled_from(
    [
        b"",
        b"\x05\x01\x00\x05\x01\x00\x03\x0bexample.org\x01\xbb",
        b"\x05\x01\x02\x01\x01a\x01b\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50",
        b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
    ]
)
SAID = st.builds(lambda start, rest: start + rest, STARTS, st.binary(max_size=300))


def outcome(pieces):
    greeting, answers = Greeting(), b""
    try:
        for piece in pieces:
            answers += greeting.receive(piece)
    except ProxyProtocolError as error:
        return "refused", answers + error.answer
    return answers, greeting.request, greeting.leftover() if greeting.request else None


@given(SAID, st.lists(st.integers(0, 400), max_size=6))
def test_pieces_change_nothing(said, cuts):
    places = sorted({min(cut, len(said)) for cut in cuts} | {0, len(said)})
    pieces = [said[begin:end] for begin, end in itertools.pairwise(places)]
    assert outcome(pieces) == outcome([said])


@given(SAID)
def test_one_byte_at_a_time_changes_nothing(said):
    assert outcome([said[at : at + 1] for at in range(len(said))]) == outcome([said])

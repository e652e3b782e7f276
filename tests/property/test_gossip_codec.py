"""What strangers send: only one spelling is read, and only our refusals escape."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masq_gossip.messages import (
    Debut,
    Digest,
    Failure,
    FailureReason,
    Farewell,
    Introduction,
    Pass,
    Request,
    Standard,
    message_from_bytes,
    message_to_bytes,
)
from masq_gossip.record import RECORD_SIZE_MAX, NodeRecord, SignedRecord
from masq_gossip.statement import STATEMENT_SIZE_MAX, SignedStatement
from masq_kernel.errors import MalformedError, RemoteError
from masq_kernel.identity.keys import NodeId
from support.gossip_builders import CHAIN, make_key, make_record, sign_record, sign_statement

KEY = make_key(1)
RECORD = sign_record(KEY, neighbors=[make_key(number).node_id for number in range(2, 7)])
STATEMENT = sign_statement(KEY, "127.0.1.1")

node_ids = st.binary(min_size=32, max_size=32).map(NodeId)
statements = st.binary(min_size=1, max_size=STATEMENT_SIZE_MAX)
records = st.binary(max_size=RECORD_SIZE_MAX)
messages = st.one_of(
    st.builds(Debut, records, st.none() | statements, st.lists(node_ids, max_size=32).map(tuple)),
    st.builds(Introduction, statements),
    st.builds(Pass, statements),
    st.builds(Standard, st.lists(records, max_size=28).map(tuple), st.none() | statements),
    st.builds(
        Digest, st.lists(st.tuples(node_ids, st.integers(0, 2**64 - 1)), max_size=60).map(tuple)
    ),
    st.builds(Request, st.lists(node_ids, max_size=60).map(tuple)),
    st.just(Farewell()),
    st.builds(Failure, st.sampled_from(FailureReason)),
)


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_every_single_bit_of_a_statement_counts():
    for bit in range(8 * len(STATEMENT.raw)):
        with pytest.raises(RemoteError):
            SignedStatement.from_bytes(flipped(STATEMENT.raw, bit), CHAIN)


def test_every_single_bit_of_a_record_counts():
    for bit in range(8 * len(RECORD.raw)):
        with pytest.raises(RemoteError):
            SignedRecord.from_bytes(flipped(RECORD.raw, bit), CHAIN)


@given(st.binary(max_size=300))
def test_no_bytes_escape_as_anything_but_a_refusal(data):
    for read in (
        message_from_bytes,
        NodeRecord.from_bytes,
        lambda raw: SignedRecord.from_bytes(raw, CHAIN),
        lambda raw: SignedStatement.from_bytes(raw, CHAIN),
    ):
        try:
            read(data)
        except RemoteError:
            continue


@given(st.data())
def test_a_record_that_reads_is_the_one_spelling(data):
    body = bytearray(make_record(KEY).to_bytes())
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] = data.draw(st.integers(0, 255))
    try:
        record = NodeRecord.from_bytes(bytes(body))
    except RemoteError:
        return
    assert record.to_bytes() == bytes(body)


@given(messages)
@settings(max_examples=200)
def test_messages_read_back_the_same(message):
    assert message_from_bytes(message_to_bytes(message)) == message


@given(messages, st.integers(1, 40))
def test_a_message_cut_short_or_run_on_is_refused(message, size):
    payload = message_to_bytes(message)
    for wrong in (payload[: -min(size, len(payload))], payload + bytes(size)):
        with pytest.raises(MalformedError):
            message_from_bytes(wrong)


def test_counts_above_their_bounds_are_refused_before_anything_is_read():
    for head in (b"\4\0\0\x1d", b"\5\xff\xff", b"\6\xff\xff", b"\x08\xff", b"\xff"):
        with pytest.raises(MalformedError):
            message_from_bytes(head + bytes(1000))

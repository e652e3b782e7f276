"""Whatever is written in whatever pieces arrives whole; a stranger's bytes only our refusal."""

from hypothesis import given, settings
from hypothesis import strategies as st

from masq_router.errors import StreamProtocolError
from masq_router.streams import Role
from masq_router.streams.send_buffer import SendBuffer
from support.stream_pair import StreamPair

WRITES = st.lists(
    st.tuples(st.integers(0, 2), st.booleans(), st.binary(min_size=1, max_size=5_000)), max_size=30
)


@given(writes=WRITES, hint=st.integers(0, 15))
@settings(max_examples=60, deadline=None)
def test_all_bytes_arrive_in_order_once(writes, hint):
    pair = StreamPair(hint=hint)
    streams = [pair.connected_stream() for _ in range(3)]
    sent = {(stream, way): b"" for stream in streams for way in (True, False)}
    for index, way, data in writes:
        source = pair.origin if way else pair.exit
        source.write(streams[index], data)
        sent[streams[index], way] += data
        if len(data) % 3 == 0:
            pair.settle()
    for stream in streams:
        pair.origin.finish(stream)
        pair.exit.finish(stream)
    pair.settle()
    for (stream, way), data in sent.items():
        events = pair.exit_events if way else pair.origin_events
        assert events.data[stream] == data
    assert pair.origin.stream_count == pair.exit.stream_count == 0


@given(data=st.binary(max_size=2_000), role=st.sampled_from(list(Role)))
def test_a_strangers_bytes_raise_only_stream_errors(data, role):
    pair = StreamPair()
    association = pair.origin if role is Role.ORIGIN else pair.exit
    try:
        association.receive(memoryview(data))
    except StreamProtocolError:
        return


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=20), st.integers(1, 30), st.data())
def test_a_rewound_buffer_sends_exactly_what_the_other_end_lacks(chunks, piece_size, data):
    buffer, whole = SendBuffer(), b"".join(chunks)
    for chunk in chunks:
        buffer.write(chunk)
    upto = data.draw(st.integers(0, len(whole)))
    while buffer.sent < upto:
        buffer.take(piece_size)
    acked = data.draw(st.integers(0, buffer.sent))
    buffer.ack(acked)
    resumed = data.draw(st.integers(acked, buffer.sent))
    buffer.rewind(resumed)
    again = b""
    while buffer.unsent:
        again += bytes(buffer.take(piece_size))
    assert again == whole[resumed:]

"""Datagrams beside streams, between two real associations in memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masq_router.errors import StreamProtocolError
from masq_router.origin.socks5_udp import unwrap, wrap
from masq_router.streams.credit import ASSOCIATION_WINDOW_MIN
from masq_router.streams.datagrams import (
    DATAGRAM_SIZE_MAX,
    QUEUE_SIZE_MAX,
    Datagram,
    DatagramQueue,
)
from support.stream_pair import StreamPair
from support.udp_client import wrapped

HOSTS = st.one_of(
    st.ip_addresses().map(str), st.from_regex(r"[a-z0-9-]{1,30}\.[a-z]{2,8}", fullmatch=True)
)
DATAGRAMS = st.builds(
    Datagram,
    flow=st.integers(0, 2**32 - 1),
    host=HOSTS,
    port=st.integers(1, 65_535),
    data=st.binary(max_size=2_000),
)


def datagram(data, *, flow=1, host="192.0.2.1", port=53):
    return Datagram(flow=flow, host=host, port=port, data=data)


@given(DATAGRAMS, st.binary(max_size=10))
def test_what_is_written_is_read(sent, behind):
    frame = sent.to_bytes()
    read, end = Datagram.pop(memoryview(b"x" + frame + behind), 1)
    assert (read.flow, read.host, read.port, bytes(read.data)) == (
        sent.flow,
        sent.host,
        sent.port,
        sent.data,
    )
    assert end == 1 + len(frame)


@given(DATAGRAMS, st.data())
def test_one_that_is_cut_off_is_refused(sent, data):
    frame = sent.to_bytes()
    cut = data.draw(st.integers(0, len(frame) - 1))
    with pytest.raises(StreamProtocolError):
        Datagram.pop(memoryview(frame[:cut]), 0)


@given(st.binary(max_size=400))
def test_whatever_a_client_sends_is_unwrapped_or_dropped(packet):
    unwrapped = unwrap(packet)
    if unwrapped is not None:
        host, port, data = unwrapped
        assert host.isascii()
        assert 0 < port < 65_536
        assert packet.endswith(bytes(data))


@given(HOSTS, st.integers(1, 65_535), st.binary(max_size=100))
def test_a_clients_datagram_is_unwrapped(host, port, data):
    assert unwrap(wrapped(host, port, data)) == (host, port, memoryview(data))


@pytest.mark.parametrize(
    "packet",
    [
        b"\0\0\x01" + wrapped("192.0.2.1", 53, b"x")[3:],  # a fragment
        b"\0\x01\0" + wrapped("192.0.2.1", 53, b"x")[3:],
        wrapped("192.0.2.1", 0, b"x"),
        b"\0\0\0\x02" + bytes(20),
        b"",
    ],
)
def test_what_rfc_1928_lets_a_relay_drop_is_dropped(packet):
    assert unwrap(packet) is None


def test_an_answer_is_wrapped_with_its_source():
    assert wrap("192.0.2.1", 53, b"x") == b"\0\0\0\x01\xc0\x00\x02\x01\x00\x35x"
    assert wrap("::1", 53, b"")[3:20] == b"\x04" + bytes(15) + b"\x01"
    assert wrap("no.address", 53, b"x") is None


def test_datagrams_travel_both_ways_without_anybody_waiting():
    pair = StreamPair()
    pair.origin.flows.send(datagram(b"question", host="example.com"))
    pair.settle()
    pair.exit.flows.send(datagram(b"answer"))
    pair.settle()
    assert pair.exit_events.datagrams == [(1, "example.com", 53, b"question")]
    assert pair.origin_events.datagrams == [(1, "192.0.2.1", 53, b"answer")]
    pair.origin.flows.end(1)
    pair.settle()
    assert pair.exit_events.flow_ends == [1]


def test_what_is_sent_without_a_route_is_lost_and_what_comes_after_it_is_not():
    pair = StreamPair()
    pair.origin.flows.send(datagram(b"on its way"))
    pair.cut()
    pair.origin.flows.send(datagram(b"nowhere to go"))
    pair.attach()
    pair.settle()
    pair.origin.flows.send(datagram(b"after"))
    pair.settle()
    assert [data for _, _, _, data in pair.exit_events.datagrams] == [b"after"]


def test_any_size_up_to_the_largest_fits_one_package_at_every_hint():
    for hint in range(16):
        pair = StreamPair(hint=hint)
        sent = bytes(DATAGRAM_SIZE_MAX)
        pair.origin.flows.send(datagram(sent, host="x" * 255))
        pair.settle()
        assert [len(data) for _, _, _, data in pair.exit_events.datagrams] == [len(sent)]


def test_a_flood_of_datagrams_leaves_streams_every_second_package():
    pair = StreamPair()
    stream = pair.connected_stream()
    pair.exit.write(stream, bytes(200_000))
    for _ in range(50):
        pair.exit.flows.send(datagram(bytes(32_000)))
    before = pair.exit._streams[stream].outbound.sent
    packages = [pair.exit.next_package() for _ in range(6)]
    assert pair.exit._streams[stream].outbound.sent - before > 2 * 30_000
    for package in packages:
        pair.origin.receive(memoryview(package))
    assert len(pair.origin_events.datagrams) >= 2


def test_more_than_can_leave_makes_the_oldest_go():
    queue = DatagramQueue()
    for number in range(20):
        queue.push(datagram(bytes([number]) * 32_000))
    frame, size = queue.pop(room=40_000, allowed=40_000)
    assert size == 32_000
    kept = QUEUE_SIZE_MAX // len(frame)
    assert queue.dropped == 20 - kept
    assert frame.endswith(bytes([20 - kept]) * 32_000)


def test_what_is_on_its_way_is_bounded_by_the_window_of_all_streams():
    pair = StreamPair()
    sent = 0
    for _ in range(200):
        pair.exit.flows.send(datagram(bytes(30_000)))
        sent += pair.exit.next_package() is not None
    assert sent == ASSOCIATION_WINDOW_MIN // 30_000
    assert pair.exit.flows.dropped > 100


def test_an_end_that_sends_more_datagrams_than_allowed_breaks_the_rules():
    pair = StreamPair()
    frame = datagram(bytes(32_000)).to_bytes()
    pair.origin.next_package()
    pair.exit._credit.give = lambda size: None  # as if no ACK had ever left
    for _ in range(ASSOCIATION_WINDOW_MIN // 32_000):
        pair.exit.receive(memoryview(frame))
    with pytest.raises(StreamProtocolError, match="allowed"):
        pair.exit.receive(memoryview(frame))

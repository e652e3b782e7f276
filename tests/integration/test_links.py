"""Links over real TLS."""

import asyncio
import shutil
import ssl

import pytest

from masq_kernel.bus.messages.router import DialFailed, GossipReceived, LinkClosed, LinkOpened
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.rates import DEFAULT_RATES
from masq_kernel.units import UnixSeconds
from masq_router.links import link as link_module
from masq_router.links.admission import PER_ADDRESS_MAX
from masq_router.links.cover import PADDING_BURST, Cover
from masq_router.metering import Counter, Meter
from masq_router.onion import Direction, hop_layer
from masq_router.sessions import Port, RelaySession
from masq_router.wire.frames import FrameType
from support.mesh_peer import CLOCK, MeshPeer
from support.routes import DEV

SECRET = bytes([5]) * 32
TAG = b"link-tag"


@pytest.fixture
async def peers():
    async with asyncio.TaskGroup() as tasks:
        made = [await MeshPeer(number, tasks).start() for number in range(3)]
        yield made
        for peer in made:
            peer.stop()
        await asyncio.sleep(0.05)


async def linked(alice, bob):
    alice.dial(bob)
    await alice.told.wait_for(LinkOpened)
    await bob.told.wait_for(LinkOpened)
    return alice.mesh.pool.get(bob.node_id), bob.mesh.pool.get(alice.node_id)


async def test_both_sides_know_whom_they_are_linked_with(peers):
    alice, bob, _ = peers
    ours, theirs = await linked(alice, bob)
    assert alice.told.events == [LinkOpened(peer=bob.node_id, address="127.0.0.1", inbound=False)]
    assert bob.told.events == [LinkOpened(peer=alice.node_id, address="127.0.0.1", inbound=True)]
    assert ours.peer == bob.node_id
    assert theirs.peer == alice.node_id


async def test_gossip_of_any_size_arrives_in_order_both_ways(peers):
    alice, bob, _ = peers
    await linked(alice, bob)
    payloads = [bytes([index % 256]) * size for index, size in enumerate((0, 1, 500, 65_536) * 20)]
    for payload in payloads:
        assert alice.mesh.send_gossip(bob.node_id, payload)
        assert bob.mesh.send_gossip(alice.node_id, payload)
    await bob.told.wait_for(GossipReceived, count=len(payloads))
    await alice.told.wait_for(GossipReceived, count=len(payloads))
    assert [event.payload for event in bob.told.of(GossipReceived)] == payloads
    assert [event.payload for event in alice.told.of(GossipReceived)] == payloads


async def test_gossip_to_a_stranger_is_not_sent(peers):
    alice, bob, _ = peers
    assert not alice.mesh.send_gossip(bob.node_id, b"hello")


async def test_dialling_again_tells_again_and_opens_nothing(peers):
    alice, bob, _ = peers
    link, _ = await linked(alice, bob)
    alice.dial(bob)
    assert len(alice.told.of(LinkOpened)) == 2
    assert alice.mesh.pool.get(bob.node_id) is link


async def test_a_closed_link_is_told_on_both_sides(peers):
    alice, bob, _ = peers
    await linked(alice, bob)
    alice.mesh.close_link(bob.node_id, "no longer wanted")
    assert (await alice.told.wait_for(LinkClosed)).reason == "no longer wanted"
    assert (await bob.told.wait_for(LinkClosed)).peer == alice.node_id
    assert len(alice.mesh.pool) == len(bob.mesh.pool) == 0


async def test_when_both_dial_at_once_both_keep_the_same_connection(peers):
    alice, bob, _ = peers
    for _ in range(10):
        alice.dial(bob)
        bob.dial(alice)
        await asyncio.sleep(0.15)
        ours, theirs = alice.mesh.pool.get(bob.node_id), bob.mesh.pool.get(alice.node_id)
        assert ours is not None
        assert theirs is not None
        assert ours.inbound != theirs.inbound
        count = len(bob.told.of(GossipReceived))
        assert alice.mesh.send_gossip(bob.node_id, b"still there?")
        await bob.told.wait_for(GossipReceived, count=count + 1)
        closed = len(alice.told.of(LinkClosed))
        alice.mesh.close_link(bob.node_id, "again")
        await alice.told.wait_for(LinkClosed, count=closed + 1)
        await asyncio.sleep(0.02)


async def test_a_node_that_is_another_than_wanted_is_refused(peers):
    alice, bob, carol = peers
    alice.dial(bob, port=carol.port)
    failed = await alice.told.wait_for(DialFailed)
    assert failed.peer == bob.node_id
    assert carol.told.events == []
    assert len(alice.mesh.pool) == len(carol.mesh.pool) == 0


async def test_nobody_there_is_told_with_its_port(peers):
    alice, bob, _ = peers
    bob.listener.stop()
    await asyncio.sleep(0.05)
    alice.dial(bob)
    failed = await alice.told.wait_for(DialFailed)
    assert f"port {bob.port}" in failed.reason


async def test_a_listener_without_tls_is_told(peers):
    alice, bob, _ = peers
    server = await asyncio.start_server(
        lambda _, writer: writer.write(b"hello\r\n" * 20), "127.0.0.1"
    )
    alice.dial(bob, port=server.sockets[0].getsockname()[1])
    failed = await alice.told.wait_for(DialFailed)
    assert failed.peer == bob.node_id
    server.close()


async def test_a_man_in_the_middle_is_noticed_by_both(peers):
    """He ends both TLS connections and passes every byte on unchanged."""
    alice, bob, carol = peers
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    async def pass_on(reader, writer):
        upstream = await asyncio.open_connection("127.0.0.1", bob.port, ssl=context)
        await asyncio.gather(copy(reader, upstream[1]), copy(upstream[0], writer))

    async def copy(reader, writer):
        while data := await reader.read(65_536):
            writer.write(data)
        writer.close()

    middle = await asyncio.start_server(
        pass_on, "127.0.0.1", ssl=carol.certificate.context, start_serving=True
    )
    alice.dial(bob, port=middle.sockets[0].getsockname()[1])
    await alice.told.wait_for(DialFailed)
    assert bob.told.events == []
    assert len(alice.mesh.pool) == len(bob.mesh.pool) == 0
    middle.close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
async def test_a_browser_gets_a_web_servers_answer_and_learns_nothing(peers):
    bob = peers[1]
    process = await asyncio.create_subprocess_exec(
        "curl", "-sk", "-i", "--max-time", "5", f"https://127.0.0.1:{bob.port}/",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert output.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert output.endswith(b"</html>")
    assert b"masq" not in output.lower()


async def test_a_hello_for_another_node_gets_the_same_answer(peers):
    alice, bob, carol = peers
    answers = []
    for hello in (b"GET / HTTP/1.1\r\n\r\n", make_hello(alice, carol), make_hello(bob, bob)):
        answers.append(await answer_to(bob.port, hello))
    assert len(set(answers)) == 1
    assert answers[0].startswith(b"HTTP/1.1 404")


def make_hello(dialler, wanted):
    body = bytes([1]) + dialler.node_id.raw + wanted.node_id.raw + bytes(32)
    return len(body).to_bytes(3, "big") + bytes([1]) + body


async def answer_to(port, data):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    writer.write(data)
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return answer


async def test_old_tls_is_refused(peers):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("127.0.0.1", peers[0].port, ssl=context)


async def test_who_says_nothing_is_let_go(peers, monkeypatch):
    monkeypatch.setattr(link_module, "UNPROVEN_S", 0.2)
    assert await answer_to(peers[0].port, b"") == b""


async def test_one_address_has_only_so_many_connections(peers):
    bob = peers[1]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    opened = [
        await asyncio.open_connection("127.0.0.1", bob.port, ssl=context)
        for _ in range(PER_ADDRESS_MAX)
    ]
    assert await is_turned_away(bob.port, context)
    for _, writer in opened:
        writer.close()
    await asyncio.sleep(0.1)
    assert (await answer_to(bob.port, b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 404")


async def is_turned_away(port, context):
    try:
        reader, _ = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        return await asyncio.wait_for(reader.read(1), 2) == b""
    except (ConnectionError, ssl.SSLError):
        return True


async def test_a_flood_of_gossip_ends_the_link_and_nothing_else(peers):
    alice, bob, carol = peers
    await linked(alice, bob)
    carol.dial(bob)
    await carol.told.wait_for(LinkOpened)
    for _ in range(3_000):
        alice.mesh.send_gossip(bob.node_id, b"flood")
    closed = await bob.told.wait_for(LinkClosed)
    assert closed.peer == alice.node_id
    assert "flood" in closed.reason
    assert closed.misconduct
    assert bob.mesh.pool.get(carol.node_id) is not None


async def test_a_link_that_ends_in_order_is_nobodys_misconduct(peers):
    alice, bob, _ = peers
    await linked(alice, bob)
    alice.mesh.close_link(bob.node_id, "no longer wanted")
    for peer in (alice, bob):
        assert not (await peer.told.wait_for(LinkClosed)).misconduct


async def test_who_never_gets_through_tls_holds_no_more_places_than_others(peers):
    """Connections are counted from the first packet on, not from the end of the TLS handshake."""
    bob = peers[1]
    silent = [await asyncio.open_connection("127.0.0.1", bob.port) for _ in range(PER_ADDRESS_MAX)]
    reader, writer = await asyncio.open_connection("127.0.0.1", bob.port)
    assert await asyncio.wait_for(reader.read(), 2) == b""
    for _, one in (*silent, (reader, writer)):
        one.close()
    await asyncio.sleep(0.1)
    assert bob.mesh._admission._by_site == {}


async def test_an_address_that_keeps_failing_to_prove_itself_is_not_heard_any_more(peers):
    """With or without TLS; links that stand go on."""
    alice, bob, _ = peers
    await linked(alice, bob)
    for _ in range(15):
        reader, writer = await asyncio.open_connection("127.0.0.1", bob.port)
        writer.write(b"this is no TLS\r\n" * 20)
        await hear(reader)
        writer.close()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    assert await is_turned_away(bob.port, context)
    assert bob.mesh.refused_connections >= 3
    assert bob.mesh.pool.get(alice.node_id).is_open


async def hear(reader):
    try:
        return await asyncio.wait_for(reader.read(), 2)
    except ConnectionError:
        return b""


async def test_a_peer_that_asks_for_more_gossip_than_it_takes_loses_the_link(peers, monkeypatch):
    alice, bob, _ = peers
    _, theirs = await linked(alice, bob)
    monkeypatch.setattr(link_module, "GOSSIP_WAITING_MAX", 1 << 20)
    alice.mesh.pool.get(bob.node_id)._transport.pause_reading()
    for _ in range(200):
        bob.mesh.send_gossip(alice.node_id, bytes(60_000))
        await asyncio.sleep(0)
    assert not theirs.is_open


@pytest.mark.parametrize(
    "frame",
    [
        b"\xff\xff\xff\x02",  # longer than any frame
        b"\x00\x00\x01\x63x",  # a type that does not exist
        b"\x00\x00\x61\x01" + bytes(97),  # HELLO once more
        b"\x00\x00\x05\x03hello",  # a SETUP of another size
    ],
)
async def test_a_frame_against_the_rules_ends_the_link(peers, frame):
    alice, bob, _ = peers
    ours, _ = await linked(alice, bob)
    ours._transport.write(frame)
    closed = await bob.told.wait_for(LinkClosed)
    assert "broke the protocol" in closed.reason


def relay_session_of(peer, link):
    """Enter a relay session at TAG of this link; return it and what it forwards."""
    counter, forwarded = Counter(), []
    meter = Meter(
        session_id=bytes(16),
        side="provided",
        service="routing",
        wallet=WalletAddress(bytes(20)),
        rates=DEFAULT_RATES,
        counters=(counter,),
    )
    session = RelaySession(
        session_id=bytes(16),
        expires_at=UnixSeconds(1 << 40),
        direction=Direction.OVER,
        layer=hop_layer(DEV, SECRET),
        counter=counter,
        meter=meter,
        forward=forwarded.append,
    )
    port = Port(session=session, link=link, tag=TAG, is_upstream=True)
    assert peer.live.begin(session, port)
    return session, forwarded


async def test_data_with_any_changed_bit_of_its_tag_goes_nowhere_and_harms_nothing(peers):
    alice, bob, _ = peers
    ours, theirs = await linked(alice, bob)
    session, forwarded = relay_session_of(bob, theirs)
    package = hop_layer(DEV, SECRET).seal(b"inner")
    for bit in range(8 * len(TAG)):
        changed = bytearray(TAG)
        changed[bit // 8] ^= 1 << bit % 8
        ours.send_data(bytes(changed), package)
    for size in range(len(TAG)):
        ours._send(FrameType.DATA, TAG[:size])  # not even a whole tag
    ours.send_data(TAG, package)
    await until(lambda: forwarded)
    assert forwarded == [b"inner"]
    assert session in bob.live.table
    assert bob.mesh.pool.get(alice.node_id) is theirs


async def test_data_with_a_changed_bit_ends_its_session_and_not_the_link(peers):
    alice, bob, _ = peers
    ours, theirs = await linked(alice, bob)
    session, forwarded = relay_session_of(bob, theirs)
    package = bytearray(hop_layer(DEV, SECRET).seal(b"inner"))
    package[3] ^= 1
    ours.send_data(TAG, bytes(package))
    await until(lambda: session not in bob.live.table)
    assert forwarded == []
    assert alice.mesh.send_gossip(bob.node_id, b"still there?")
    await bob.told.wait_for(GossipReceived)


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


async def test_the_round_trip_is_measured(peers):
    alice, bob, _ = peers
    ours, _ = await linked(alice, bob)
    alice.mesh.tick()
    async with asyncio.timeout(5):
        while ours.heartbeat.rtt_s is None:
            await asyncio.sleep(0.01)
    assert 0 < ours.heartbeat.rtt_s < 1


async def test_a_new_certificate_serves_new_links_and_leaves_the_old_alone(peers):
    alice, bob, carol = peers
    await linked(alice, bob)
    bob.certificate = carol.certificate
    await bob.start()
    carol.dial(bob)
    await carol.told.wait_for(LinkOpened)
    assert bob.mesh.pool.get(alice.node_id).is_open
    assert CLOCK.unix() > 0


async def test_links_at_rest_carry_cover_both_ways_and_busy_ones_none():
    async with asyncio.TaskGroup() as tasks:
        cover = [Cover(rate=200_000.0), Cover(rate=200_000.0)]
        alice, bob = [
            await MeshPeer(number, tasks, cover=cover[number]).start() for number in range(2)
        ]
        ours, theirs = await linked(alice, bob)
        await asyncio.sleep(1.0)
        for sender, receiver in (cover, reversed(cover)):
            assert 50_000 < sender.sent < 400_000
            assert abs(sender.sent - receiver.received) < 50_000
        assert ours.bytes_out > cover[0].sent
        assert theirs.bytes_in > cover[1].received

        before = cover[0].sent
        for _ in range(20):  # far more than cover would be: nobody knows the tag, nothing is amiss
            ours.send_data(TAG, bytes(32_768))
            await asyncio.sleep(0.05)
        assert cover[0].sent - before < 20_000
        alice.stop()
        bob.stop()
        await asyncio.sleep(0.05)


async def test_a_flood_of_padding_ends_the_link(peers):
    alice, bob, _ = peers
    ours, _ = await linked(alice, bob)
    for _ in range(2 * int(PADDING_BURST) // 60_000):
        ours._send(FrameType.PADDING, bytes(60_000))
    closed = await bob.told.wait_for(LinkClosed)
    assert closed.misconduct
    assert "flood of padding" in closed.reason

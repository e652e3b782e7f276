"""Client to server and back through real routers: relay, relay, exit; back over other relays."""

import asyncio
import hashlib
from base64 import b64encode
from functools import partial

import pytest

from masq_kernel.bus import subjects
from masq_kernel.rates import RatePack
from masq_kernel.units import Wei
from masq_router.wire.frames import TeardownReason
from support.router_mesh import RouterMesh
from support.socks_client import socks_connect
from support.traffic import digest_all, echo, fetch_pattern, pattern, pour, send_pattern, serving

OVER, BACK = [1, 2, 3], [4, 5]
EXIT = 3


@pytest.fixture
async def mesh(tmp_path):
    async with asyncio.TaskGroup() as tasks:
        running = await RouterMesh.start(tmp_path, 6, tasks)
        await running.link_and_route(OVER, BACK)
        yield running
        await running.stop()


async def open_stream(mesh, port, **options):
    code, reader, writer = await socks_connect(mesh.client.proxy_port, "127.0.0.1", port, **options)
    assert code == 0
    return reader, writer


async def test_an_upload_arrives_whole_and_half_close_is_kept(mesh):
    async with serving(digest_all) as port:
        reader, writer = await open_stream(mesh, port)
        content = pattern(3_000_000)
        writer.write(content)
        writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), 30)
    assert answer == hashlib.sha256(content).digest()


async def test_twenty_downloads_at_once_arrive_whole(mesh):
    async with serving(send_pattern) as port:
        contents = await asyncio.gather(
            *(
                fetch_pattern(mesh.client.proxy_port, port, seed, 500_000 + seed)
                for seed in range(20)
            )
        )
    assert contents == [pattern(500_000 + seed, seed) for seed in range(20)]
    assert len(mesh.client.wishes) == 1


async def test_both_books_agree_to_the_wei(mesh):
    async with serving(echo) as port:
        reader, writer = await open_stream(mesh, port)
        for size in (1, 500, 5_000, 100_000):
            writer.write(pattern(size))
            assert await asyncio.wait_for(reader.readexactly(size), 10) == pattern(size)
        writer.close()
        await reader.read()
        await asyncio.sleep(0.3)
    consumed = await mesh.client.settled_usage()
    assert {entry.side for entry in consumed} == {"consumed"}
    for index in OVER + BACK:
        node = mesh.nodes[index]
        provided = await node.settled_usage()
        ours = [entry for entry in consumed if entry.wallet == node.earning]
        assert {entry.wallet for entry in provided} == {mesh.client.consuming}
        assert {entry.session_id for entry in provided} == {entry.session_id for entry in ours}
        for measure in (packages_of, size_of, amount_of):
            assert measure(provided) == measure(ours) > 0
        services = {"exit"} if index == EXIT else {"routing"}
        assert {entry.service for entry in [*provided, *ours]} == services


def packages_of(entries):
    return sum(entry.packages for entry in entries)


def size_of(entries):
    return sum(entry.size for entry in entries)


def amount_of(entries):
    return sum(int(entry.amount) for entry in entries)


async def test_a_quiet_stream_stays(mesh):
    async with serving(echo) as port:
        reader, writer = await open_stream(mesh, port)
        writer.write(b"before")
        assert await reader.readexactly(6) == b"before"
        await asyncio.sleep(8)  # longer than the silence after which routes are probed
        writer.write(b"after")
        assert await asyncio.wait_for(reader.readexactly(5), 5) == b"after"
        writer.close()


async def test_a_server_that_refuses_is_told_as_such(mesh):
    async with serving(echo) as port:
        pass
    code, _, _ = await socks_connect(mesh.client.proxy_port, "127.0.0.1", port)
    assert code == 5


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [
        ("10.1.2.3", 80, 2),  # private
        ("169.254.169.254", 80, 2),  # a cloud's metadata
        ("203.0.113.7", 25, 2),  # mail
        ("no-such-host.invalid", 80, 4),
        ("localhost", 80, 4),
    ],
)
async def test_what_the_exit_does_not_carry_has_its_socks_code(mesh, host, port, expected):
    code, _, _ = await socks_connect(mesh.client.proxy_port, host, port)
    assert code == expected


async def test_without_a_route_the_client_is_told(mesh):
    mesh.client.route = None
    code, _, _ = await socks_connect(mesh.client.proxy_port, "127.0.0.1", 80)
    assert code == 3


async def test_a_server_that_closes_at_once_is_seen_at_once(mesh):
    async def close(reader, writer):
        pass

    async with serving(close) as port:
        reader, writer = await open_stream(mesh, port)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


async def test_a_client_that_leaves_is_seen_by_the_server(mesh):
    left = asyncio.Event()

    async def wait(reader, writer):
        try:
            while await reader.read(1000):
                pass
        finally:
            left.set()

    async with serving(wait) as port:
        _, writer = await open_stream(mesh, port)
        writer.transport.abort()
        await asyncio.wait_for(left.wait(), 5)


async def test_other_credentials_never_share_a_circuit(mesh):
    async with serving(echo) as port:
        streams = [
            await open_stream(mesh, port, credentials=pair)
            for pair in (None, ("a", "b"), ("a", "c"), ("a", "b"))
        ]
        sessions = await mesh.client.ask(subjects.SESSIONS)
        over = [each for each in sessions.sessions if each.direction == "over"]
        assert len(over) == 3
        assert len({each.session_id for each in over}) == 3
        for _, writer in streams:
            writer.close()


async def test_credentials_isolate_http_clients_too_and_are_the_same_for_socks(mesh):
    async with serving(echo) as port:
        streams = [await open_stream(mesh, port, credentials=("a", "b"))]
        for pair in (b"a:b", b"a:c"):
            reader, writer = await asyncio.open_connection("127.0.0.1", mesh.client.proxy_port)
            credentials = b64encode(pair)
            writer.write(
                b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nProxy-Authorization: Basic %s\r\n\r\n"
                % (port, credentials)
            )
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
            streams.append((reader, writer))
        sessions = await mesh.client.ask(subjects.SESSIONS)
        over = [each for each in sessions.sessions if each.direction == "over"]
        assert len(over) == 2
        for _, writer in streams:
            writer.close()


async def test_sessions_are_shown_with_role_and_cost(mesh):
    async with serving(echo) as port:
        reader, writer = await open_stream(mesh, port)
        writer.write(b"hello")
        await reader.readexactly(5)
        ours = (await mesh.client.ask(subjects.SESSIONS)).sessions
        assert [(each.role, each.direction) for each in ours] == [
            ("origin", "over"),
            ("origin", "back"),
        ]
        assert ours[0].hops == tuple(mesh.nodes[index].node_id for index in OVER)
        assert ours[1].hops == tuple(mesh.nodes[index].node_id for index in BACK)
        relays = (await mesh.nodes[1].ask(subjects.SESSIONS)).sessions
        assert [each.role for each in relays] == ["relay"]
        assert relays[0].hops == ()
        exits = (await mesh.nodes[EXIT].ask(subjects.SESSIONS)).sessions
        assert [each.role for each in exits] == ["exit"]
        assert int(exits[0].amount) > 0
        writer.close()


async def test_a_client_that_does_not_read_stops_the_server_and_fills_no_hop(mesh):
    sent = 0

    def on_sent(size):
        nonlocal sent
        sent = size

    async with serving(partial(pour, on_sent=on_sent)) as port:
        _, writer = await open_stream(mesh, port, limit=1 << 16)
        seen = -1
        while seen != sent:
            seen = sent
            await asyncio.sleep(0.5)
        assert sent < 16_000_000, "the server was stopped by the windows and socket buffers"
        for node in mesh.nodes:
            queued = sum(link.egress.queued_size for link in node.router.mesh.pool)
            assert queued <= 2_000_000
        other = await open_stream(mesh, port)
        assert await asyncio.wait_for(other[0].readexactly(1_000_000), 10)
        writer.transport.abort()
        other[1].transport.abort()


async def test_a_price_that_has_risen_is_refused_and_tried_again_in_vain(mesh):
    gate = mesh.nodes[2].router.setups.gate
    gate.rates = RatePack(
        routing_byte=Wei(10**12),
        routing_service=Wei(10**12),
        exit_byte=Wei(10**12),
        exit_service=Wei(10**12),
    )
    async with serving(echo) as port:
        code, _, _ = await socks_connect(mesh.client.proxy_port, "127.0.0.1", port)
    assert code == 1
    assert mesh.nodes[2].router.setups.counts.refused == {
        TeardownReason.REFUSED_PRICE.name.lower(): 3
    }


@pytest.mark.parametrize(("over", "back"), [([1], []), ([1, 2], [3]), ([1, 2, 3, 4], [5])])
async def test_other_lengths_of_routes(tmp_path, over, back):
    async with asyncio.TaskGroup() as tasks:
        mesh = await RouterMesh.start(tmp_path, 6, tasks)
        await mesh.link_and_route(over, back)
        async with serving(digest_all) as port:
            reader, writer = await open_stream(mesh, port)
            writer.write(b"short way")
            writer.write_eof()
            answer = await asyncio.wait_for(reader.read(), 10)
        assert answer == hashlib.sha256(b"short way").digest()
        await mesh.stop()


@pytest.mark.parametrize(
    "request_head",
    [
        b"CONNECT [2606:4700::1%" + b"z" * 300 + b"]:443 HTTP/1.1\r\n\r\n",
        b"\x05\x01\x00\x05\x01\x00\x03\x10"
        + "2606:4700::1%é".encode().ljust(16, b"x")
        + b"\x00\x50",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"\x04\x01\x00\x50\x01\x02\x03\x04\x00",
    ],
)
async def test_a_strange_client_is_turned_away_and_the_next_is_served(mesh, request_head):
    reader, writer = await asyncio.open_connection("127.0.0.1", mesh.client.proxy_port)
    writer.write(request_head)
    assert await asyncio.wait_for(reader.read(), 5)
    async with serving(echo) as port:
        reader, writer = await open_stream(mesh, port)
        writer.write(b"hello")
        assert await asyncio.wait_for(reader.readexactly(5), 5) == b"hello"
        writer.close()

"""Whole routers: whatever happens to relays, clients and servers see a pause at most."""

import asyncio
import hashlib
import time

import pytest

from masq_kernel.bus import subjects
from masq_kernel.bus.messages.router import RouteLost
from masq_router.exit.detached import DETACHED_HOLD_S
from masq_router.streams.windows import WINDOW_MAX
from masq_router.wire.frames import TeardownReason
from support.router_mesh import RouterMesh
from support.socks_client import socks_connect
from support.traffic import digest_all, echo, pattern, send_pattern, serving

CLIENT, EXIT, OTHER_EXIT = 0, 5, 6
FIRST = ([1, 2, EXIT], [3, 4])
OTHERS = [([3, 4, EXIT], [2, 1]), ([1, 2, EXIT], [1, 2]), ([3, 4, EXIT], [3, 4])]
SIZE = 40_000_000


@pytest.fixture
async def mesh(tmp_path, request):
    options = getattr(request, "param", {})
    async with asyncio.TaskGroup() as tasks:
        running = await RouterMesh.start(tmp_path, 7, tasks, **options)
        await running.offer(FIRST, *OTHERS)
        yield running
        await running.stop()


async def connect(mesh, port):
    code, reader, writer = await socks_connect(
        mesh.client.proxy_port, "127.0.0.1", port, limit=1 << 20
    )
    assert code == 0
    return reader, writer


class Download:
    """A transfer under way; `at` waits for so many bytes, `finish` for all of them."""

    def __init__(self, reader, writer, size):
        self._reader, self._writer, self._size = reader, writer, size
        self.content = bytearray()
        self.stall_s = 0.0

    async def at(self, size):
        async with asyncio.timeout(60):
            while len(self.content) < size:
                began = time.monotonic()
                data = await self._reader.read(1 << 18)
                assert data, f"ended after {len(self.content)} bytes"
                self.stall_s = max(self.stall_s, time.monotonic() - began)
                self.content += data

    async def finish(self):
        await self.at(self._size)
        return bytes(self.content)

    def close(self):
        self._writer.close()


async def begin_download(mesh, port, *, seed=1, size=SIZE):
    reader, writer = await connect(mesh, port)
    writer.write(bytes([seed]) + size.to_bytes(4, "big"))
    return Download(reader, writer, size)


async def upload(mesh, port, content, *, half_way):
    """Send `content` in pieces with `half_way` in the middle; return the server's hash of it."""
    reader, writer = await connect(mesh, port)
    middle = len(content) // 2
    for begin in range(0, len(content), 1 << 20):
        writer.write(content[begin : begin + (1 << 20)])
        await writer.drain()
        if begin <= middle < begin + (1 << 20):
            half_way()
    writer.write_eof()
    return await asyncio.wait_for(reader.read(), 60)


def outcomes(mesh):
    return mesh.client.router.origin.healer.outcomes


@pytest.mark.parametrize("victim", FIRST[0][:-1] + FIRST[1])
async def test_a_download_survives_the_death_of_any_relay(mesh, victim):
    async with serving(send_pattern) as port:
        download = await begin_download(mesh, port)
        await download.at(SIZE // 3)
        mesh.nodes[victim].kill()
        assert await download.finish() == pattern(SIZE, 1)
    assert outcomes(mesh)["healed"] == 1
    assert download.stall_s < 2


@pytest.mark.parametrize("victim", FIRST[0][:-1] + FIRST[1])
async def test_an_upload_survives_the_death_of_any_relay(mesh, victim):
    content = pattern(SIZE)
    async with serving(digest_all) as port:
        answer = await upload(mesh, port, content, half_way=mesh.nodes[victim].kill)
    assert answer == hashlib.sha256(content).digest()
    assert outcomes(mesh)["healed"] == 1


async def test_many_streams_of_one_association_survive_together(mesh):
    async with serving(send_pattern) as port:
        size = SIZE // 10
        downloads = [await begin_download(mesh, port, seed=seed, size=size) for seed in range(20)]
        assert len(mesh.client.wishes) == 1
        await asyncio.gather(*(each.at(size // 4) for each in downloads))
        mesh.nodes[2].kill()
        contents = await asyncio.gather(*(each.finish() for each in downloads))
    assert contents == [pattern(size, seed) for seed in range(20)]
    assert outcomes(mesh) == {"healed": 1}


async def test_half_closed_streams_survive_in_both_directions(mesh):
    """One has uploaded all and waits for the answer; one has its answer and still uploads."""
    release = asyncio.Event()

    async def answer_late(reader, writer):
        content = await reader.read(-1)
        await release.wait()
        writer.write(content)
        await writer.drain()

    async def end_early(reader, writer):
        writer.write_eof()
        content = await reader.read(-1)
        uploaded.set_result(content)

    uploaded = asyncio.get_running_loop().create_future()
    content = pattern(3_000_000)
    async with serving(answer_late) as late, serving(end_early) as early:
        late_reader, late_writer = await connect(mesh, late)
        late_writer.write(content)
        late_writer.write_eof()
        early_reader, early_writer = await connect(mesh, early)
        assert await asyncio.wait_for(early_reader.read(), 10) == b""
        early_writer.write(content[:1_000_000])
        mesh.nodes[1].kill()
        release.set()
        early_writer.write(content[1_000_000:])
        early_writer.write_eof()
        assert await asyncio.wait_for(late_reader.read(-1), 30) == content
        assert await asyncio.wait_for(uploaded, 30) == content


async def test_one_death_after_another(mesh):
    async with serving(send_pattern) as port:
        download = await begin_download(mesh, port)
        for round_ in range(4):
            await download.at((round_ + 1) * SIZE // 5)
            over = current_over(mesh)
            mesh.nodes[over[0]].link(mesh.nodes[over[1]]).close("the test")
            await mesh.offer(FIRST, *OTHERS)  # links that broke are dialled again
        assert await download.finish() == pattern(SIZE, 1)
    assert outcomes(mesh)["healed"] == 4


def current_over(mesh):
    hops = next(iter(mesh.client.router.origin._circuits)).hops
    return [
        index for hop in hops[:3] for index, node in enumerate(mesh.nodes) if node.node_id == hop
    ]


async def test_a_death_during_re_attachment_costs_another_attempt(mesh):
    """The first route that gossip offers after the loss is dead too, and the second."""
    async with serving(send_pattern) as port:
        download = await begin_download(mesh, port)
        await download.at(SIZE // 3)
        mesh.nodes[3].kill()
        mesh.nodes[2].kill()
        await asyncio.sleep(0.3)
        mesh.client.offered[1:] = [await mesh.link([1, 4, EXIT], [4, 1])]
        assert await download.finish() == pattern(SIZE, 1)
    assert outcomes(mesh)["healed"] == 1


@pytest.mark.parametrize("victim", [1, 4])
async def test_a_relay_that_hangs_is_left(mesh, victim):
    async with serving(send_pattern) as port:
        download = await begin_download(mesh, port)
        await download.at(SIZE // 3)
        mesh.nodes[victim].hang()
        assert await download.finish() == pattern(SIZE, 1)
    assert outcomes(mesh)["healed"] == 1
    assert download.stall_s < 12
    print(f"\na hung relay: {download.stall_s:.1f} s")


async def test_a_dead_exit_cuts_streams_that_stand_and_new_ones_use_another(mesh):
    async with serving(echo) as port:
        reader, writer = await connect(mesh, port)
        writer.write(b"hello")
        await reader.readexactly(5)
        mesh.client.offered.append(await mesh.link([1, 2, OTHER_EXIT], [3, 4]))
        mesh.nodes[EXIT].kill()
        mesh.withdraw(EXIT)
        began = time.monotonic()
        other_reader, other_writer = await connect(mesh, port)
        assert time.monotonic() - began < 2
        other_writer.write(b"again")
        assert await asyncio.wait_for(other_reader.readexactly(5), 5) == b"again"
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), 10)
        assert time.monotonic() - began < 10
        other_writer.close()
    assert outcomes(mesh)["given_up"] == 1
    lost = [each.nodes for each in mesh.client.heard if isinstance(each, RouteLost)]
    assert lost[-1] == (mesh.nodes[EXIT].node_id,)


async def test_an_exit_that_was_restarted_does_not_know_the_streams(mesh):
    async with serving(echo) as port:
        reader, writer = await connect(mesh, port)
        writer.write(b"hello")
        await reader.readexactly(5)
        associations = mesh.nodes[EXIT].router.exit_side.associations
        associations._by_hash.clear()
        mesh.nodes[1].link(mesh.nodes[2]).close("the test")
        await mesh.offer(FIRST, *OTHERS)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), 5)
        assert associations.outcomes["unknown"] == 1
        async with asyncio.timeout(5):
            while outcomes(mesh)["forgotten"] == 0:
                await asyncio.sleep(0.01)


async def test_an_exit_lets_go_of_streams_whose_originator_does_not_come_back(mesh):
    cut = asyncio.Event()

    async def wait(reader, writer):
        try:
            await reader.read(-1)
        finally:
            cut.set()

    async with serving(wait) as port:
        _, writer = await connect(mesh, port)
        mesh.client.kill()
        side = mesh.nodes[EXIT].router.exit_side
        async with asyncio.timeout(5):
            while side.associations.detached_count == 0:
                await asyncio.sleep(0.01)
        assert side.stream_count == 1
        now = side._clock.monotonic()
        for streams in side.associations._detached.expired(now + DETACHED_HOLD_S + 1):
            side.associations._give_up(streams, "expired")
        await asyncio.wait_for(cut.wait(), 5)
        assert side.stream_count == 0
        writer.close()


@pytest.mark.parametrize("mesh", [{"session_lifetime_s": 4}], indirect=True)
async def test_routes_are_renewed_before_they_expire_and_nobody_notices(mesh):
    async with serving(echo) as port:
        reader, writer = await connect(mesh, port)
        worst = 0.0
        for number in range(200):
            began = time.monotonic()
            writer.write(pattern(3_000, number))
            assert await asyncio.wait_for(reader.readexactly(3_000), 5) == pattern(3_000, number)
            worst = max(worst, time.monotonic() - began)
            await asyncio.sleep(0.05)
        writer.close()
        await reader.read()
        await asyncio.sleep(3)
    assert outcomes(mesh)["renewed"] >= 2
    assert set(outcomes(mesh)) == {"renewed"}
    assert worst < 1
    assert not [each for each in mesh.client.heard if isinstance(each, RouteLost)]
    await check_books(mesh)


async def check_books(mesh):
    """Nothing was lost, so both sides agree to the wei."""
    consumed = await mesh.client.settled_usage()
    for node in mesh.nodes[1:6]:
        provided = await node.settled_usage()
        ours = [entry for entry in consumed if entry.wallet == node.earning]
        assert sum(int(each.amount) for each in provided) == sum(int(each.amount) for each in ours)


@pytest.mark.parametrize("victim", [2, 3])
async def test_books_differ_by_no_more_than_was_in_flight(mesh, victim):
    async with serving(send_pattern) as port:
        download = await begin_download(mesh, port)
        await download.at(SIZE // 3)
        mesh.nodes[victim].kill()
        await download.finish()
        download.close()
    consumed = await mesh.client.settled_usage()
    for node in mesh.nodes[1:6]:
        provided = await node.settled_usage()
        ours = [entry for entry in consumed if entry.wallet == node.earning]
        difference = sum(each.size for each in provided) - sum(each.size for each in ours)
        assert abs(difference) <= 1.1 * WINDOW_MAX
        assert provided


@pytest.mark.parametrize("mesh", [{"session_lifetime_s": 4}], indirect=True)
async def test_a_bulk_transfer_is_not_cut_by_renewals(mesh):
    async def trickle(reader, writer):
        content = pattern(20_000_000)
        for begin in range(0, len(content), 200_000):
            writer.write(content[begin : begin + 200_000])
            await writer.drain()
            await asyncio.sleep(0.08)

    async with serving(trickle) as port:
        reader, writer = await connect(mesh, port)
        assert await asyncio.wait_for(reader.read(-1), 60) == pattern(20_000_000)
        writer.close()
    assert outcomes(mesh)["renewed"] >= 2


async def test_while_there_is_no_route_both_sockets_feel_it_and_little_is_held(mesh):
    sent = 0

    async def pour(reader, writer):
        nonlocal sent
        while True:
            writer.write(bytes(1 << 16))
            await writer.drain()
            sent += 1 << 16

    async with serving(pour) as port:
        reader, writer = await connect(mesh, port)
        await reader.readexactly(1_000_000)
        offered, mesh.client.offered = mesh.client.offered, []
        mesh.nodes[1].link(mesh.nodes[2]).close("the test")
        await asyncio.sleep(1)
        before = sent
        await asyncio.sleep(1)
        assert sent - before < 1_000_000, "the server was stopped"
        mesh.client.offered = offered
        assert len(await asyncio.wait_for(reader.readexactly(20_000_000), 30)) == 20_000_000
        writer.close()


@pytest.mark.parametrize(
    ("has_wallet", "socks_code", "reason"),
    [(True, 3, "the test has chosen none"), (False, 1, "no consuming wallet is set")],
)
async def test_who_cannot_be_served_hears_it_at_once_and_the_operator_hears_why(
    mesh, has_wallet, socks_code, reason
):
    mesh.client.has_wallet = has_wallet
    if has_wallet:
        mesh.client.offered = []
    began = time.monotonic()
    code, _, _ = await socks_connect(mesh.client.proxy_port, "127.0.0.1", 80)
    assert code == socks_code
    assert time.monotonic() - began < 0.5
    status = await mesh.client.ask(subjects.ROUTER_STATUS)
    assert status.refusing == reason
    assert mesh.client.router.proxy.refusals.counts.total() == 1


async def test_an_exit_that_is_stopped_says_so_and_nobody_looks_for_it(mesh):
    async with serving(echo) as port:
        reader, writer = await connect(mesh, port)
        writer.write(b"hello")
        await reader.readexactly(5)
        began = time.monotonic()
        await mesh.nodes[EXIT].stop()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), 5)
        assert time.monotonic() - began < 2
        writer.close()
    assert outcomes(mesh)["given_up"] == 0


async def test_a_hop_that_drops_every_route_does_not_make_us_build_them_without_pause(mesh):
    async with serving(echo) as port:
        reader, writer = await connect(mesh, port)
        for _ in range(8):
            async with asyncio.timeout(5):
                while not (over := current_over(mesh)):
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            for link in mesh.nodes[over[0]].router.mesh.pool:
                sessions = list(mesh.nodes[over[0]].router.live.table.ports_on(link).values())
                for port_ in sessions:
                    mesh.nodes[over[0]].router.live.end(port_.session, TeardownReason.NEXT_HOP_GONE)
        assert len(mesh.client.wishes) < 60
        writer.write(b"still here")
        assert await asyncio.wait_for(reader.readexactly(10), 10) == b"still here"
        writer.close()


async def test_more_streams_than_an_association_holds_are_spread_over_two(mesh, monkeypatch):
    monkeypatch.setattr("masq_router.origin.circuit.STREAMS_MAX", 3)
    async with serving(echo) as port:
        streams = [await connect(mesh, port) for _ in range(5)]
        circuits = list(mesh.client.router.origin._circuits)
        assert [circuit.stream_count for circuit in circuits] == [3, 2]
        for _, writer in streams:
            writer.close()

"""Whole routers under more than they take: whoever asks for most is cut, links and others stay."""

import asyncio
import hashlib
from contextlib import suppress
from functools import partial

import pytest

from masq_kernel.bus.messages.router import HostFailed
from support.router_mesh import RouterMesh
from support.socks_client import socks_connect
from support.traffic import echo, fetch_pattern, pattern, pour, send_pattern, serving

CLIENT, EXIT, OTHER_EXIT = 0, 5, 6
FIRST = ([1, 2, EXIT], [3, 4])
OTHER = ([3, 4, OTHER_EXIT], [2, 1])
MEMORY_MIB = 16


@pytest.fixture
async def mesh(tmp_path):
    async with asyncio.TaskGroup() as tasks:
        running = await RouterMesh.start(tmp_path, 7, tasks, stream_memory_mib=MEMORY_MIB)
        await running.offer(FIRST, OTHER)
        yield running
        await running.stop()


def links(mesh):
    return sum(len(list(node.router.mesh.pool)) for node in mesh.nodes)


async def greet(reader, writer):
    writer.write(b"hello")
    assert await asyncio.wait_for(reader.readexactly(5), 10) == b"hello"


async def test_a_full_exit_is_left_for_another_and_the_host_is_not_blamed(mesh):
    mesh.nodes[EXIT].router.exit_side._counts._streams_max = 1
    async with serving(echo) as port:
        writers = []
        for _ in range(3):
            code, reader, writer = await socks_connect(mesh.client.proxy_port, "127.0.0.1", port)
            assert code == 0
            await greet(reader, writer)
            writers.append(writer)
        served = [mesh.nodes[number].router.exit_side.stream_count for number in (EXIT, OTHER_EXIT)]
        for writer in writers:
            writer.close()
    assert served == [1, 2]
    assert not [each for each in mesh.client.heard if isinstance(each, HostFailed)]


async def stall(mesh, port, user):
    """Let a server pour over a circuit of one's own, and read nothing."""
    code, _, writer = await socks_connect(
        mesh.client.proxy_port, "127.0.0.1", port, credentials=(user, "x"), limit=1 << 12
    )
    assert code == 0
    return writer


async def test_whoever_pins_most_of_an_exits_memory_is_cut_and_the_others_go_on(mesh):
    before = links(mesh)
    exit_side = mesh.nodes[EXIT].router.exit_side
    endless = partial(pour, on_sent=lambda sent: None)
    async with serving(endless) as poured, serving(send_pattern) as asked:
        pinning = [await stall(mesh, poured, f"greedy {number}") for number in range(40)]
        async with asyncio.timeout(30):
            while not exit_side.associations.outcomes["overload"]:
                await asyncio.sleep(0.05)
        content = await fetch_pattern(mesh.client.proxy_port, asked, 5, 200_000)
        await asyncio.sleep(2.5)
        held, alive = exit_side.associations.held_size, len(exit_side.associations)
        for writer in pinning:
            writer.transport.abort()
    assert hashlib.sha256(content).digest() == hashlib.sha256(pattern(200_000, 5)).digest()
    assert held <= MEMORY_MIB << 20
    assert alive >= 10
    assert links(mesh) == before


async def test_clients_that_pin_most_of_our_own_memory_are_cut_and_the_others_go_on(mesh):
    origin = mesh.client.router.origin
    is_over = asyncio.Event()

    async def take_nothing(reader, _):
        with suppress(RuntimeError):
            reader._transport.pause_reading()
        await is_over.wait()

    async with (
        serving(take_nothing) as deaf,
        serving(echo) as hearing,
        asyncio.TaskGroup() as tasks,
    ):
        writers = [await stall(mesh, deaf, f"greedy {number}") for number in range(40)]
        pouring = [tasks.create_task(pour_until_cut(writer)) for writer in writers]
        await asyncio.wait(pouring, timeout=20, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(1.0)
        cut = sum(task.done() for task in pouring)
        held = sum(circuit.association.held_size for circuit in origin._circuits)
        code, reader, writer = await socks_connect(mesh.client.proxy_port, "127.0.0.1", hearing)
        assert code == 0
        await greet(reader, writer)
        writer.close()
        is_over.set()
        for each in writers:
            each.transport.abort()
    assert 0 < cut < 40
    assert held <= MEMORY_MIB << 20


async def pour_until_cut(writer):
    with suppress(ConnectionError, RuntimeError):  # the latter from uvloop, of what is gone
        while True:
            writer.write(bytes(1 << 16))
            await writer.drain()

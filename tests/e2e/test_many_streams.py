"""A thousand streams at once, and thousands one after another: nothing stays behind.

What is held before and after is printed (`pytest -s`). Hours at full load are `make soak`.
"""

import asyncio
import os
import time

import pytest
import pytest_asyncio

from support.leaks import held_by
from support.process_mesh import started_mesh
from support.socks_client import socks_connect
from support.traffic import echo, pattern, serving

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
]

AT_ONCE = 1_000
ONE_BY_ONE = int(os.environ.get("MASQ_SEQUENTIAL_STREAMS", "10000"))
SETTLE_S = 60.0
GROWTH_MB_MAX = 64.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory):
    async with started_mesh(tmp_path_factory.mktemp("many")) as mesh:
        await use(mesh.proxy_port, 20)  # what is made once is there
        yield mesh


async def use(proxy_port, count):
    async with serving(echo) as port:
        for number in range(count):
            await exchange(proxy_port, port, number)


async def exchange(proxy_port, port, number):
    code, reader, writer = await socks_connect(proxy_port, "127.0.0.1", port)
    assert code == 0
    said = pattern(300, number % 256)
    writer.write(said)
    assert await asyncio.wait_for(reader.readexactly(300), 60) == said
    writer.close()


async def settled(running, before):
    """Wait until streams and tasks are as few as before, and their last ACKs have arrived."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        after = await held_by(running)
        streams = after.counts["client_streams"] + after.counts["exit_streams"]
        held = after.counts["exit_held_bytes"]
        if not streams and not held and after.counts["tasks"] <= before.counts["tasks"] + 10:
            return after
        assert time.monotonic() < deadline, f"before: {before}; still: {after}"
        await asyncio.sleep(0.5)


def check(before, after):
    assert after.counts["tasks"] <= before.counts["tasks"] + 10
    assert after.counts["sessions"] <= before.counts["sessions"] + 20  # a route or two were renewed
    assert after.counts["exit_held_bytes"] == 0
    assert after.fds <= before.fds + 20
    assert after.rss_mb <= before.rss_mb + GROWTH_MB_MAX


async def test_a_thousand_streams_at_once(running):
    before = await held_by(running)
    gate, ready = asyncio.Event(), asyncio.Semaphore(0)

    async def hold(port, number):
        code, reader, writer = await socks_connect(running.proxy_port, "127.0.0.1", port)
        assert code == 0
        said = pattern(2_000, number % 256)
        writer.write(said)
        assert await reader.readexactly(2_000) == said
        ready.release()
        await gate.wait()
        writer.write(said)
        assert await reader.readexactly(2_000) == said
        writer.close()

    async with serving(echo) as port, asyncio.timeout(120), asyncio.TaskGroup() as tasks:
        for number in range(AT_ONCE):
            tasks.create_task(hold(port, number))
        for _ in range(AT_ONCE):
            await ready.acquire()
        during = await held_by(running)
        gate.set()
    after = await settled(running, before)
    print(f"\nbefore: {before}\nduring: {during}\nafter:  {after}")
    assert during.counts["client_streams"] == during.counts["exit_streams"] == AT_ONCE
    check(before, after)


async def test_thousands_one_after_another(running):
    before, began = await held_by(running), time.monotonic()
    await use(running.proxy_port, ONE_BY_ONE)
    taken = time.monotonic() - began
    after = await settled(running, before)
    each = taken / ONE_BY_ONE * 1_000
    print(f"\n{ONE_BY_ONE} streams, {each:.1f} ms each\nbefore: {before}\nafter:  {after}")
    check(before, after)

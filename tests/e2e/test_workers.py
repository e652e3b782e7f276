"""Nodes whose router is several real processes: work is shared, and each dies alone."""

import asyncio
import hashlib
import io
import os
import signal
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from support.process_mesh import started_mesh
from support.socks_client import socks_connect
from support.traffic import echo, send_pattern, serving
from support.wounds import PLACES, Flow, Surgeon, digest_of, paced_server, read_flow, socks

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
]

NODES = 6
WORKERS = 3
STREAMS = 12
SIZE = 3_000_000
DOWNLOAD = 200_000_000
PACE_S = 0.005
"""Between two pieces of 64 KiB: about 10 MB/s."""

STALL_MAX_S = 5.0
LOST_MAX = 0.05
"""Of what is owed: a process that is killed takes the usage of its last quarter of a second along,
and each package that was between two books."""

BAN_S = 1.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workers")
    async with started_mesh(folder, count=NODES, workers=WORKERS) as mesh:
        for node in mesh.mesh.nodes:
            await until(lambda node=node: is_whole(node), 60)
        yield mesh


async def until(condition, timeout_s):
    async with asyncio.timeout(timeout_s):
        while not await condition():
            await asyncio.sleep(0.1)


async def workers_of(node):
    return {each["pid"]: each for each in (await node.describe()).get("workers", ())}


async def is_whole(node):
    """Whether all workers run and each has a link with each neighbor."""
    described = await node.describe()
    workers = described.get("workers", ())
    return len(workers) == WORKERS and all(
        each["links"] >= described["neighbors"] for each in workers
    )


async def route_of_its_own(running, number, port):
    """Connect as a client with whom no other shares a route."""
    code, reader, writer = await socks_connect(
        running.proxy_port, "127.0.0.1", port, credentials=(f"user{number}", "pass")
    )
    assert code == 0
    return reader, writer


async def fetch(running, number, port):
    reader, writer = await route_of_its_own(running, number, port)
    writer.write(bytes([number]) + SIZE.to_bytes(4, "big"))
    digest = hashlib.sha256()
    while data := await reader.read(1 << 16):
        digest.update(data)
    writer.close()
    return digest.digest()


@asynccontextmanager
async def open_streams(running, port):
    """So many streams, each over a route of its own."""
    async with AsyncExitStack() as stack:
        for number in range(STREAMS):
            _, writer = await route_of_its_own(running, 100 + number, port)
            stack.callback(writer.close)
        yield


def digest_of_pattern(seed):
    block = hashlib.shake_128(bytes([seed])).digest(65_536)
    return hashlib.sha256((block * (SIZE // len(block) + 1))[:SIZE]).digest()


async def test_downloads_are_whole_and_all_processes_have_work(running):
    async with serving(send_pattern) as port:
        digests = await asyncio.gather(*(fetch(running, each, port) for each in range(STREAMS)))
    assert digests == [digest_of_pattern(each) for each in range(STREAMS)]
    async with serving(echo) as port, open_streams(running, port):
        await asyncio.sleep(1.5)  # each tells the others every second
        busy = {
            node.number: [each["sessions"] for each in (await workers_of(node)).values()]
            for node in running.mesh.nodes
        }
    print(f"\nsessions by node and worker: {busy}")
    at_work = [sum(count > 0 for count in counts) for counts in busy.values()]
    assert max(at_work) == WORKERS
    assert sum(at_work) > NODES
    for node in running.mesh.nodes:
        neighbors = await node.api.items("/v1/neighbors")
        names = [each["node_id"] for each in neighbors]
        assert len(set(names)) == len(names) == (await node.describe())["neighbors"]
        assert all(each["links"] >= WORKERS for each in neighbors)


async def kill_a_worker(node, pid):
    """Kill one process of a node; return what the others had before, and have now."""
    before = await workers_of(node)
    os.kill(pid, signal.SIGKILL)
    await until(lambda: is_gone(node, pid), 5)
    now = await workers_of(node)
    return before, now


async def is_gone(node, pid):
    return pid not in await workers_of(node)


async def busiest(node):
    workers = await workers_of(node)
    return max(workers, key=lambda pid: workers[pid]["sessions"])


async def test_a_killed_process_takes_only_its_own_links_along(running):
    stopped, flow, surgeon, stalls = asyncio.Event(), Flow(), Surgeon(running), []
    async with serving(paced_server(PACE_S, stopped)) as port:
        reader, writer = await socks(running, port)
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(read_flow(reader, flow))
            for place in (PLACES[0], PLACES[2]):
                await asyncio.sleep(1.5)
                victim = await surgeon.victim(place)
                known_to = await running.others_know(victim)
                flow.begin()
                before, now = await kill_a_worker(victim, await busiest(victim))
                assert len(now) >= WORKERS - 1
                for pid in now.keys() & before.keys():
                    assert psutil.pid_exists(pid)
                    assert now[pid]["links"] >= before[pid]["links"] - 1
                assert await running.others_know(victim) == known_to, "its node is still there"
                await asyncio.sleep(3)
                stalls.append(flow.stall_s)
                await until(lambda victim=victim: is_whole(victim), 30)
            while flow.size < DOWNLOAD:
                assert not reading.done(), "the stream died"
                await asyncio.sleep(0.1)
            stopped.set()
        writer.close()
    print(f"\n{flow.size / 1e6:.0f} MB, stalls {', '.join(f'{each:.2f} s' for each in stalls)}")
    assert flow.digest.digest() == digest_of(flow.size)
    assert max(stalls) < STALL_MAX_S
    await until(lambda: nearly_agree(running), 20)


async def nearly_agree(running):
    books = await running.mesh.books(running.client)
    return books.owed > 0 and all(
        abs(share.owed - share.earned) <= LOST_MAX * books.owed for share in books.shares
    )


async def test_streams_that_a_killed_process_held_are_cut_and_the_others_go_on(running):
    client = running.client
    async with serving(echo) as port:
        streams = [await route_of_its_own(running, 200 + each, port) for each in range(STREAMS)]
        assert all([await answers(*stream) for stream in streams])
        await asyncio.sleep(1.5)  # each process tells the others every second
        workers = await workers_of(client)
        victim = max(workers, key=lambda pid: workers[pid]["streams"])
        held = workers[victim]["streams"]
        assert 0 < held < STREAMS
        os.kill(victim, signal.SIGKILL)
        began = time.monotonic()
        going_on = [await answers(*stream) for stream in streams]
        again = [await route_of_its_own(running, 250 + each, port) for each in range(WORKERS)]
        assert all([await answers(*stream) for stream in again])
        took_s = time.monotonic() - began
        for _, writer in streams + again:
            writer.close()
    print(f"\n{held} of {STREAMS} streams were cut, new ones stood after {took_s:.2f} s")
    assert going_on.count(False) == held
    assert took_s < STALL_MAX_S
    await until(lambda: is_whole(client), 30)


async def answers(reader, writer):
    """Whether a stream still carries bytes there and back."""
    try:
        writer.write(b"ping")
        return await asyncio.wait_for(reader.readexactly(4), STALL_MAX_S) == b"ping"
    except (asyncio.IncompleteReadError, ConnectionError, RuntimeError):
        return False


async def test_a_ban_reaches_all_processes_within_a_second(running):
    async with serving(echo) as port, open_streams(running, port):
        node = await a_relay_with_all_at_work(running)
        wallet = running.client.made.consuming.text
        await node.api.call("PUT", f"/v1/bans/wallets/{wallet}", {"decision": "ban", "note": ""})
        began = time.monotonic()
        await until(lambda: serves_nobody(node), BAN_S + 5)
        took_s = time.monotonic() - began
        await node.api.call("DELETE", f"/v1/bans/wallets/{wallet}")
    print(f"\nthe ban had ended every session after {took_s:.2f} s")
    assert took_s < BAN_S


async def a_relay_with_all_at_work(running):
    async with asyncio.timeout(20):
        while True:
            for node in running.mesh.nodes:
                workers = await workers_of(node)
                busy = [each for each in workers.values() if each["sessions"]]
                if node is not running.client and len(busy) >= 2:
                    return node
            await asyncio.sleep(0.2)


async def serves_nobody(node):
    return not await node.api.items("/v1/sessions")


async def test_a_process_that_is_started_alone_joins_in(running):
    node = next(each for each in running.mesh.nodes if each is not running.client)
    known = set(await workers_of(node))
    config = running.folder_of(node) / "masq.toml"
    process = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("masq")), "service", "router"),
        *("--config", str(config)),
        env=environment_of(known),
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await until(lambda: has_links(node, process.pid), 20)
        async with serving(echo) as port, asyncio.timeout(60):
            number = 0
            while not (await workers_of(node))[process.pid]["sessions"]:
                _, writer = await route_of_its_own(running, 300 + number, port)
                await asyncio.sleep(0.5)
                writer.close()
                number += 1
        assert known < set(await workers_of(node))
    finally:
        process.terminate()
        code = await asyncio.wait_for(process.wait(), 15)
    assert code == 0
    await until(lambda: is_gone(node, process.pid), 3)
    assert known == set(await workers_of(node))


async def has_links(node, pid):
    described = await node.describe()
    own = next((each for each in described["workers"] if each["pid"] == pid), None)
    return own is not None and own["links"] >= described["neighbors"]


def environment_of(pids):
    """What the node's own router processes were started with: it has the passphrase."""
    return psutil.Process(next(iter(pids))).environ()


async def test_metrics_count_each_process_once(running):
    for node in running.mesh.nodes:
        described = await node.describe()
        text = await metrics_of(node)
        [links] = [line for line in text.splitlines() if line.startswith("masq_router_links ")]
        assert float(links.split()[1]) == pytest.approx(described["links"], abs=2)
        assert text.count("# TYPE masq_router_links gauge") == 1


async def metrics_of(node):
    text = io.StringIO()
    await node.api.pour("/metrics", text)
    return text.getvalue()

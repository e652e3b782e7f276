"""What goes wrong around streams of real processes: services that die or stop, and bad lines.

Each transfer ends whole, and no process grows by more than GROWTH_MAX. Seconds and sizes are
printed (`pytest -s`).
"""

import asyncio
import hashlib
import re
import time

import pytest
import pytest_asyncio

from support.dropped_packets import require_packet_filter
from support.leaks import metrics_of
from support.process_mesh import started_mesh
from support.processes import processes_of
from support.slow_wire import slow_wires
from support.socks_client import socks_connect
from support.traffic import fetch_pattern, pattern, send_pattern, serving
from support.wounds import Flow, Surgeon, digest_of, paced_server, read_flow, socks

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
]

NODES = 7
PACE_S = 0.01
"""Between two pieces of 64 KiB: about 6 MB/s."""

GROWTH_MAX = 96 << 20
"""Bytes: full windows in and out, the sockets' buffers, and what an allocator keeps."""

IN_FLIGHT_SHARE = 0.03
"""A window of the hundreds of megabytes that come in a minute."""

STOPPED_S = 60.0
BACK_S = 40.0
DELAY_S, LOSS_PERCENT = 0.1, 1
SLOW_RATE = 1_000_000
LONG_WAY, SLOW_WAY = 40_000_000, 5_000_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory):
    async with started_mesh(tmp_path_factory.mktemp("troubles"), count=NODES) as mesh:
        yield mesh


class Sizes:
    """Resident memory of all routers and accountants, before and after."""

    def __init__(self, running):
        found = processes_of(running.folder, "masq_router")
        found += processes_of(running.folder, "masq_accountant")
        self._before = {process: process.memory_info().rss for process in found}

    def check(self):
        """Return the largest growth in MB of those that still run."""
        growth = [
            process.memory_info().rss - before
            for process, before in self._before.items()
            if process.is_running()
        ]
        assert max(growth) < GROWTH_MAX
        return max(growth) / 1e6


class Transfer:
    """A paced download that goes on until `finish`."""

    async def __aenter__(self):
        self.flow, self._stopped = Flow(), asyncio.Event()
        self._serving = serving(paced_server(PACE_S, self._stopped))
        port = await self._serving.__aenter__()
        reader, self._writer = await socks(self.running, port)
        self._reading = asyncio.create_task(read_flow(reader, self.flow))
        await asyncio.sleep(1)
        return self

    def __init__(self, running):
        self.running = running

    async def finish(self):
        """Let it end, and compare every byte."""
        self._stopped.set()
        await asyncio.wait_for(self._reading, 60)
        assert self.flow.digest.digest() == digest_of(self.flow.size)

    async def __aexit__(self, *_):
        self._stopped.set()
        self._reading.cancel()
        self._writer.close()
        await self._serving.__aexit__(None, None, None)


async def nodes_on_the_way(running):
    """The client's node, its first relay and its exit."""
    hops = (await Surgeon(running).hops())["over"]
    by_id = {node.node_id: node for node in running.mesh.nodes}
    return [running.client, by_id[hops[0]], by_id[hops[-1]]]


@pytest.mark.parametrize("service", ["nats-server", "masq_gossip"])
async def test_a_service_of_any_node_on_the_way_may_be_killed(running, service):
    sizes = Sizes(running)
    async with Transfer(running) as transfer:
        for node in await nodes_on_the_way(running):
            before = transfer.flow.size
            [victim] = processes_of(running.folder_of(node), service)
            victim.kill()
            await asyncio.sleep(5)
            assert transfer.flow.size > before + 1_000_000
            await until_there(running, node, service)
        await transfer.finish()
    stall_s = transfer.flow.stall_s
    print(f"\n{service} killed three times: longest pause {stall_s:.1f} s")
    assert stall_s < 20
    sizes.check()


async def until_there(running, node, service):
    async with asyncio.timeout(BACK_S):
        while not processes_of(running.folder_of(node), service):
            await asyncio.sleep(0.2)


@pytest.mark.slow
async def test_accountants_may_stop_for_a_minute(running):
    sizes, healed_before = Sizes(running), await healed(running)
    async with Transfer(running) as transfer:
        stopped = [
            processes_of(running.folder_of(node), "masq_accountant")[0]
            for node in await nodes_on_the_way(running)
        ]
        transfer.flow.begin()
        for accountant in stopped:
            accountant.suspend()
        try:
            await asyncio.sleep(STOPPED_S)
            size, stall_s = transfer.flow.size, transfer.flow.stall_s
        finally:
            for accountant in stopped:
                accountant.resume()
        await transfer.finish()
    grown = sizes.check()
    print(
        f"\nthree accountants stopped for a minute: {size / 1e6:.0f} MB came meanwhile,"
        f" longest pause {stall_s:.1f} s, growth {grown:.0f} MB"
    )
    assert size > 100_000_000
    assert stall_s < 10
    await books_agree(running, healed_before)


async def books_agree(running, healed_before):
    """What was used while they slept is in the books of both sides.

    To the wei, unless a route was lost on a busy machine: then what was on its way differs.
    """
    deadline = time.monotonic() + 60
    while True:
        books = await running.mesh.books(running.client)
        lost = abs(books.owed - books.earned) / books.owed
        if books.agree or (await healed(running) > healed_before and lost < IN_FLIGHT_SHARE):
            return
        assert time.monotonic() < deadline, f"owed {books.owed}, earned {books.earned}"
        await asyncio.sleep(1)


async def healed(running):
    """How often the client's streams have changed their route because it was lost."""
    text = await metrics_of(running.client)
    found = re.search(r'(?m)^masq_router_circuits_changed_total{outcome="healed"} (\S+)$', text)
    return float(found[1]) if found else 0.0


@pytest.mark.parametrize(
    ("line", "size"),
    [
        ({"delay_s": DELAY_S, "loss_percent": LOSS_PERCENT}, LONG_WAY),
        ({"rate": SLOW_RATE}, SLOW_WAY),
    ],
    ids=["delay and loss", "1 MB/s"],
)
async def test_transfers_end_whole_over_bad_lines(running, line, size):
    require_packet_filter()
    client = running.client
    others = [place_of(node) for node in running.mesh.nodes if node is not client]
    async with slow_wires(place_of(client), others, **line) as losses:
        await new_links(running)
        sizes, began = Sizes(running), time.monotonic()
        async with serving(send_pattern) as port:
            content = await asyncio.wait_for(fetch_pattern(running.proxy_port, port, 5, size), 120)
        taken = time.monotonic() - began
        ways = losses()
    grown = sizes.check()
    print(
        f"\n{size / 1e6:.0f} MB in {taken:.1f} s, growth {grown:.0f} MB;"
        f" packets that came and were dropped, each way: {ways}"
    )
    assert hashlib.sha256(content).digest() == hashlib.sha256(pattern(size, 5)).digest()
    assert len(ways) == (2 if "loss_percent" in line else 0)
    assert all(dropped > 0 for _, dropped in ways)
    await new_links(running)


def place_of(node):
    return node.plan.address, node.plan.port


async def new_links(running):
    """Restart the client's router, so that all its links are new, and wait for a route over them.

    Links that the others had are noticed as lost one by one, by what is tried over them; until then
    a client may be told that there is no way, and tries again.
    """
    surgeon = Surgeon(running)
    surgeon.router_of(running.client).kill()
    await asyncio.sleep(1)
    await surgeon.until_back(running.client)
    async with serving(send_pattern) as port, asyncio.timeout(BACK_S):
        while await was_refused(running, port):
            await asyncio.sleep(0.5)


async def was_refused(running, port):
    code, _, writer = await socks_connect(running.proxy_port, "127.0.0.1", port)
    writer.close()
    return code != 0

"""What happens to nodes, and how long the neighborhood takes to be whole again: real processes.

The seconds are printed (`pytest -s`); the bounds are generous, since machines are busy.
"""

import asyncio
import re
import time

import pytest
import pytest_asyncio

from support.process_mesh import started_mesh
from support.processes import processes_of
from support.traffic import fetch_pattern, pattern, send_pattern, serving

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

NODES = 7


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory):
    async with started_mesh(tmp_path_factory.mktemp("healing"), count=NODES) as mesh:
        yield mesh


def victim_of(running):
    """A node that is neither the client's nor the one of the only descriptor."""
    return next(each for each in running.mesh.nodes[1:] if each is not running.client)


async def seconds_until(condition, *, timeout_s):
    began = time.monotonic()
    async with asyncio.timeout(timeout_s):
        while not await condition():
            await asyncio.sleep(0.2)
    return time.monotonic() - began


async def traffic_flows(running):
    try:
        async with serving(send_pattern) as port:
            content = await fetch_pattern(running.proxy_port, port, 1, 200_000)
    except (AssertionError, ConnectionError, asyncio.IncompleteReadError):
        return False
    return content == pattern(200_000, 1)


async def knowing(running, node, count):
    return await running.others_know(node) == count


async def test_a_node_that_dies_is_forgotten_and_traffic_goes_another_way(running):
    victim = victim_of(running)
    await running.processes_of(victim).kill()
    forgotten_s = await seconds_until(lambda: knowing(running, victim, 0), timeout_s=40)
    flows_s = await seconds_until(lambda: traffic_flows(running), timeout_s=40)
    print(f"\na dead node: forgotten after {forgotten_s:.1f} s, traffic after {flows_s:.1f} s more")


async def test_it_comes_back_under_the_same_key(running):
    victim = victim_of(running)
    await running.processes_of(victim).start()
    known_s = await seconds_until(lambda: knowing(running, victim, NODES - 1), timeout_s=60)
    usable_s = await seconds_until(lambda: is_connected(victim), timeout_s=60)
    assert await traffic_flows(running)
    print(f"\na restart: known to all after {known_s:.1f} s, connected {usable_s:.1f} s later")


async def is_connected(node):
    return (await node.describe()).get("stage") in ("connected", "routable")


async def test_it_comes_back_at_another_address(running):
    victim = victim_of(running)
    await running.processes_of(victim).kill()
    await seconds_until(lambda: knowing(running, victim, 0), timeout_s=40)
    config = running.folder_of(victim) / "masq.toml"
    old, new = victim.plan.address, "127.0.1.99"
    config.write_text(re.sub(rf'"{re.escape(old)}"', f'"{new}"', config.read_text()))
    await running.processes_of(victim).start()
    known_s = await seconds_until(lambda: knowing(running, victim, NODES - 1), timeout_s=60)
    addresses = set()
    for node in running.mesh.nodes:
        for neighbor in await node.api.items("/v1/neighbors"):
            if neighbor["node_id"] == victim.node_id:
                addresses.add(neighbor["address"])
    assert addresses == {new}
    print(f"\nanother address: known to all after {known_s:.1f} s")


async def test_a_node_that_stands_still_is_given_up_and_taken_back(running):
    victim = victim_of(running)
    frozen = processes_of(running.folder_of(victim))
    for process in frozen:
        process.suspend()
    gone_s = await seconds_until(lambda: knowing(running, victim, 0), timeout_s=60)
    assert await traffic_flows(running)
    for process in frozen:
        process.resume()
    back_s = await seconds_until(lambda: knowing(running, victim, NODES - 1), timeout_s=90)
    print(
        f"\na node that froze: given up after {gone_s:.1f} s, back {back_s:.1f} s after it thawed"
    )

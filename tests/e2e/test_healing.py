"""What happens to nodes, and how long the neighborhood takes to be whole again: real processes.

The seconds are printed (`pytest -s`); the bounds are generous, since machines are busy.
"""

import asyncio
import re
import socket
import time
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
import pytest_asyncio

from masq_router.origin.watch import PROBE_EVERY_S, SLOW_S
from support.dropped_packets import can_connect, packets_dropped, require_packet_filter
from support.process_mesh import started_mesh
from support.processes import processes_of
from support.traffic import fetch_pattern, pattern, send_pattern, serving

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="module"),
]

NODES = 7

LINK_TIMEOUT_S = 30.0
"""Silence after which a router gives a link up (protocol.md 3)."""

NOTICE_SLACK_S = 5.0
"""A router looks once a second; the rest is for telling gossip and for a busy machine."""

FROZEN_S = 120.0

PAUSE_MAX_S = PROBE_EVERY_S + SLOW_S + 5.0
"""Between two downloads: a route over the cut link is given up after such a silence."""


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
    except (AssertionError, ConnectionError, TimeoutError, asyncio.IncompleteReadError):
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
    await seconds_until(lambda: is_connected(victim), timeout_s=60)  # its API answers, too
    assert await addresses_of(running, victim) == {new}
    print(f"\nanother address: known to all after {known_s:.1f} s")


async def addresses_of(running, node):
    """Where its neighbors know this node."""
    listed = [await each.api.items("/v1/neighbors") for each in running.mesh.nodes]
    return {
        neighbor["address"]
        for items in listed
        for neighbor in items
        if neighbor["node_id"] == node.node_id
    }


async def test_its_address_changes_while_it_runs_and_a_restart_keeps_it(running):
    victim, new = victim_of(running), "127.0.1.98"
    assert not any_listener(new, victim.plan.port)
    shown = await victim.api.call("PUT", "/v1/node/address", {"address": new})
    assert shown == {"address": new, "ports": [victim.plan.port], "origin": "run time"}
    assert any_listener(new, victim.plan.port)
    moved_s = await seconds_until(lambda: is_at(running, victim, new), timeout_s=60)
    assert await traffic_flows(running)
    assert new in (await victim.describe())["descriptor"]
    assert not await bans_of(running)
    await running.processes_of(victim).stop()
    await seconds_until(lambda: knowing(running, victim, 0), timeout_s=40)
    await running.processes_of(victim).start()
    known_s = await seconds_until(lambda: is_at(running, victim, new), timeout_s=60)
    print(
        f"\nanother address at run time: three neighbors have it after {moved_s:.1f} s; after a "
        f"restart they have it again in {known_s:.1f} s"
    )


async def is_at(running, node, address):
    """Whether a node has three neighbors, everybody knows it, and it is nowhere else."""
    return (
        await are_whole(node)
        and await knowing(running, node, NODES - 1)
        and await addresses_of(running, node) == {address}
    )


async def bans_of(running):
    return [ban for node in running.mesh.nodes for ban in await node.api.items("/v1/bans")]


def any_listener(address, port):
    with socket.socket() as probe:
        return probe.connect_ex((address, port)) == 0


@pytest.mark.slow
@pytest.mark.timeout(360)
async def test_a_node_that_stands_still_for_two_minutes_is_given_up_and_taken_back(running):
    victim = victim_of(running)
    frozen = processes_of(running.folder_of(victim))
    began = time.monotonic()
    for process in frozen:
        process.suspend()
    try:
        gone_s = await seconds_until(lambda: knowing(running, victim, 0), timeout_s=60)
        assert await traffic_flows(running)
        await asyncio.sleep(FROZEN_S - (time.monotonic() - began))
    finally:
        for process in frozen:
            process.resume()
    back_s = await seconds_until(lambda: knowing(running, victim, NODES - 1), timeout_s=90)
    usable_s = await seconds_until(lambda: is_connected(victim), timeout_s=60)
    assert await traffic_flows(running)
    print(
        f"\na node that froze for {FROZEN_S:.0f} s: given up after {gone_s:.1f} s, known to all "
        f"{back_s:.1f} s after it thawed, connected {usable_s:.1f} s later"
    )


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_a_link_that_loses_its_packets_is_given_up_by_both_while_traffic_flows(running):
    require_packet_filter()
    one, other = await some_neighbors(running)
    ends = one.plan.address, other.plan.address
    port = other.plan.port
    assert can_connect(*ends, port)
    async with flowing(running) as downloads:
        with packets_dropped((ends[0], one.plan.port), (ends[1], port)) as cut:
            assert not can_connect(*ends, port)
            noticed_s = await asyncio.gather(
                seconds_until(lambda: has_let_go(one, other), timeout_s=60),
                seconds_until(lambda: has_let_go(other, one), timeout_s=60),
            )
            spread_s = await seconds_until(
                lambda: is_known_as_cut(running, one, other), timeout_s=20
            )
            await asyncio.sleep(5)
            packets = cut.dropped()
        assert can_connect(*ends, port)
        assert min(sum(packets[:2]), sum(packets[2:])) > 0  # either way
        whole_s = await seconds_until(lambda: are_whole(one, other), timeout_s=60)
    assert max(noticed_s) <= LINK_TIMEOUT_S + NOTICE_SLACK_S
    assert downloads.longest_pause_s() <= PAUSE_MAX_S
    assert downloads.done > downloads.lost
    are_linked_again = not await has_let_go(one, other)
    print(
        f"\na cut link, {sum(packets)} packets dropped: given up after {noticed_s[0]:.1f} and "
        f"{noticed_s[1]:.1f} s, known to all {spread_s:.1f} s later; {downloads.done} downloads "
        f"meanwhile, {downloads.lost} lost, the longest pause {downloads.longest_pause_s():.1f} s; "
        f"both have three neighbors {whole_s:.1f} s after the packets pass again, "
        f"{'each other' if are_linked_again else 'not each other'} among them"
    )


async def some_neighbors(running):
    """Two nodes with a full link: neither is the client's, and each could dial the other."""
    nodes = {each.node_id: each for each in running.mesh.nodes if each is not running.client}
    for node in nodes.values():
        for neighbor in await node.api.items("/v1/neighbors"):
            if neighbor["edge"] == "full" and neighbor["node_id"] in nodes:
                other = nodes[neighbor["node_id"]]
                if is_as_planned(running, node) and is_as_planned(running, other):
                    return node, other
    raise AssertionError("no two nodes besides the client's are linked")


def is_as_planned(running, node):
    """Whether the node is still where it was laid out; one has moved in a test above."""
    return f'"{node.plan.address}"' in (running.folder_of(node) / "masq.toml").read_text()


async def has_let_go(node, other):
    return all(item["node_id"] != other.node_id for item in await node.api.items("/v1/neighbors"))


async def is_known_as_cut(running, one, other):
    """Whether nobody's neighborhood shows the edge any more, in either direction."""
    for node in running.mesh.nodes:
        for item in await node.api.items("/v1/neighborhood"):
            for end, far in ((one, other), (other, one)):
                if item["node_id"] == end.node_id and far.node_id in item["neighbors"]:
                    return False
    return True


async def are_whole(*nodes):
    """Whether these nodes have three neighbors each."""
    described = [await node.describe() for node in nodes]
    return all(each.get("neighbors", 0) >= 3 for each in described)


class Downloads:
    """When downloads ended, and how."""

    def __init__(self):
        self.ends, self.done, self.lost = [time.monotonic()], 0, 0

    def longest_pause_s(self):
        return max(later - earlier for earlier, later in pairwise(self.ends))

    async def one(self, running):
        if await traffic_flows(running):
            self.ends.append(time.monotonic())
            self.done += 1
        else:
            self.lost += 1


@asynccontextmanager
async def flowing(running):
    """Start a download every half second while the context lasts."""
    downloads = Downloads()

    async def begin_them():
        async with asyncio.TaskGroup() as started:
            while True:
                started.create_task(downloads.one(running))
                await asyncio.sleep(0.5)

    async with asyncio.TaskGroup() as tasks:
        beginning = tasks.create_task(begin_them())
        yield downloads
        downloads.ends.append(time.monotonic())
        beginning.cancel()

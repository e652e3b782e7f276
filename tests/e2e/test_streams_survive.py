"""Real processes: relays are killed and frozen under transfers, and nobody but us sees it.

The seconds are printed (`pytest -s`); the goal for a killed relay is a stall of two seconds at p95
(make bench measures it over fifty kills), here each single one must stay below five.
"""

import asyncio
from functools import partial

import pytest
import pytest_asyncio

from support.process_mesh import started_mesh
from support.traffic import serving
from support.wounds import (
    PIECE,
    PLACES,
    Flow,
    Surgeon,
    digest_of,
    paced_server,
    read_flow,
    send_paced,
    socks,
    take_all,
)

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
]

PACE_S = 0.005
"""Between two pieces of 64 KiB: about 10 MB/s, so that a transfer outlasts four deaths."""

STALL_MAX_S = 5.0
FROZEN_STALL_MAX_S = 25.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory):
    async with started_mesh(tmp_path_factory.mktemp("survive"), count=8) as mesh:
        yield mesh


async def kill_each_in_turn(running, flow):
    """Kill the router of each relay, over and back; return the stalls."""
    surgeon, stalls = Surgeon(running), []
    for place in PLACES:
        victim = await surgeon.victim(place)
        flow.begin()
        surgeon.router_of(victim).kill()
        await asyncio.sleep(4)
        stalls.append(flow.stall_s)
        await surgeon.until_back(victim)
    return stalls


async def test_a_download_survives_the_kill_of_each_relay_in_turn(running):
    stopped, flow = asyncio.Event(), Flow()
    async with serving(paced_server(PACE_S, stopped)) as port:
        reader, writer = await socks(running, port)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(read_flow(reader, flow))
            stalls = await kill_each_in_turn(running, flow)
            stopped.set()
        writer.close()
    print(f"\ndownload of {flow.size / 1e6:.0f} MB, stalls {seconds(stalls)}")
    assert flow.digest.digest() == digest_of(flow.size)
    assert flow.size > 50_000_000
    assert max(stalls) < STALL_MAX_S


async def test_an_upload_survives_the_kill_of_each_relay_in_turn(running):
    stopped, flow = asyncio.Event(), Flow()
    async with serving(partial(take_all, arrived=flow.arrived)) as port:
        reader, writer = await socks(running, port)
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(send_paced(reader, writer, pace_s=PACE_S, stopped=stopped))
            stalls = await kill_each_in_turn(running, flow)
            stopped.set()
        writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), 60)
    print(f"\nupload of {flow.size / 1e6:.0f} MB, stalls {seconds(stalls)}")
    assert flow.size == sending.result() * PIECE > 50_000_000
    assert answer == digest_of(flow.size)
    assert max(stalls) < STALL_MAX_S


@pytest.mark.parametrize("place", [PLACES[1], PLACES[2]])
async def test_a_relay_that_is_stopped_is_left(running, place):
    stopped, flow, surgeon = asyncio.Event(), Flow(), Surgeon(running)
    async with serving(paced_server(PACE_S, stopped)) as port:
        reader, writer = await socks(running, port)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(read_flow(reader, flow))
            await asyncio.sleep(1)
            frozen = surgeon.router_of(await surgeon.victim(place))
            flow.begin()
            frozen.suspend()
            try:
                await asyncio.sleep(15)
                before, stall_s = flow.size, flow.stall_s
                await asyncio.sleep(1)
                assert flow.size > before, "it flows again while the relay is still stopped"
            finally:
                frozen.resume()
            stopped.set()
        writer.close()
    print(f"\na stopped relay, {place}: {stall_s:.1f} s")
    assert flow.digest.digest() == digest_of(flow.size)
    assert stall_s < FROZEN_STALL_MAX_S


def seconds(stalls):
    return ", ".join(f"{stall:.2f} s" for stall in stalls)

"""What a client feels when a relay under its download is killed: the longest gap in its bytes.

A mesh of real processes, a download of about 10 MB/s through relay, relay, exit and back over two
other relays, and `kill -9` of the router at each of these four places in turn, again and again;
after each kill the node comes back before the next one dies. Every byte is checked. The reference
is the goal of the design: two seconds at the 95th percentile; elsewhere the stream would have died.
"""

import asyncio
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import uvloop

from bench.figures import Figure, report
from support.process_mesh import started_mesh
from support.traffic import serving
from support.wounds import PLACES, Flow, Surgeon, digest_of, paced_server, read_flow, socks

NODES = 8
KILLS = 52
PACE_S = 0.005
WATCH_S = 3.0
"""How long the bytes are watched after a kill; a longer stall is waited for."""

GOAL_S = 2.0


async def kill_one(surgeon, place, flow):
    """Kill the router at this place; return the stall once bytes flow again."""
    victim = await surgeon.victim(place)
    flow.begin()
    before = flow.size
    surgeon.router_of(victim).kill()
    await asyncio.sleep(WATCH_S)
    async with asyncio.timeout(30):
        while flow.size == before:
            await asyncio.sleep(0.1)
    stall_s = flow.stall_s
    await surgeon.until_back(victim)
    return stall_s


async def main(kills):
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="masq-bench-")))
        print(f"starting a mesh of {NODES} nodes ...", flush=True)
        running = await stack.enter_async_context(started_mesh(folder, count=NODES))
        stopped, flow, stalls = asyncio.Event(), Flow(), []
        port = await stack.enter_async_context(serving(paced_server(PACE_S, stopped)))
        reader, writer = await socks(running, port)
        surgeon = Surgeon(running)
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(read_flow(reader, flow))
            for number in range(kills):
                place = PLACES[number % len(PLACES)]
                stalls.append(await kill_one(surgeon, place, flow))
                assert not reading.done(), "the stream died"
                print(f"kill {number + 1} of {kills}, {place}: {stalls[-1]:.2f} s", flush=True)
            stopped.set()
        writer.close()
    assert flow.digest.digest() == digest_of(flow.size), "bytes were lost, doubled or moved"
    print(f"{flow.size / 1e6:.0f} MB arrived whole over {kills} kills")
    report("stall", [*figures(sorted(stalls))])


def figures(stalls):
    for name, share in (("stall_p50", 0.5), ("stall_p95", 0.95), ("stall_max", 1.0)):
        value = stalls[min(len(stalls) - 1, int(len(stalls) * share))]
        yield Figure(name, value, "s", GOAL_S, GOAL_S / max(value, 1e-3))


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else KILLS))

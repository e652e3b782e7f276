"""How long a restart takes: SIGTERM, start, until a download through the node works.

The nodes of a mesh of real processes are restarted one after the other, whole, under their own
keys.
The clock runs from the first SIGTERM until the last byte of a download over three hops has come out
of the restarted node's proxy. The worst counts; the reference is the goal.
"""

import asyncio
import tempfile
import time
from pathlib import Path

import uvloop

from bench.figures import Figure, report
from support.process_mesh import started_mesh
from support.traffic import fetch_pattern, pattern, send_pattern, serving

NODES = 8
RESTARTS = 7
GOAL_S = 10.0
SIZE = 100_000
GIVE_UP_S = 120.0
RETRY_S = 0.1


async def downloads(node, port):
    """Say whether a download through this node works now."""
    try:
        async with asyncio.timeout(GOAL_S):
            content = await fetch_pattern(node.plan.proxy_port, port, 1, SIZE)
    except (AssertionError, ConnectionError, TimeoutError, asyncio.IncompleteReadError):
        return False
    return content == pattern(SIZE, 1)


async def until_it_downloads(node, port):
    async with asyncio.timeout(GIVE_UP_S):
        while not await downloads(node, port):
            await asyncio.sleep(RETRY_S)


async def restarted(running, node, port):
    """Restart a node; return the seconds of its stop and those until it is usable."""
    processes = running.processes_of(node)
    began = time.monotonic()
    await processes.stop()
    stopped = time.monotonic()
    await processes.start()
    await until_it_downloads(node, port)
    return stopped - began, time.monotonic() - began


async def main():
    with tempfile.TemporaryDirectory(prefix="masq-bench-") as folder:
        async with (
            started_mesh(Path(folder), count=NODES) as running,
            serving(send_pattern) as port,
        ):
            taken = []
            for node in running.mesh.nodes[:RESTARTS]:
                await until_it_downloads(node, port)
                stop_s, usable_s = await restarted(running, node, port)
                taken.append(usable_s)
                print(
                    f"node {node.number}: usable after {usable_s:.1f} s, "
                    f"{stop_s:.1f} s of it to stop",
                    flush=True,
                )
    worst = max(taken)
    report("restart", [Figure("restart_usable_s", worst, "s", GOAL_S, GOAL_S / worst)])


if __name__ == "__main__":
    uvloop.run(main())

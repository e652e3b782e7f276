"""A small request beside bulk transfers: what it waits, against what it takes alone.

One client asks for 20 kB again and again while eight others download over the same association
(the same credentials), then over associations of their own, which share its links and exit.
"""

import asyncio
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import uvloop

from bench.figures import Figure, report
from bench.ways import file_server, mesh_way, quantile

SMALL, REQUESTS = 20_000, 200
BULK, STREAMS = 1 << 30, 8
GOAL_MS = 250.0
"""At the 95th percentile: below what a person takes for an interruption."""


@asynccontextmanager
async def bulk(way, credentials):
    """Eight downloads that never end."""
    connections = [await way.connect(credentials(number)) for number in range(STREAMS)]
    reading = [asyncio.create_task(drain(*connection)) for connection in connections]
    await asyncio.sleep(1.0)
    try:
        yield
    finally:
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
        for _, writer in connections:
            writer.close()


async def drain(reader, writer):
    writer.write(BULK.to_bytes(4, "big"))
    while await reader.read(1 << 20):
        pass


async def main():
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="masq-bench-")))
        port = await stack.enter_async_context(file_server())
        print("starting a mesh of six nodes ...", flush=True)
        way = await stack.enter_async_context(mesh_way(folder, port))
        alone = await way.requests(SMALL, REQUESTS)
        async with bulk(way, lambda number: None):
            same = await way.requests(SMALL, REQUESTS)
        async with bulk(way, lambda number: (f"bulk{number}", "pass")):
            other = await way.requests(SMALL, REQUESTS)
    report("fairness", list(figures(alone, same, other)))


def figures(alone, same, other):
    yield Figure("small request alone, p50", quantile(alone, 0.5), "ms", 1.0, 1.0)
    for name, beside in (("the same association", same), ("eight others", other)):
        for share in (0.5, 0.95):
            value = quantile(beside, share)
            title = f"small request beside bulk on {name}, p{share * 100:.0f}"
            yield Figure(title, value, "ms", GOAL_MS, GOAL_MS / value)


if __name__ == "__main__":
    uvloop.run(main())

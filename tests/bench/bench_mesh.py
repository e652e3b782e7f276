"""Three hops of the product beside three hops of bare TLS relays, in one run.

The mesh is the demo's: six nodes of five real processes each. The reference is four processes
(origin, relay, relay, exit) that copy bytes over TLS 1.3 (chain_hop.py). Both carry the same bytes
from the same server to the same client, in turn, and the medians are compared.
"""

import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import uvloop

from bench.figures import Figure, report
from bench.ways import chain_way, file_server, median, mesh_way

BULK = 100_000_000
SMALL = 20_000
ROUNDS = 5
REQUESTS = 40


async def main():
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="masq-bench-")))
        port = await stack.enter_async_context(file_server())
        print("starting a mesh of six nodes, and four bare relays ...", flush=True)
        ours = await stack.enter_async_context(mesh_way(folder, port))
        bare = await stack.enter_async_context(chain_way(folder, port))
        rates, costs, latencies = {}, {}, {}
        for number in range(ROUNDS):
            print(f"round {number + 1} of {ROUNDS}", flush=True)
            for way in (bare, ours):
                rate, cost = await way.download(BULK)
                rates.setdefault(way, []).append(rate)
                costs.setdefault(way, []).append(cost)
                latencies.setdefault(way, []).extend(await way.requests(SMALL, REQUESTS))
    report(
        "mesh",
        list(figures(*((median(of[ours]), median(of[bare])) for of in (rates, costs, latencies)))),
    )


def figures(rates, costs, latencies):
    yield Figure("download over three hops", rates[0], "MB/s", rates[1], rates[0] / rates[1])
    yield Figure("CPU of all processes", costs[0], "ms/MB", costs[1], costs[1] / costs[0])
    ratio = latencies[1] / latencies[0]
    yield Figure("request of 20 kB, p50", latencies[0], "ms", latencies[1], ratio)


if __name__ == "__main__":
    uvloop.run(main())

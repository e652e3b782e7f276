"""What traffic costs where four router processes share each node's work, against one.

Two meshes of six nodes, one of each kind, carry the same bytes in turn over eight routes, so that
all processes have work. If a MB costs the same, processors add up.
"""

import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import uvloop

from bench.figures import Figure, report
from bench.ways import file_server, median, mesh_way

BULK = 200_000_000
STREAMS = ROUTES = 8
ROUNDS = 5
WORKERS = 4


async def main():
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(file_server())
        ways = []
        for workers in (1, WORKERS):
            print(f"starting a mesh of six nodes, router processes each: {workers} ...", flush=True)
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="masq-bench-"))
            way = mesh_way(Path(folder), port, workers=workers, name=f"{workers} each")
            ways.append(await stack.enter_async_context(way))
        rates, costs = {way: [] for way in ways}, {way: [] for way in ways}
        for number in range(ROUNDS):
            print(f"round {number + 1} of {ROUNDS}", flush=True)
            for way in ways:
                rate, cost = await way.download(BULK, streams=STREAMS, routes=ROUTES)
                rates[way].append(rate)
                costs[way].append(cost)
    one, four = ways
    rate, cost = median(rates[four]), median(costs[four])
    rate_of_one, cost_of_one = median(rates[one]), median(costs[one])
    report(
        "workers",
        [
            Figure("workers_cpu_4_over_1", cost, "ms/MB", cost_of_one, cost / cost_of_one),
            Figure("workers_throughput_4_over_1", rate, "MB/s", rate_of_one, rate / rate_of_one),
        ],
    )


if __name__ == "__main__":
    uvloop.run(main())

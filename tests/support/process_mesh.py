"""A mesh of real processes, and one of its nodes that has found routes."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

from masq_cli.demo.convergence import ConvergenceWatch
from masq_cli.demo.mesh import running_mesh
from masq_cli.demo.plan import lay_out
from masq_kernel.clock import SystemClock
from masq_kernel.entropy import OsEntropy

CLOCK = SystemClock()


class ProcessMesh:
    def __init__(self, mesh, client, folder):
        self.mesh, self.client, self.folder = mesh, client, folder
        self.proxy_port = client.plan.proxy_port

    def folder_of(self, node):
        return self.folder / f"node-{node.number}"

    def processes_of(self, node):
        return self.mesh.processes[node.number - 1]

    async def others_know(self, node):
        """Return how many of the other nodes have this one in their neighborhood."""
        others = [each for each in self.mesh.nodes if each is not node]
        known = await asyncio.gather(*(_neighborhood(each) for each in others))
        return sum(node.node_id in each for each in known)


async def _neighborhood(node):
    return {item["node_id"] for item in await node.api.items("/v1/neighborhood")}


@asynccontextmanager
async def started_mesh(folder, *, count=6, **options):
    laid_out = lay_out(count, folder, exit_rules=("accept 127.0.0.1:*",))
    plans = [replace(plan, **options) for plan in laid_out]
    async with running_mesh(
        plans, clock=CLOCK, entropy=OsEntropy(), on_event=lambda number, event: None
    ) as mesh:
        yield ProcessMesh(mesh, await settled_client(mesh), folder)


async def settled_client(mesh):
    watch = ConvergenceWatch()
    async with asyncio.timeout(60):
        while True:
            described = await mesh.describe()
            now = CLOCK.monotonic()
            watch.see([node.get("stage", "starting") for node in described], now)
            place = watch.client(now)
            if place is not None:
                return mesh.nodes[place]
            await asyncio.sleep(0.2)

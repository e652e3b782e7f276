"""What the processes of a mesh hold: memory, file descriptors, tasks, sessions, streams."""

import re
from dataclasses import dataclass

import httpx

from support.processes import processes_of

__all__ = ["Held", "held_by", "metrics_of"]

GAUGES = ("tasks", "sessions", "circuits", "client_streams", "exit_streams", "exit_held_bytes")


@dataclass
class Held:
    """All nodes of a mesh together; memory is that of the largest router.

    Args:
        rss_mb: of the router that has most.
        all_rss_mb: of all processes.
        fds: of all routers.
        counts: by gauge of the routers, summed up.
    """

    rss_mb: float
    all_rss_mb: float
    fds: int
    counts: dict

    def __str__(self):
        counts = ", ".join(f"{name} {value:.0f}" for name, value in self.counts.items())
        return (
            f"largest router {self.rss_mb:.0f} MB, all processes {self.all_rss_mb:.0f} MB,"
            f" file descriptors {self.fds}, {counts}"
        )


async def held_by(running):
    """Look now."""
    routers = processes_of(running.folder, "masq_router")
    everybody = processes_of(running.folder)
    counts = dict.fromkeys(GAUGES, 0.0)
    for node in running.mesh.nodes:
        text = await metrics_of(node)
        for name in GAUGES:
            counts[name] += float(re.search(rf"(?m)^masq_router_{name} (\S+)$", text)[1])
    return Held(
        rss_mb=max(process.memory_info().rss for process in routers) / 1e6,
        all_rss_mb=sum(process.memory_info().rss for process in everybody) / 1e6,
        fds=sum(process.num_fds() for process in routers),
        counts=counts,
    )


async def metrics_of(node):
    """Return the text that a node's API has for Prometheus."""
    place = node.api._place
    async with httpx.AsyncClient(trust_env=False) as client:
        headers = {"Authorization": f"Bearer {place.token}"}
        answer = await client.get(f"{place.url}/metrics", headers=headers)
    answer.raise_for_status()
    return answer.text

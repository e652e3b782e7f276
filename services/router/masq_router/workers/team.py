"""What a router process that shares its node's work does beside that work."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, BusTimeout, BusUnavailable
from masq_kernel.bus.messages.control import HealthReported, MetricsReported, MetricsRequested
from masq_kernel.bus.messages.gossip import NeighborsRequested
from masq_kernel.bus.messages.router import WorkerState
from masq_kernel.bus.port import Bus
from masq_kernel.bus.subjects import Service, metrics
from masq_kernel.clock import Clock
from masq_kernel.runtime.control import Control
from masq_router.mesh import Mesh
from masq_router.workers.household import Household
from masq_router.workers.merging import merged_metrics, troubles
from masq_router.workers.siblings import Siblings
from masq_router.workers.spread import Spread

__all__ = ["Team"]

SPREAD_S = 1.0
"""How often this process looks whether it is linked with each neighbor of the node."""


class Team:
    """Starts it and keeps it going.

    Args:
        size: how many processes the settings name.
        siblings, household, mesh: the parts that share.
        bus: to gossip and to the other processes.
        control: answers health and metrics, from now on for all processes.
        own_state: what this one says of itself.
        clock: for attempts.
    """

    def __init__(
        self,
        *,
        size: int,
        siblings: Siblings,
        household: Household,
        mesh: Mesh,
        bus: Bus,
        control: Control,
        own_state: Callable[[], WorkerState],
        clock: Clock,
    ) -> None:
        self._size, self._siblings, self._household = size, siblings, household
        self._mesh, self._bus, self._control = mesh, bus, control
        self._own_state, self._clock = own_state, clock
        self._spread = Spread()

    async def start(self, host: str) -> None:
        """Be there for the others.

        Args:
            host: the address of this machine at which they reach us.

        Raises:
            OperatorError: the address is not this machine's.
        """
        await self._siblings.start(host)
        await self._bus.listen(subjects.SETUP_SEEN, self._household.on_seen)
        await self._bus.serve(metrics(Service.ROUTER).of(self._siblings.roster.own), self._own)
        self._control.health, self._control.metrics = self._health, self._metrics

    def background(self) -> Iterator[tuple[str, Callable[[], Coroutine[Any, Any, None]]]]:
        """Return what goes on until the router stops, with its name."""
        yield "tell the other workers", self._siblings.run
        yield "link with all neighbors", self._link_with_all

    async def stop(self) -> None:
        """Leave the others."""
        await self._siblings.stop()

    async def _link_with_all(self) -> None:
        while True:
            await asyncio.sleep(SPREAD_S)
            if len(self._siblings):
                await self._dial_missing()

    async def _dial_missing(self) -> None:
        try:
            listed = await self._bus.request(subjects.NEIGHBORS, NeighborsRequested())
        except (BusRefused, BusTimeout, BusUnavailable):
            return
        now = self._clock.monotonic()
        for each in self._spread.due(listed.neighbors, set(self._mesh.pool.peers), now):
            self._mesh.dial_here(each.node_id, each.address, each.ports)

    async def _health(self) -> HealthReported:
        own = await self._control.own_health()
        states = [self._own_state(), *(told.state for told in self._siblings.roster.told)]
        found = troubles(states, self._size)
        return HealthReported(
            service=own.service,
            ready=all(state == "ok" for state in (*own.dependencies.values(), *found.values())),
            version=own.version,
            pid=own.pid,
            uptime_s=own.uptime_s,
            dependencies={**own.dependencies, **found},
        )

    async def _own(self, _message: MetricsRequested) -> MetricsReported:
        return await self._control.own_metrics()

    async def _metrics(self) -> MetricsReported:
        own = await self._control.own_metrics()
        others = await self._siblings.ask(metrics(Service.ROUTER), MetricsRequested())
        return MetricsReported(text=merged_metrics([own.text, *(each.text for each in others)]))

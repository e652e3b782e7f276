"""What every service answers on the bus: how it is, and what it counts."""

import os
from collections.abc import Awaitable, Callable

from prometheus_client import CollectorRegistry, generate_latest

from masq_kernel import __version__
from masq_kernel.bus.messages.control import (
    HealthReported,
    HealthRequested,
    MetricsReported,
    MetricsRequested,
)
from masq_kernel.bus.port import Bus
from masq_kernel.bus.subjects import Service, health, metrics
from masq_kernel.clock import Clock
from masq_kernel.runtime.health import HealthBoard

__all__ = ["Control"]


class Control:
    """Answers how this process is and what it counts.

    Args:
        service: which one it is.
        board: what it says about itself.
        registry: what it counts.
        clock: for its uptime.

    Attributes:
        health, metrics: what is answered; a service of several processes puts something there that
            asks all of them.
    """

    def __init__(
        self, service: Service, board: HealthBoard, registry: CollectorRegistry, clock: Clock
    ) -> None:
        self._service, self._board, self._registry, self._clock = service, board, registry, clock
        self._started_at = clock.monotonic()
        self.health: Callable[[], Awaitable[HealthReported]] = self.own_health
        self.metrics: Callable[[], Awaitable[MetricsReported]] = self.own_metrics

    @property
    def uptime_s(self) -> float:
        """Since this process started."""
        return self._clock.monotonic() - self._started_at

    async def serve(self, bus: Bus) -> None:
        """Serve the health and metrics subjects; the api answers over HTTP instead."""
        if self._service is Service.API:
            return

        async def on_health_requested(_: HealthRequested) -> HealthReported:
            return await self.health()

        async def on_metrics_requested(_: MetricsRequested) -> MetricsReported:
            return await self.metrics()

        await bus.serve(health(self._service), on_health_requested)
        await bus.serve(metrics(self._service), on_metrics_requested)

    async def own_health(self) -> HealthReported:
        """Say how this process is."""
        return HealthReported(
            service=self._service,
            ready=self._board.ready,
            version=__version__,
            pid=os.getpid(),
            uptime_s=self.uptime_s,
            dependencies=self._board.dependencies,
        )

    async def own_metrics(self) -> MetricsReported:
        """Show what this process counts."""
        return MetricsReported(text=generate_latest(self._registry).decode("utf-8"))

"""What every service answers on the bus: how it is, and what it counts."""

import os

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

__all__ = ["serve_control"]


async def serve_control(
    bus: Bus, service: Service, board: HealthBoard, registry: CollectorRegistry, clock: Clock
) -> None:
    """Serve the health and metrics subjects; the api answers over HTTP instead."""
    if service is Service.API:
        return
    started = clock.monotonic()

    async def on_health_requested(_: HealthRequested) -> HealthReported:
        return HealthReported(
            service=service,
            ready=board.ready,
            version=__version__,
            pid=os.getpid(),
            uptime_s=clock.monotonic() - started,
            dependencies=board.dependencies,
        )

    async def on_metrics_requested(_: MetricsRequested) -> MetricsReported:
        return MetricsReported(text=generate_latest(registry).decode("utf-8"))

    await bus.serve(health(service), on_health_requested)
    await bus.serve(metrics(service), on_metrics_requested)

"""The node behind the API: questions to its services over the bus."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from masq_api.audit import AuditLog
from masq_kernel.bus.errors import BusRefused, BusTimeout, BusUnavailable
from masq_kernel.bus.messages.base import BusMessage
from masq_kernel.bus.messages.control import HealthRequested, MetricsRequested
from masq_kernel.bus.port import Bus
from masq_kernel.bus.subjects import Request as Question
from masq_kernel.bus.subjects import Service, health, metrics
from masq_kernel.clock import Clock
from masq_kernel.units import Seconds

__all__ = ["BEHIND", "Node", "NodeDependency", "ServiceState"]

M = TypeVar("M", bound=BusMessage)
R = TypeVar("R", bound=BusMessage)

BEHIND = (Service.GOSSIP, Service.ROUTER, Service.ACCOUNTANT)
"""The services that the API asks."""

CHECK_S = 1.5
"""How long a service may take to say how it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceState:
    """How one service is.

    Args:
        ready: whether it answers, and all it needs is there.
        version, uptime_s: what it says of itself; None: it does not answer.
        dependencies: each thing it needs: `ok`, or what is wrong.
    """

    ready: bool
    version: str | None = None
    uptime_s: float | None = None
    dependencies: dict[str, str]


class Node:
    """Asks the services.

    Args:
        bus: to them.
        clock: for the API's own uptime.
        audit: where changes are noted; None: in the log alone.
    """

    def __init__(self, bus: Bus, clock: Clock, audit: AuditLog | None = None) -> None:
        self._bus, self._clock = bus, clock
        self.audit = audit or AuditLog(None, clock)
        self._started_at = clock.monotonic()

    @property
    def uptime_s(self) -> Seconds:
        """Since the API started."""
        return Seconds(self._clock.monotonic() - self._started_at)

    def now(self) -> int:
        """Return the time of day in unix seconds."""
        return self._clock.unix()

    async def ask(self, question: Question[M, R], message: M) -> R:
        """Return a service's answer.

        Raises:
            BusRefused, BusTimeout, BusUnavailable: as they say; problems.py answers them.
        """
        return await self._bus.request(question, message)

    async def services(self) -> dict[Service, ServiceState]:
        """Return how every service is, asked all at once."""
        states = await asyncio.gather(*(self._state(service) for service in BEHIND))
        return dict(zip(BEHIND, states, strict=True))

    async def metrics(self) -> list[str]:
        """Return what each service counts, as Prometheus text; those that are down are left out."""
        texts = await asyncio.gather(*(self._metrics(service) for service in BEHIND))
        return [text for text in texts if text]

    async def _state(self, service: Service) -> ServiceState:
        try:
            said = await self._bus.request(health(service), HealthRequested(), timeout_s=CHECK_S)
        except (BusRefused, BusTimeout):
            return ServiceState(ready=False, dependencies={service: "does not answer"})
        except BusUnavailable:
            return ServiceState(ready=False, dependencies={service: "is not running"})
        return ServiceState(
            ready=said.ready,
            version=said.version,
            uptime_s=said.uptime_s,
            dependencies=said.dependencies,
        )

    async def _metrics(self, service: Service) -> str:
        try:
            said = await self._bus.request(metrics(service), MetricsRequested(), timeout_s=CHECK_S)
        except (BusRefused, BusTimeout, BusUnavailable):
            return ""
        return said.text


def _node(request: Request) -> Node:
    node: Node = request.app.state.node
    return node


NodeDependency = Annotated[Node, Depends(_node)]

"""Tell the bus what happens on links, in order, without making the links wait."""

import asyncio

from masq_kernel.bus import subjects
from masq_kernel.bus.messages.base import BusMessage
from masq_kernel.bus.messages.router import (
    DialFailed,
    GossipReceived,
    HostFailed,
    LinkClosed,
    LinkOpened,
    OnionKeyAnnounced,
    RouteLost,
    RouteServed,
    SetupSeen,
)
from masq_kernel.bus.port import Bus
from masq_kernel.bus.subjects import Event

__all__ = ["GOSSIP_WAITING_MAX", "Announcer"]

GOSSIP_WAITING_MAX = 2_000
"""Gossip frames that wait for the bus; beyond, new ones are dropped: gossip repeats itself."""

_EVENTS: dict[type[BusMessage], Event[BusMessage]] = {
    LinkOpened: subjects.LINK_OPENED,  # type: ignore[dict-item]  # each message has its subject
    LinkClosed: subjects.LINK_CLOSED,  # type: ignore[dict-item]
    DialFailed: subjects.DIAL_FAILED,  # type: ignore[dict-item]
    GossipReceived: subjects.GOSSIP_RECEIVED,  # type: ignore[dict-item]
    OnionKeyAnnounced: subjects.ONION_KEY_ANNOUNCED,  # type: ignore[dict-item]
    RouteServed: subjects.ROUTE_SERVED,  # type: ignore[dict-item]
    RouteLost: subjects.ROUTE_LOST,  # type: ignore[dict-item]
    HostFailed: subjects.HOST_FAILED,  # type: ignore[dict-item]
    SetupSeen: subjects.SETUP_SEEN,  # type: ignore[dict-item]
}


class Announcer:
    """A queue in front of the bus.

    Args:
        bus: where events go.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._waiting: asyncio.Queue[BusMessage] = asyncio.Queue()
        self.dropped = 0

    def tell(self, message: BusMessage) -> None:
        """Queue an event."""
        if isinstance(message, GossipReceived) and self._waiting.qsize() >= GOSSIP_WAITING_MAX:
            self.dropped += 1
            return
        self._waiting.put_nowait(message)

    async def run(self) -> None:
        """Publish, for ever."""
        while True:
            await self._publish(await self._waiting.get())

    async def finish(self) -> None:
        """Publish what waits."""
        while not self._waiting.empty():
            await self._publish(self._waiting.get_nowait())

    async def _publish(self, message: BusMessage) -> None:
        await self._bus.publish(_EVENTS[type(message)], message)

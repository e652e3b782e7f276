"""Move this node to another address while it runs (docs/adr/0013).

    asked -> the router listens there -> kept in address.json -> the rules tell the neighbors

In this order, so that nothing is stated where nobody listens. If something fails in between,
whoever asked gets no answer and asks again; each step can be taken twice.
"""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable

import structlog

from masq_gossip.rules.events import AddressChanged, Endpoint, Event
from masq_gossip.rules.state import State
from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, BusTimeout, BusUnavailable, Refusal
from masq_kernel.bus.messages.gossip import AddressRequested, AddressShown, AddressToSet
from masq_kernel.bus.messages.router import MoveRequested
from masq_kernel.bus.port import Bus
from masq_kernel.errors import MalformedError
from masq_kernel.runtime.address import AddressFile, Move, Place

__all__ = ["Mover"]

_log = structlog.get_logger(__name__)


class Mover:
    """Answers where this node is, and moves it.

    Args:
        state: knows where we are.
        setting: what the configuration file says; None: nothing.
        file: where a move is kept.
        bus: to the router.
        put: feeds the core with an event.
    """

    def __init__(
        self,
        *,
        state: State,
        setting: Place | None,
        file: AddressFile,
        bus: Bus,
        put: Callable[[Event], Awaitable[None]],
    ) -> None:
        self._state, self._setting, self._file = state, setting, file
        self._bus, self._put = bus, put
        self._place = _place_of(state.own.address)
        self._moving = asyncio.Lock()

    async def on_address_requested(self, _message: AddressRequested) -> AddressShown:
        """Say where others can dial this node."""
        place = self._place
        return AddressShown(
            address=place.address if place else None,
            ports=place.ports if place else (),
            is_setting=place is None or place == self._setting,
        )

    async def on_set_address(self, message: AddressToSet) -> AddressShown:
        """Move there; setting the same address again changes nothing."""
        async with self._moving:
            place = self._wanted(message)
            if place != self._place:
                await self._move(place)
        return await self.on_address_requested(AddressRequested())

    def _wanted(self, message: AddressToSet) -> Place:
        mode = self._state.parameters.mode
        if not self._state.parameters.accepts_connections:
            raise BusRefused(Refusal.CONFLICT, f"in {mode} mode nobody dials this node")
        ports = message.ports or (self._place.ports if self._place else ())
        if not ports:
            raise BusRefused(Refusal.INVALID, "this node has no port yet, so give one")
        try:
            return Place(str(ipaddress.ip_address(message.address)), ports)
        except MalformedError as error:
            raise BusRefused(Refusal.INVALID, error.reason) from None
        except ValueError:
            raise BusRefused(Refusal.INVALID, "this is no IP address") from None

    async def _move(self, place: Place) -> None:
        await self._move_router(place)
        if place == self._setting:
            await asyncio.to_thread(self._file.remove)
        else:
            move = Move(setting=self._setting, place=place)
            await asyncio.to_thread(self._file.save, move)
        self._place = place
        _log.info("moved to another address")
        node_id = self._state.own.node_id
        await self._put(AddressChanged(Endpoint(node_id, place.address, place.ports)))

    async def _move_router(self, place: Place) -> None:
        """A router that is not running reads the file when it starts."""
        setting = self._setting
        wanted = MoveRequested(
            old_address=setting.address if setting else None,
            old_ports=setting.ports if setting else (),
            address=place.address,
            ports=place.ports,
        )
        try:
            await self._bus.request(subjects.MOVE, wanted)
        except BusTimeout:
            raise BusRefused(Refusal.NOT_READY, "the router does not answer; try again") from None
        except BusUnavailable:
            _log.warning("the router is not running; it moves when it starts")


def _place_of(endpoint: Endpoint | None) -> Place | None:
    return None if endpoint is None else Place(endpoint.address, endpoint.ports)

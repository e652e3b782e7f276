"""The originating side of this node: circuits for its clients.

Clients with different credentials never share a circuit (protocol.md 4.4). A circuit takes new
streams for half of its sessions' lifetime, then drains; one that is idle past that is closed.

Where the exit of a circuit cannot reach a host, a *detour* is made for that host: another circuit,
around that exit. While it is fresh, streams to the host take it.
"""

import asyncio
from dataclasses import dataclass, field

from masq_kernel.bus.messages.gossip import RouteRequested
from masq_kernel.clock import Clock
from masq_router.links.link import Link
from masq_router.onion.hops import HopBlock
from masq_router.origin.builder import SESSION_LIFETIME_S, CircuitBuilder
from masq_router.origin.circuit import Circuit
from masq_router.origin.errors import CannotServe
from masq_router.streams.errors import ResetCode
from masq_router.wire.frames import TeardownReason

__all__ = ["CIRCUITS_MAX", "OriginSide"]

CIRCUITS_MAX = 512
"""Each costs its hops memory and us a set-up; more isolated clients than this must wait."""

DETOURS_MAX = 8
"""Per isolation; one more makes the oldest be forgotten, its streams go on."""

FRESH_S = SESSION_LIFETIME_S // 2


@dataclass(slots=True)
class _Lane:
    """What clients of one isolation share."""

    circuit: Circuit | None = None
    detours: dict[str, Circuit] = field(default_factory=dict)  # by host
    building: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def is_idle(self) -> bool:
        """Whether nothing would be lost with it."""
        circuits = [*self.detours.values(), *([self.circuit] if self.circuit else [])]
        return not self.building.locked() and all(circuit.is_over for circuit in circuits)


class OriginSide:
    """Keeps circuits.

    Args:
        builder: makes them.
        clock: for their age.
    """

    def __init__(self, builder: CircuitBuilder, clock: Clock) -> None:
        self._builder, self._clock = builder, clock
        self._lanes: dict[bytes, _Lane] = {}
        self._by_delivery: dict[bytes, Circuit] = {}

    @property
    def stream_count(self) -> int:
        """Streams of our clients."""
        return sum(circuit.stream_count for circuit in self._by_delivery.values())

    @property
    def circuit_count(self) -> int:
        """Circuits alive, draining ones included."""
        return len(self._by_delivery)

    async def circuit(self, isolation: bytes, host: str) -> Circuit:
        """Return the circuit for clients of this isolation; make one if there is none.

        Raises:
            CannotServe: none can be made now.
        """
        lane = self._lanes.setdefault(isolation, _Lane())
        async with lane.building:
            detour = lane.detours.get(host)
            if detour is not None and self._is_fresh(detour):
                return detour
            if lane.circuit is None or not self._is_fresh(lane.circuit):
                lane.circuit = None
                lane.circuit = await self._build(RouteRequested(host=host))
            return lane.circuit

    async def detour(self, isolation: bytes, host: str, around: Circuit) -> Circuit | None:
        """Note that a circuit's exit cannot reach a host, and return a circuit around that exit.

        None: the host was tried over two exits, or no other exit can be had.
        """
        self._builder.witness.host_failed(around.trip, host)
        lane = self._lanes.setdefault(isolation, _Lane())
        async with lane.building:
            detour = lane.detours.get(host)
            if detour is around:
                return None
            if detour is None or not self._is_fresh(detour):
                wish = RouteRequested(host=host, avoid=around.trip.over_hops[-1:])
                try:
                    detour = await self._build(wish)
                except CannotServe:
                    return None
                lane.detours.pop(host, None)
                lane.detours[host] = detour
                if len(lane.detours) > DETOURS_MAX:
                    del lane.detours[next(iter(lane.detours))]
            return detour

    async def _build(self, wish: RouteRequested) -> Circuit:
        if len(self._by_delivery) >= CIRCUITS_MAX and not self._close_an_idle_one():
            raise CannotServe(ResetCode.OVERLOAD)
        return await self._builder.build(wish, expect=self._expect, on_over=self._on_over)

    def arrive(self, link: Link, tag: bytes, block: HopBlock) -> TeardownReason | None:
        """Take the end of one of our back routes."""
        circuit = self._by_delivery.get(block.delivery)
        if circuit is None:
            return TeardownReason.PROTOCOL_ERROR
        return circuit.arrive(link, tag, block)

    def tick(self) -> None:
        """Once a second: probe, retire and close circuits."""
        for circuit in list(self._by_delivery.values()):
            if circuit.stream_count == 0 and not self._is_fresh(circuit):
                circuit.end(TeardownReason.CLOSED)
            else:
                circuit.tick()
        self._forget_empty_lanes()

    def close(self) -> None:
        """End every circuit."""
        for circuit in list(self._by_delivery.values()):
            circuit.end(TeardownReason.CLOSED)

    def _is_fresh(self, circuit: Circuit) -> bool:
        return not circuit.is_over and self._clock.unix() - circuit.opened_at < FRESH_S

    def _expect(self, circuit: Circuit) -> None:
        self._by_delivery[circuit.trip.delivery] = circuit

    def _on_over(self, circuit: Circuit) -> None:
        self._by_delivery.pop(circuit.trip.delivery, None)

    def _close_an_idle_one(self) -> bool:
        for circuit in self._by_delivery.values():
            if circuit.stream_count == 0:
                circuit.end(TeardownReason.CLOSED)
                return True
        return False

    def _forget_empty_lanes(self) -> None:
        for isolation, lane in list(self._lanes.items()):
            if lane.is_idle:
                del self._lanes[isolation]

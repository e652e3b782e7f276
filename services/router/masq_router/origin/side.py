"""The originating side of this node: circuits for its clients.

Clients with different credentials never share a circuit (protocol.md 4.4). A circuit takes new
streams for half of its sessions' lifetime, then drains; one that is idle past that is closed.
"""

import asyncio
from dataclasses import dataclass, field

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

FRESH_S = SESSION_LIFETIME_S // 2


@dataclass(slots=True)
class _Lane:
    """What clients of one isolation share."""

    circuit: Circuit | None = None
    building: asyncio.Lock = field(default_factory=asyncio.Lock)


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

    async def circuit(self, isolation: bytes) -> Circuit:
        """Return the circuit for clients of this isolation; make one if there is none.

        Raises:
            CannotServe: none can be made now.
        """
        lane = self._lanes.setdefault(isolation, _Lane())
        async with lane.building:
            if lane.circuit is None or not self._is_fresh(lane.circuit):
                lane.circuit = None
                if len(self._by_delivery) >= CIRCUITS_MAX and not self._close_an_idle_one():
                    raise CannotServe(ResetCode.OVERLOAD)
                lane.circuit = await self._builder.build(self._expect, self._on_over)
            return lane.circuit

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
            is_idle = lane.circuit is None or lane.circuit.is_over
            if is_idle and not lane.building.locked():
                del self._lanes[isolation]

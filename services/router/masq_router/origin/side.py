"""The originating side of this node: circuits for its clients.

Clients with different credentials never share a circuit (protocol.md 4.4). A circuit takes new
streams for half of a trip's lifetime, then drains; one that is idle past that is closed. While it
has streams, its trip is renewed when three quarters of that lifetime are over, and replaced when it
is lost (healer.py). A circuit without a trip takes no new streams: they get another one at once.

Where the exit of a circuit cannot reach a host, a *detour* is made for that host: another circuit,
around that exit. While it is fresh, streams to the host take it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from masq_kernel.bus.messages.gossip import RouteRequested
from masq_kernel.clock import Clock
from masq_kernel.identity.keys import NodeId
from masq_router.links.link import Link
from masq_router.onion.hops import HopBlock
from masq_router.origin.builder import TripBuilder
from masq_router.origin.circuit import Circuit
from masq_router.origin.errors import CannotServe
from masq_router.origin.healer import Healer
from masq_router.origin.trip import LiveTrip
from masq_router.origin.witness import Witness
from masq_router.streams.errors import ResetCode
from masq_router.streams.memory import StreamMemory, heaviest
from masq_router.wire.frames import TeardownReason

__all__ = ["CIRCUITS_MAX", "OriginSide"]

CIRCUITS_MAX = 512
"""Each costs its hops memory and us a set-up; more isolated clients than this must wait."""

VOUCHED_EVERY = 1 << 30
"""Bytes of a trip, after which a circuit gets another: each SETUP brings its hops our word for what
we owe them, and they serve nobody far beyond that (4 GiB unless they have set less)."""

DETOURS_MAX = 8
"""Per isolation; one more makes the oldest be forgotten, its streams go on."""

FRESH_SHARE = 0.5
"""Of a trip's lifetime, in which a circuit takes new streams."""

RENEW_SHARE = 0.75
"""Of a trip's lifetime, after which a circuit with streams gets another."""

_log = structlog.get_logger()


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
        builder: makes their trips.
        witness: told how routes do.
        tasks: one for each circuit that needs another trip.
        clock: for their age.
        memory: what the streams of all our clients may hold.
    """

    def __init__(
        self,
        builder: TripBuilder,
        witness: Witness,
        tasks: asyncio.TaskGroup,
        clock: Clock,
        memory: StreamMemory,
    ) -> None:
        self._builder, self._witness, self._clock = builder, witness, clock
        self._lanes: dict[bytes, _Lane] = {}
        self._circuits: dict[Circuit, None] = {}  # the oldest first
        self._trip_by_delivery: dict[bytes, LiveTrip] = {}
        self._resent_size = 0  # of circuits that are over
        self.memory = memory
        self.healer = Healer(
            builder, witness, tasks, clock, expect=self._expect, on_over=self._forget_trip
        )

    @property
    def stream_count(self) -> int:
        """Streams of our clients."""
        return sum(circuit.stream_count for circuit in self._circuits)

    @property
    def circuit_count(self) -> int:
        """Circuits alive, draining ones included."""
        return len(self._circuits)

    @property
    def resent_size(self) -> int:
        """Bytes of our clients that were sent again after a change of route."""
        return self._resent_size + sum(each.association.resent for each in self._circuits)

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
                lane.circuit = await self.build(RouteRequested(host=host))
            return lane.circuit

    def host_failed(self, circuit: Circuit, host: str) -> None:
        """Note that a circuit's exit cannot reach a host."""
        assert circuit.exit is not None
        self._witness.host_failed(circuit.exit, host)

    async def detour(self, isolation: bytes, host: str, around: Circuit) -> Circuit | None:
        """Return a circuit around the exit of another that was of no use for a host.

        None: the host was tried over two exits, or no other exit can be had.
        """
        assert around.exit is not None
        lane = self._lanes.setdefault(isolation, _Lane())
        async with lane.building:
            detour = lane.detours.get(host)
            if detour is around:
                return None
            if detour is None or not self._is_fresh(detour):
                wish = RouteRequested(host=host, avoid=(around.exit,))
                try:
                    detour = await self.build(wish)
                except CannotServe:
                    return None
                lane.detours.pop(host, None)
                lane.detours[host] = detour
                if len(lane.detours) > DETOURS_MAX:
                    del lane.detours[next(iter(lane.detours))]
            return detour

    async def build(self, wish: RouteRequested) -> Circuit:
        """Return a circuit that no client has yet.

        Raises:
            CannotServe: none can be made now.
        """
        if len(self._circuits) >= CIRCUITS_MAX and not self._close_an_idle_one():
            raise CannotServe(ResetCode.OVERLOAD, "too many circuits are in use")
        circuit = Circuit(
            secret=self._builder.secret(),
            clock=self._clock,
            witness=self._witness,
            keeper=self,
            memory=self.memory,
        )
        trip = await self._builder.trip(wish, circuit, on_over=self._forget_trip)
        self._expect(trip)
        if circuit.take(trip) is None:
            trip.end(TeardownReason.CLOSED)
            raise CannotServe(ResetCode.NO_ROUTE, "the trip could not begin")
        self._circuits[circuit] = None
        return circuit

    def arrive(
        self,
        link: Link,
        tag: bytes,
        block: HopBlock,
        setup: bytes,  # noqa: ARG002 - an exit needs these two
        *,
        asks_only: bool = False,  # noqa: ARG002
    ) -> TeardownReason | None:
        """Take the end of one of our back routes."""
        trip = self._trip_by_delivery.get(block.delivery)
        if trip is None:
            return TeardownReason.PROTOCOL_ERROR
        return trip.arrive(link, tag, block)

    def tick(self) -> None:
        """A few times a second: watch, renew, retire and close circuits."""
        now = self._clock.unix()
        renewal_s = int(self._builder.lifetime_s * (1 - RENEW_SHARE))
        for circuit in list(self._circuits):
            if circuit.stream_count == 0 and not self._is_fresh(circuit):
                circuit.end(TeardownReason.CLOSED)
                continue
            circuit.tick()
            is_due = now >= circuit.expires_at - renewal_s or circuit.carried >= VOUCHED_EVERY
            if circuit.stream_count and is_due:
                self.healer.renew(circuit)
        self._shed()
        self._forget_empty_lanes()

    def _shed(self) -> None:
        """Cut whoever holds most, if all together hold too much."""
        for circuit in heaviest(
            self._circuits,
            held=lambda each: each.association.held_size,
            whose=id,
            held_max=self.memory.held_max,
        ):
            _log.warning("a circuit is cut: streams hold too much memory", of=circuit.stream_count)
            circuit.end(TeardownReason.OVERLOAD)

    def close(self) -> None:
        """End every circuit."""
        for circuit in list(self._circuits):
            circuit.close()

    def _is_fresh(self, circuit: Circuit) -> bool:
        age_s = self._clock.unix() - circuit.opened_at
        return circuit.has_room and age_s < self._builder.lifetime_s * FRESH_SHARE

    def _expect(self, trip: LiveTrip) -> None:
        self._trip_by_delivery[trip.plan.delivery] = trip

    def _forget_trip(self, trip: LiveTrip) -> None:
        self._trip_by_delivery.pop(trip.plan.delivery, None)

    # -- CircuitKeeper -----------------------------------------------------------------------

    def on_wounded(self, circuit: Circuit, suspects: Sequence[NodeId]) -> None:
        """Streams wait for another trip."""
        self.healer.heal(circuit, suspects)

    def on_circuit_over(self, circuit: Circuit) -> None:
        """It can no longer be used."""
        if circuit in self._circuits:
            del self._circuits[circuit]
            self._resent_size += circuit.association.resent

    def _close_an_idle_one(self) -> bool:
        for circuit in self._circuits:
            if circuit.stream_count == 0:
                circuit.end(TeardownReason.CLOSED)
                return True
        return False

    def _forget_empty_lanes(self) -> None:
        for isolation, lane in list(self._lanes.items()):
            if lane.is_idle:
                del self._lanes[isolation]

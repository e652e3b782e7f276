"""Find other trips for circuits: when one is lost, and before one expires.

    wounded -> ask gossip, go round the suspects -> ATTACH -> ATTACHED, or the next attempt
    expiring -> the same, while the present trip carries on (make before break)

The first attempt is made at once, each further one after a little longer wait. A circuit is given
up after GIVE_UP_S, or when gossip has known no way at all to its exit for NO_ROUTE_S.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import structlog

from masq_kernel.bus.messages.gossip import RouteRequested
from masq_kernel.clock import Clock
from masq_kernel.identity.keys import NodeId
from masq_kernel.units import Seconds
from masq_router.origin.builder import TripBuilder
from masq_router.origin.circuit import Circuit
from masq_router.origin.errors import CannotServe
from masq_router.origin.suspicion import Suspicion
from masq_router.origin.trip import LiveTrip
from masq_router.origin.witness import Witness
from masq_router.streams.errors import ResetCode
from masq_router.wire.frames import TeardownReason

__all__ = ["GIVE_UP_S", "NO_ROUTE_S", "Healer"]

GIVE_UP_S = 15.0
"""As long as a client may be left with a stream that stands still; less than exits wait for us."""

NO_ROUTE_S = 5.0
"""Gossip knows within a second that a node is gone, and links that broke are dialled again within
five: an exit to which no way leads for so long has left."""

RETRY_FIRST_S, RETRY_MAX_S = 0.05, 0.5
"""Between attempts."""

RENEW_AGAIN_S = 5.0
"""After a renewal that found no other trip."""

_LOST_AGAIN = "the new route was lost at once"

_log = structlog.get_logger()


class Healer:
    """Looks for trips.

    Args:
        builder: makes them.
        witness: told who seems to be at fault.
        tasks: one for each circuit that needs one.
        clock: for time-outs.
        expect, on_over: called with each trip when it begins and when it has ended.
    """

    def __init__(
        self,
        builder: TripBuilder,
        witness: Witness,
        tasks: asyncio.TaskGroup,
        clock: Clock,
        *,
        expect: Callable[[LiveTrip], None],
        on_over: Callable[[LiveTrip], None],
    ) -> None:
        self._builder, self._witness = builder, witness
        self._tasks, self._clock = tasks, clock
        self._expect, self._on_over = expect, on_over
        self._busy: set[Circuit] = set()
        self.outcomes: Counter[str] = Counter()

    def heal(self, circuit: Circuit, suspects: Sequence[NodeId]) -> None:
        """Its trip is lost. While a trip is being sought for it anyway, that one will do."""
        if circuit not in self._busy:
            suspicion = self._suspicion(circuit)
            suspicion.add(suspects)
            self._begin(circuit, self._heal(circuit, suspicion), "heal a circuit")

    def renew(self, circuit: Circuit) -> None:
        """Its trip expires soon. A call while one is under way, or just failed, changes nothing."""
        now = self._clock.monotonic()
        if circuit not in self._busy and circuit.is_usable and circuit.renew_after <= now:
            self._begin(circuit, self._renew(circuit), "renew a circuit")

    def _begin(self, circuit: Circuit, work: Coroutine[Any, Any, None], name: str) -> None:
        self._busy.add(circuit)
        self._tasks.create_task(self._run(circuit, work), name=name)

    async def _run(self, circuit: Circuit, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        finally:
            self._busy.discard(circuit)

    # -- one circuit -------------------------------------------------------------------------

    async def _renew(self, circuit: Circuit) -> None:
        suspicion = self._suspicion(circuit)
        problem = await self._try(circuit, suspicion)
        if problem is None:
            self.outcomes["renewed"] += 1
        elif circuit.is_usable or circuit.is_over:
            circuit.renew_after = Seconds(self._clock.monotonic() + RENEW_AGAIN_S)
            self.outcomes["not_renewed"] += 1
            _log.info("a circuit was not renewed", reason=problem)
        else:
            await self._heal(circuit, suspicion)

    async def _heal(self, circuit: Circuit, suspicion: Suspicion) -> None:
        began_at = routed_at = self._clock.monotonic()
        wait_s = RETRY_FIRST_S
        while not circuit.is_over:
            problem = await self._try(circuit, suspicion)
            now = self._clock.monotonic()
            if problem is None:
                self.outcomes["healed"] += 1
                _log.info("a circuit healed", after_s=round(now - began_at, 3))
                if routed_at > began_at:
                    self._sum_up(suspicion, circuit)
                return
            if problem == _LOST_AGAIN:
                routed_at = now
            if now - began_at >= GIVE_UP_S or now - routed_at >= NO_ROUTE_S:
                self._give_up(circuit, problem, Seconds(now - began_at))
            elif circuit.stream_count == 0:
                circuit.end(TeardownReason.CLOSED)
            else:
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, RETRY_MAX_S)
        if circuit.is_forgotten:
            self.outcomes["forgotten"] += 1
            _log.warning("a circuit is lost", reason="its exit does not know it any more")

    def _sum_up(self, suspicion: Suspicion, circuit: Circuit) -> None:
        """Hold the attempts that failed against whom they leave under suspicion, once."""
        suspects = suspicion.still_suspect(circuit.hops)
        if suspects:
            self._witness.lost(suspects)

    def _give_up(self, circuit: Circuit, problem: str, after_s: Seconds) -> None:
        self.outcomes["given_up"] += 1
        _log.warning(
            "a circuit is given up",
            reason=problem,
            streams=circuit.stream_count,
            after_s=round(after_s, 3),
        )
        circuit.give_up()

    def _suspicion(self, circuit: Circuit) -> Suspicion:
        assert circuit.exit is not None
        return Suspicion(circuit.exit)

    # -- one attempt -------------------------------------------------------------------------

    async def _try(self, circuit: Circuit, suspicion: Suspicion) -> str | None:
        """Find a trip and have the exit take the circuit up over it; return why not, or None."""
        try:
            trip = await self._find(circuit, suspicion)
        except CannotServe as problem:
            return problem.reason
        self._expect(trip)
        attached = circuit.take(trip)
        if attached is None:
            trip.end(TeardownReason.CLOSED)
            return "the trip could not begin"
        if await attached and circuit.is_usable:
            return None
        suspicion.add(trip.plan.over_hops + trip.plan.back_hops)
        return _LOST_AGAIN

    async def _find(self, circuit: Circuit, suspicion: Suspicion) -> LiveTrip:
        problem = CannotServe(ResetCode.NO_ROUTE, "no way leads to the exit")
        for avoid in suspicion.avoidances():
            wish = RouteRequested(exit=circuit.exit, resumes=True, avoid=avoid)
            try:
                return await self._builder.trip(wish, circuit, on_over=self._on_over)
            except CannotServe as refused:
                problem = refused
                if refused.code is not ResetCode.NO_ROUTE:
                    break
        raise problem

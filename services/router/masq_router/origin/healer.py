"""Find other trips for circuits: when one is lost, and before one expires.

    wounded -> ask gossip, go round the suspects -> ATTACH -> ATTACHED, or the next attempt
    expiring -> the same, while the present trip carries on (make before break)

The first attempt is made at once, each further one after a little longer wait. A circuit is given
up after GIVE_UP_S, or when gossip has known no way at all to its exit for NO_ROUTE_S.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import structlog

from masq_kernel.bus.messages.gossip import RouteRequested
from masq_kernel.clock import Clock
from masq_kernel.identity.keys import NodeId
from masq_kernel.units import Seconds
from masq_router.origin.builder import TripBuilder
from masq_router.origin.circuit import Circuit
from masq_router.origin.errors import CannotServe, NoAnswer
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

HEALTHY_S = 1.0
"""A circuit wounded again so soon waits a moment: a hop that accepts every route and then drops it
must not make us build routes as fast as we can."""

FORGIVEN_S = 60.0
"""Suspects of a healed circuit are avoided when it is wounded again within this time."""

RENEW_AGAIN_S = 5.0
"""After a renewal that found no other trip."""

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
        self._cases: WeakKeyDictionary[Circuit, _Case] = WeakKeyDictionary()
        self.outcomes: Counter[str] = Counter()

    def heal(self, circuit: Circuit, suspects: Sequence[NodeId]) -> None:
        """Its trip is lost. While a trip is being sought for it anyway, that one will do."""
        self._case(circuit).suspicion.add(suspects)
        if circuit not in self._busy:
            self._begin(circuit, self._heal(circuit), "heal a circuit")

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
        failure = await self._try(circuit)
        if failure is None:
            self.outcomes["renewed"] += 1
        elif circuit.is_usable or circuit.is_over:
            circuit.renew_after = Seconds(self._clock.monotonic() + RENEW_AGAIN_S)
            self.outcomes["not_renewed"] += 1
            _log.info("a circuit was not renewed", reason=failure.reason)
        else:
            await self._heal(circuit)

    async def _heal(self, circuit: Circuit) -> None:
        began_at = routed_at = self._clock.monotonic()
        wait_s, failures = RETRY_FIRST_S, 0
        healed_at = self._case(circuit).healed_at
        if healed_at is not None and began_at - healed_at < HEALTHY_S:
            await asyncio.sleep(RETRY_MAX_S)
        while not circuit.is_over:
            failure = await self._try(circuit)
            now = self._clock.monotonic()
            if failure is None:
                self._healed(circuit, Seconds(now - began_at), failures)
                return
            failures += 1
            if not failure.is_no_route:
                routed_at = now
            if now - began_at >= GIVE_UP_S or now - routed_at >= NO_ROUTE_S:
                self._give_up(circuit, failure, Seconds(now - began_at))
            elif circuit.stream_count == 0:
                circuit.end(TeardownReason.CLOSED)
            else:
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, RETRY_MAX_S)
        if circuit.is_forgotten:
            self.outcomes["forgotten"] += 1
            _log.warning("a circuit is lost", reason="its exit does not know it any more")

    def _healed(self, circuit: Circuit, after_s: Seconds, failures: int) -> None:
        case = self._case(circuit)
        case.healed_at = self._clock.monotonic()
        self.outcomes["healed"] += 1
        _log.info("a circuit healed", after_s=round(after_s, 3))
        suspects = case.suspicion.still_suspect(circuit.hops)
        if failures and suspects:
            self._witness.lost(suspects)  # once, however many attempts it took

    def _give_up(self, circuit: Circuit, failure: "_Failure", after_s: Seconds) -> None:
        self.outcomes["given_up"] += 1
        _log.warning(
            "a circuit is given up",
            reason=failure.reason,
            streams=circuit.stream_count,
            after_s=round(after_s, 3),
        )
        circuit.give_up()

    # -- one attempt -------------------------------------------------------------------------

    async def _try(self, circuit: Circuit) -> "_Failure | None":
        """Find a trip and have the exit take the circuit up over it; None: it did."""
        try:
            trip = await self._find(circuit)
        except NoAnswer as problem:
            return _Failure(problem.reason)
        except CannotServe as problem:
            return _Failure(problem.reason, is_no_route=problem.code is ResetCode.NO_ROUTE)
        self._expect(trip)
        attached = circuit.take(trip)
        if attached is None:
            trip.end(TeardownReason.CLOSED)
            return _Failure("the trip could not begin")
        if await attached and circuit.is_usable:
            return None
        self._case(circuit).suspicion.add(trip.plan.over_hops + trip.plan.back_hops)
        return _Failure("the new route was lost at once")

    async def _find(self, circuit: Circuit) -> LiveTrip:
        problem = CannotServe(ResetCode.NO_ROUTE, "no way leads to the exit")
        for avoid in self._case(circuit).suspicion.avoidances():
            wish = RouteRequested(exit=circuit.exit, resumes=True, avoid=avoid)
            try:
                return await self._builder.trip(wish, circuit, on_over=self._on_over)
            except NoAnswer:
                raise
            except CannotServe as refused:
                problem = refused
                if refused.code is not ResetCode.NO_ROUTE:
                    break
        raise problem

    def _case(self, circuit: Circuit) -> "_Case":
        """Return what is known of a circuit; a new case when it was well for long enough."""
        assert circuit.exit is not None
        case = self._cases.get(circuit)
        if case is None or self._well_for_s(case) >= FORGIVEN_S:
            case = self._cases[circuit] = _Case(Suspicion(circuit.exit))
        return case

    def _well_for_s(self, case: "_Case") -> float:
        return 0.0 if case.healed_at is None else self._clock.monotonic() - case.healed_at


@dataclass(slots=True)
class _Case:
    """A circuit's story.

    Args:
        suspicion: what speaks against which nodes.
        healed_at: when it was healed.
    """

    suspicion: Suspicion
    healed_at: Seconds | None = None  # None: not yet


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why an attempt came to nothing.

    Args:
        reason: for the log.
        is_no_route: gossip knows no way at all.
    """

    reason: str
    is_no_route: bool = False

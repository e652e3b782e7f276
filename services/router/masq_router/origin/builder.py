"""Build circuits: ask gossip for a route and the accountant for proofs, then seal and send."""

from collections.abc import Callable

from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, BusTimeout, BusUnavailable, Refusal
from masq_kernel.bus.messages.accountant import SignProofsRequested
from masq_kernel.bus.messages.gossip import RouteRequested
from masq_kernel.bus.port import Bus
from masq_kernel.chains import Chain
from masq_kernel.clock import Clock
from masq_kernel.entropy import Entropy
from masq_kernel.errors import MalformedError
from masq_kernel.identity.keys import NodeId
from masq_kernel.units import UnixSeconds
from masq_router.lifecycle import LiveSessions
from masq_router.links.link import Link
from masq_router.origin.circuit import Circuit
from masq_router.origin.errors import CannotServe
from masq_router.origin.plan import Originator, RoundTrip, draft_round_trip
from masq_router.origin.witness import Witness
from masq_router.streams.errors import ResetCode

__all__ = ["SESSION_LIFETIME_S", "CircuitBuilder"]

SESSION_LIFETIME_S = 600
"""Ten minutes (protocol.md 4.1)."""


class CircuitBuilder:
    """Makes circuits.

    Args:
        chain: ours.
        originator: gives us as the end of a back route, with our current onion key.
        bus: to gossip and accountant.
        live: where sessions are entered.
        find_link: the link with a neighbor, if there is one.
        clock, entropy: expiries and secrets.
        witness: told how the routes do.
    """

    def __init__(
        self,
        *,
        chain: Chain,
        originator: Callable[[], Originator],
        bus: Bus,
        live: LiveSessions,
        find_link: Callable[[NodeId], Link | None],
        clock: Clock,
        entropy: Entropy,
        witness: Witness,
    ) -> None:
        self._chain, self._originator, self._bus, self._live = chain, originator, bus, live
        self._find_link, self._clock, self._entropy = find_link, clock, entropy
        self.witness = witness

    async def build(
        self,
        wish: RouteRequested,
        *,
        expect: Callable[[Circuit], None],
        on_over: Callable[[Circuit], None],
    ) -> Circuit:
        """Return a circuit whose SETUP is on its way.

        Args:
            wish: over which route.
            expect: called before anything is sent, so that the back route finds its circuit.
            on_over: called when the circuit can no longer be used.

        Raises:
            CannotServe: no route, no wallet, or a service of ours does not answer.
        """
        trip = await self._plan(wish)
        link = self._find_link(trip.first)
        if link is None:
            raise CannotServe(ResetCode.NO_ROUTE)
        circuit = Circuit(
            trip=trip,
            link=link,
            live=self._live,
            clock=self._clock,
            witness=self.witness,
            on_over=on_over,
        )
        expect(circuit)
        if not circuit.start():
            circuit.end_quietly()
            raise CannotServe(ResetCode.NO_ROUTE)
        return circuit

    async def _plan(self, wish: RouteRequested) -> RoundTrip:
        try:
            found = await self._bus.request(subjects.ROUTE, wish)
            expires_at = UnixSeconds(self._clock.unix() + SESSION_LIFETIME_S)
            draft = draft_round_trip(
                self._chain, self._originator(), found, self._entropy, expires_at
            )
            asked = SignProofsRequested(proofs=draft.proofs())
            signed = await self._bus.request(subjects.SIGN_PROOFS, asked)
            return draft.complete(signed.wallet, signed.signatures, self._entropy)
        except BusRefused as refused:
            raise CannotServe(_code_of(refused.code)) from None
        except (BusTimeout, BusUnavailable, MalformedError):
            raise CannotServe(ResetCode.NO_ROUTE) from None


def _code_of(refusal: Refusal) -> ResetCode:
    return ResetCode.NO_WALLET if refusal is Refusal.NO_WALLET else ResetCode.NO_ROUTE

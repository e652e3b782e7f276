"""Build trips: ask gossip for a route and the accountant for proofs, then seal."""

from collections.abc import Callable

import msgspec

from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, BusTimeout, BusUnavailable, Refusal
from masq_kernel.bus.messages.accountant import ProofsSigned, SignProofsRequested
from masq_kernel.bus.messages.gossip import RouteRequested
from masq_kernel.bus.port import Bus
from masq_kernel.chains import Chain
from masq_kernel.clock import Clock
from masq_kernel.entropy import Entropy
from masq_kernel.errors import MalformedError
from masq_kernel.identity.keys import NodeId
from masq_kernel.units import UnixSeconds, Wei
from masq_router.lifecycle import LiveSessions
from masq_router.links.link import Link
from masq_router.onion.geometry import SECRET_SIZE
from masq_router.origin.errors import CannotServe, NoAnswer
from masq_router.origin.plan import Originator, Proof, RoundTrip, draft_round_trip
from masq_router.origin.trip import LiveTrip, TripOwner
from masq_router.streams.errors import ResetCode

__all__ = ["SESSION_LIFETIME_S", "TripBuilder"]

SESSION_LIFETIME_S = 600
"""Ten minutes (protocol.md 4.1), unless the settings say otherwise."""


class TripBuilder:
    """Makes trips.

    Args:
        chain: ours.
        originator: gives us as the end of a back route, with our current onion key.
        bus: to gossip and accountant.
        live: where sessions are entered.
        find_link: the link with a neighbor, if there is one.
        clock, entropy: expiries and secrets.
        lifetime_s: of each trip.
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
        lifetime_s: int = SESSION_LIFETIME_S,
    ) -> None:
        self._chain, self._originator, self._bus, self._live = chain, originator, bus, live
        self._find_link, self._clock, self._entropy = find_link, clock, entropy
        self.lifetime_s = lifetime_s

    def secret(self) -> bytes:
        """Return a name for a new association, 32 bytes."""
        return self._entropy.token(SECRET_SIZE)

    async def trip(
        self, wish: RouteRequested, owner: TripOwner, *, on_over: Callable[[LiveTrip], None]
    ) -> LiveTrip:
        """Return a trip of which nothing has been sent yet.

        Args:
            wish: over which route.
            owner: whom it will carry.
            on_over: called when it has ended.

        Raises:
            CannotServe: no route, no wallet, or a service of ours does not answer.
        """
        plan = await self._plan(wish)
        link = self._find_link(plan.first)
        if link is None and plan.first != wish.exit:  # maybe only another process has one
            plan = await self._plan(_around(wish, plan.first))
            link = self._find_link(plan.first)
        if link is None:
            raise CannotServe(ResetCode.NO_ROUTE, "the link with the first relay is gone")
        return LiveTrip(
            plan=plan, link=link, live=self._live, clock=self._clock, owner=owner, on_over=on_over
        )

    async def _plan(self, wish: RouteRequested) -> RoundTrip:
        try:
            found = await self._bus.request(subjects.ROUTE, wish)
            expires_at = UnixSeconds(self._clock.unix() + self.lifetime_s)
            draft = draft_round_trip(
                self._chain, self._originator(), found, self._entropy, expires_at
            )
            asked = SignProofsRequested(proofs=draft.proofs())
            signed = await self._bus.request(subjects.SIGN_PROOFS, asked)
            return draft.complete(_proofs(signed), self._entropy)
        except BusRefused as refused:
            raise CannotServe(_code_of(refused.code), refused.reason) from None
        except (BusTimeout, BusUnavailable, MalformedError) as problem:
            raise NoAnswer(str(problem)) from None


def _around(wish: RouteRequested, node_id: NodeId) -> RouteRequested:
    return msgspec.structs.replace(wish, avoid=(*wish.avoid, node_id))


def _proofs(signed: ProofsSigned) -> list[Proof]:
    return [
        Proof(wallet, signature, Wei(int(owed)), signed.sequence)
        for wallet, signature, owed in zip(
            signed.wallets, signed.signatures, signed.owed, strict=True
        )
    ]


def _code_of(refusal: Refusal) -> ResetCode:
    return ResetCode.NO_WALLET if refusal is Refusal.NO_WALLET else ResetCode.NO_ROUTE

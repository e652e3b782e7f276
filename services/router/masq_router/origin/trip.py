"""A round trip in use: the two sessions that carry an association, over and back.

    new -> carrying -> retired -> over

A retired trip carries nothing more: another has taken its place. Its sessions live on until what
was under way has arrived and is counted, so that both books see the same packages.
"""

import hmac
from collections.abc import Callable, Sequence
from typing import Protocol

from masq_kernel.bus.messages.router import SessionState
from masq_kernel.clock import Clock
from masq_kernel.identity.keys import NodeId
from masq_kernel.units import ByteCount, Seconds, UnixSeconds
from masq_router.ends.pump import Pump
from masq_router.errors import StreamProtocolError
from masq_router.lifecycle import LiveSessions
from masq_router.links.link import Link
from masq_router.metering import Counter, Meter
from masq_router.onion.hops import HopBlock
from masq_router.origin.plan import RoundTrip
from masq_router.origin.watch import RouteWatch
from masq_router.sessions import Port
from masq_router.streams.association import Association
from masq_router.wire.frames import TeardownReason

__all__ = ["LiveTrip", "OverSession", "ReturnSession", "TripOwner"]


_OF_OTHER_WAY = frozenset({TeardownReason.OTHER_WAY_GONE, TeardownReason.OTHER_WAY_REFUSED})


class TripOwner(Protocol):
    """Whom a trip carries."""

    association: Association

    def on_package(self, trip: "LiveTrip", package: memoryview) -> None:
        """A plaintext package from the exit.

        Raises:
            StreamProtocolError: it breaks the rules; the trip ends.
        """
        ...

    def on_trip_lost(
        self, trip: "LiveTrip", reason: TeardownReason, suspects: Sequence[NodeId]
    ) -> None:
        """The trip has ended without our asking; these nodes may be at fault."""
        ...


class LiveTrip:
    """One round trip.

    Args:
        plan: keys, tags and counters.
        link: with the first hop.
        live: where its sessions are entered.
        clock: for silence.
        owner: whom it carries.
        on_over: called once when it has ended.
    """

    def __init__(
        self,
        *,
        plan: RoundTrip,
        link: Link,
        live: LiveSessions,
        clock: Clock,
        owner: TripOwner,
        on_over: Callable[["LiveTrip"], None],
    ) -> None:
        self.plan, self._link, self._live, self._clock = plan, link, live, clock
        self._owner, self._on_over = owner, on_over
        self.opened_at = clock.unix()
        self.begun_at = clock.monotonic()
        self.watch = RouteWatch(self.begun_at)
        self.is_over = False
        self._over = OverSession(self)
        self._return: ReturnSession | None = None
        self._pump = Pump(
            association=owner.association,
            egress=link.egress,
            key=self._over,
            tag=plan.over_tag,
            seal=self._seal,
        )

    @property
    def exit(self) -> NodeId:
        """Where it leads."""
        return self.plan.over_hops[-1]

    # -- life --------------------------------------------------------------------------------

    def start(self, secret: bytes) -> bool:
        """Send SETUP and ATTACH; False: our random tag was taken, make another trip."""
        port = Port(session=self._over, link=self._link, tag=self.plan.over_tag, is_upstream=False)
        if not self._live.begin(self._over, port):
            return False
        self._link.send_setup(self.plan.over_setup)
        self._owner.association.attach(secret, self.plan.way_back, hint=self.plan.hint)
        self._pump.wake()
        return True

    def arrive(self, link: Link, tag: bytes, block: HopBlock) -> TeardownReason | None:
        """Our back route's SETUP has come round."""
        if self._return is not None or not hmac.compare_digest(
            block.secret, self.plan.return_secret
        ):
            return TeardownReason.PROTOCOL_ERROR
        session = ReturnSession(self, link)
        port = Port(session=session, link=link, tag=tag, is_upstream=True)
        if not self._live.begin(session, port):
            return TeardownReason.PROTOCOL_ERROR
        self._return = session
        return None

    def wake(self) -> None:
        """There may be something to send."""
        self._pump.wake()

    def flush(self) -> None:
        """Send what there is now, as far as the link takes it."""
        self._pump.flush()

    def retire(self) -> None:
        """Carry nothing more; `end` follows when what is under way has arrived."""
        self._pump.stop()

    def end(self, reason: TeardownReason) -> None:
        """End both sessions; further calls change nothing."""
        if self.is_over:
            return
        self.is_over = True
        self._pump.stop()
        self._live.end(self._over, reason)
        if self._return is not None:
            self._live.end(self._return, reason)
        self._on_over(self)

    def lose(self, reason: TeardownReason, suspects: Sequence[NodeId]) -> None:
        """End, and tell the owner, who did not ask for it."""
        if not self.is_over:
            self.end(reason)
            self._owner.on_trip_lost(self, reason, suspects)

    # -- who is at fault ---------------------------------------------------------------------

    def over_lost(self, reason: TeardownReason) -> None:
        """The over session was torn down."""
        if not self._link.is_open:
            suspects = self.plan.over_hops[:1]
        elif reason in _OF_OTHER_WAY:
            suspects = self._back_side()
        else:
            suspects = self.plan.over_hops
        self.lose(reason, suspects)

    def return_lost(self, reason: TeardownReason, link: Link) -> None:
        """The return session was torn down."""
        if link.is_sibling and not link.is_open:
            suspects: tuple[NodeId, ...] = ()  # a process of our own
        elif not link.is_open:
            suspects = self._back_side()[:1]
        elif reason in _OF_OTHER_WAY:
            suspects = self.plan.over_hops
        else:
            suspects = self._back_side()
        self.lose(reason, suspects)

    def fall_silent(self) -> None:
        """It no longer answers: anybody may be at fault."""
        everybody = self.plan.over_hops + self.plan.back_hops
        self.lose(TeardownReason.NEXT_HOP_GONE, everybody)

    def _back_side(self) -> tuple[NodeId, ...]:
        """Return the back route's nodes, the nearest first."""
        return (*reversed(self.plan.back_hops), self.exit)

    # -- packages ----------------------------------------------------------------------------

    def _seal(self, package: bytes) -> bytes:
        self.plan.over_counter.add(len(package))
        for layer in self.plan.over_layers:
            package = layer.seal(package)
        return package

    def receive(self, body: memoryview) -> None:
        """Take one package from the exit.

        Raises:
            RemoteProtocolError: changed on the way, or against the rules.
        """
        package: bytes | memoryview = body
        for layer in self.plan.back_layers:
            package = layer.open(package)
        self.plan.back_counter.add(len(package))
        self.watch.heard(self._clock.monotonic())
        self._owner.on_package(self, memoryview(package))
        self._pump.wake()

    def latency_s(self) -> Seconds:
        """Return how long ago it began."""
        return Seconds(self._clock.monotonic() - self.begun_at)

    def state(
        self, now: UnixSeconds, counter: Counter, meters: Sequence[Meter], *, is_over: bool
    ) -> SessionState:
        """Show one of its sessions to the operator."""
        return SessionState(
            session_id=self.plan.session_id,
            role="origin",
            direction="over" if is_over else "back",
            age_s=float(now - self.opened_at),
            packages=counter.packages,
            size=ByteCount(counter.size),
            amount=str(sum(meter.amount for meter in meters)),
            hops=self.plan.over_hops if is_over else self.plan.back_hops,
        )


class OverSession:
    """The over route as its originator sees it: packages leave, only TEARDOWN comes."""

    def __init__(self, trip: LiveTrip) -> None:
        self._trip = trip
        self.session_id = trip.plan.session_id
        self.expires_at = trip.plan.expires_at
        self.meters = trip.plan.over_meters

    def state(self, now: UnixSeconds) -> SessionState:
        """Show it to the operator."""
        return self._trip.state(now, self._trip.plan.over_counter, self.meters, is_over=True)

    def on_data(self, body: memoryview) -> None:
        """DATA never comes in here.

        Raises:
            StreamProtocolError: always.
        """
        raise StreamProtocolError(f"{len(body)} bytes against the direction of an over route")

    def on_torn_down(self, reason: TeardownReason) -> None:
        """Without a way over the trip is lost."""
        self._trip.over_lost(reason)


class ReturnSession:
    """The back route where it arrives."""

    def __init__(self, trip: LiveTrip, link: Link) -> None:
        self._trip, self._link = trip, link
        self.session_id = trip.plan.session_id
        self.expires_at = trip.plan.expires_at
        self.meters = trip.plan.back_meters

    def state(self, now: UnixSeconds) -> SessionState:
        """Show it to the operator."""
        return self._trip.state(now, self._trip.plan.back_counter, self.meters, is_over=False)

    def on_data(self, body: memoryview) -> None:
        """Take one package from the exit.

        Raises:
            RemoteProtocolError: changed on the way, or against the rules.
        """
        self._trip.receive(body)

    def on_torn_down(self, reason: TeardownReason) -> None:
        """Without a way back the trip is lost."""
        self._trip.return_lost(reason, self._link)

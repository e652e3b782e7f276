"""One over session that ends here, and the back session that answers it.

    new -> carrying -> retired -> over

DATA comes in on the over session; what goes back leaves on a back session, which begins here. The
way back comes in ATTACH, the first frame on every over route, together with the association that
the route is to carry. Both sessions end together; the association may live on and be carried by
another pair. A retired pair still opens and counts what was on its way, until its originator ends
it, so that both books see the same packages.

Where several processes of a node share the work, an ATTACH may name an association that another one
serves. Then the session is *displaced*: what has arrived waits unopened while they are asked, and
goes to whoever has it together with the SETUP, as if it had come to them (workers/handover.py).
"""

from collections.abc import Callable
from typing import Protocol

from masq_kernel.bus.messages.router import SessionState
from masq_kernel.chains import Chain
from masq_kernel.identity.keys import NodeId
from masq_kernel.units import ByteCount, UnixSeconds
from masq_router.egress import SESSION_QUEUE_MAX
from masq_router.ends.pump import Pump
from masq_router.errors import RemoteProtocolError, StreamProtocolError
from masq_router.exit.associations import Associations, secret_hash
from masq_router.exit.streams import ExitStreams
from masq_router.lifecycle import LiveSessions
from masq_router.links.link import Link
from masq_router.metering import Counter, Meter
from masq_router.onion.geometry import LINK_TAG_SIZE
from masq_router.onion.hops import HopBlock
from masq_router.onion.layers import Layer, end_to_end_layer, session_id
from masq_router.sessions import Port
from masq_router.streams.attach import Attach, refusal_package
from masq_router.wire.frames import TeardownReason
from masq_router.workers.handover import carried

__all__ = ["BackSession", "Elsewhere", "ExitSession"]

WAITING_MAX = SESSION_QUEUE_MAX
"""Bytes that may arrive while other processes are asked, a moment."""

ASKING_PACKAGES_MAX = 8
"""Of a session that may only ask: one is enough."""

_REFUSALS = frozenset(
    {
        TeardownReason.REFUSED_BANNED,
        TeardownReason.REFUSED_PRICE,
        TeardownReason.REFUSED_PROOF,
        TeardownReason.REFUSED_CREDIT,
    }
)

_PLAIN_ENDS = frozenset({TeardownReason.CLOSED, TeardownReason.EXPIRED})
"""What ends one direction ends the other for the same reason."""


class Elsewhere(Protocol):
    """Finds what another process of this node serves."""

    def seek(self, secret_hash: bytes, then: Callable[[Link | None], None]) -> bool:
        """Find who serves an association; `then` gets the link. False: there is nobody to ask."""
        ...


class _Displaced:
    """A session before it is known which process serves it.

    Args:
        elsewhere: finds that.
        link, setup: where it came from, and as what.
    """

    def __init__(self, elsewhere: Elsewhere, link: Link, setup: bytes) -> None:
        self.elsewhere, self.link, self.setup = elsewhere, link, setup
        self.bodies: list[bytes] = []
        self.size = 0

    def wait(self, body: memoryview) -> bool:
        """Keep a package as it came; False: that is too much."""
        self.bodies.append(bytes(body))
        self.size += len(body)
        return self.size <= WAITING_MAX


class ExitSession:
    """One over session that ends here.

    Args:
        chain: ours.
        block: what the originator told us.
        live: where both sessions are entered.
        find_link: the link with a neighbor, if there is one.
        associations: whom it may carry.
        opened_at: now.
        asks_only: its payer is refused credit, and may do no more than ask what it owes.
    """

    def __init__(
        self,
        *,
        chain: Chain,
        block: HopBlock,
        live: LiveSessions,
        find_link: Callable[[NodeId], Link | None],
        associations: Associations,
        opened_at: UnixSeconds,
        asks_only: bool = False,
    ) -> None:
        self._asks_only = asks_only
        assert block.wallet is not None
        assert block.rates is not None
        self._chain, self._live, self._find_link = chain, live, find_link
        self._associations, self._wallet, self._hint = associations, block.wallet, block.hint
        self.session_id = session_id(chain, block.secret)
        self.expires_at = block.expires_at
        self._opened_at = opened_at
        self._layer: Layer = end_to_end_layer(chain, block.secret)
        self._over, self._back = Counter(), Counter()
        self._meter = Meter(
            session_id=self.session_id,
            side="provided",
            service="exit",
            wallet=block.wallet,
            rates=block.rates,
            counters=(self._over, self._back),
        )
        self.meters = (self._meter,)
        self._streams: ExitStreams | None = None
        self._is_retired = False
        self._way_back: BackSession | None = None
        self._pump: Pump | None = None
        self._displaced: _Displaced | None = None
        self._is_seeking = False

    def may_be_elsewhere(self, elsewhere: Elsewhere, link: Link, setup: bytes) -> None:
        """What its ATTACH names may be served by another process of this node."""
        self._displaced = _Displaced(elsewhere, link, setup)

    def state(self, now: UnixSeconds) -> SessionState:
        """Show it to the operator."""
        packages, size = self._meter.totals
        return SessionState(
            session_id=self.session_id,
            role="exit",
            direction="over",
            age_s=float(now - self._opened_at),
            packages=packages,
            size=ByteCount(size),
            amount=str(self._meter.amount),
        )

    def on_data(self, body: memoryview) -> None:
        """Take one package from the originator.

        Raises:
            RemoteProtocolError: changed on the way, or against the rules.
        """
        if self._asks_only and self._over.packages >= ASKING_PACKAGES_MAX:
            self.end(TeardownReason.REFUSED_CREDIT)
            return
        if self._is_seeking:
            assert self._displaced is not None
            if not self._displaced.wait(body):
                self.end(TeardownReason.OVERLOAD)
            return
        package = memoryview(self._layer.open(body))
        if self._displaced is not None and self._seek(package, body):
            return
        self._on_package(package)

    def _on_package(self, package: memoryview) -> None:
        self._over.add(len(package))
        if self._is_retired:
            return
        if self._way_back is None:
            attach, end = Attach.pop(package, 0)
            if not self._take_up(attach):
                return
            package = package[end:]
        assert self._streams is not None
        self._streams.association.receive(package)
        self.wake()

    def on_torn_down(self, reason: TeardownReason) -> None:
        """The session has ended, and with it the way back; what it carried may wait for another."""
        if self._pump is not None:
            self._pump.stop()
        if self._way_back is not None:
            self._live.end(self._way_back, _of_other_way(reason))
        if self._streams is not None and self._streams.carrier is self:
            self._streams.carrier = None
            self._associations.lost(self._streams)

    def end(self, reason: TeardownReason) -> None:
        """End both directions."""
        self._live.end(self, reason)

    # -- Carrier -----------------------------------------------------------------------------

    def wake(self) -> None:
        """There may be something to send."""
        if self._pump is not None:
            self._pump.wake()

    def retire(self) -> None:
        """Another pair of sessions carries the association now."""
        self._is_retired = True
        if self._pump is not None:
            self._pump.stop()

    # -- another process serves it -----------------------------------------------------------

    def _seek(self, package: memoryview, body: memoryview) -> bool:
        """Ask the other processes for what this ATTACH names; False: there is no need."""
        displaced = self._displaced
        assert displaced is not None
        attach, _ = Attach.pop(package, 0)
        wanted = secret_hash(attach.secret)
        self._is_seeking = (
            attach.must_exist
            and not self._associations.is_here(wanted)
            and displaced.elsewhere.seek(wanted, lambda sibling: self._found(sibling, package))
        )
        if self._is_seeking:
            displaced.wait(body)
        else:
            self._displaced = None
        return self._is_seeking

    def _found(self, sibling: Link | None, package: memoryview) -> None:
        """Another process serves it, or none does."""
        displaced, self._displaced, self._is_seeking = self._displaced, None, False
        if displaced is None or self not in self._live.table:
            return
        if sibling is not None:
            self._move_to(sibling, displaced)
            return
        try:
            self._on_package(package)
            for body in displaced.bodies[1:]:
                self.on_data(memoryview(body))
        except RemoteProtocolError:
            self.end(TeardownReason.PROTOCOL_ERROR)

    def _move_to(self, sibling: Link, displaced: _Displaced) -> None:
        successor, ports = carried(displaced.link, sibling, displaced.setup, self.expires_at)
        if not self._live.hand_over(self, successor, *ports):
            displaced.link.send_teardown(ports[0].tag, TeardownReason.PROTOCOL_ERROR)
            return
        sibling.send_setup(displaced.setup)
        for body in displaced.bodies:
            successor.forward(body)

    # -- taking up an association ------------------------------------------------------------

    def _take_up(self, attach: Attach) -> bool:
        """Carry what ATTACH names; False: it cannot be, and the originator has been told.

        The way back is tried first: while it fails, a route that serves the association stays.
        """
        if self._asks_only and attach.must_exist:
            self.end(TeardownReason.REFUSED_CREDIT)  # its streams wait for a better word
            return False
        link = self._find_link(attach.way_back.first)
        if link is None:
            self.end(TeardownReason.OTHER_WAY_GONE)
            return False
        tag = attach.way_back.setup[:LINK_TAG_SIZE]
        back = BackSession(self)
        if not self._live.begin(back, Port(session=back, link=link, tag=tag, is_upstream=False)):
            raise StreamProtocolError("a way back under a tag that is taken")
        self._way_back = back
        link.send_setup(attach.way_back.setup)
        streams = self._associations.find(attach, self._wallet, asks_only=self._asks_only)
        seal = self._sealer(attach.way_back.secret)
        if streams is None:
            link.egress.send(back, tag, seal(refusal_package(attach.epoch, hint=self._hint)))
            self.end(TeardownReason.CLOSED)
            return False
        streams.association.adopt(attach, hint=self._hint)
        if streams.carrier is not None:
            streams.carrier.retire()
        streams.carrier, self._streams = self, streams
        self._associations.carried(attach.secret, streams)
        self._pump = Pump(
            association=streams.association, egress=link.egress, key=back, tag=tag, seal=seal
        )
        return True

    def _sealer(self, back_secret: bytes) -> Callable[[bytes], bytes]:
        layer, counter = end_to_end_layer(self._chain, back_secret), self._back

        def seal(package: bytes) -> bytes:
            counter.add(len(package))
            return layer.seal(package)

        return seal


class BackSession:
    """The beginning of a back route; without it there is nothing left to do.

    Args:
        answers: the over session that it belongs to.
    """

    def __init__(self, answers: ExitSession) -> None:
        self._answers = answers
        self.session_id = answers.session_id
        self.expires_at = answers.expires_at
        self.meters: tuple[Meter, ...] = ()  # the over session's meter counts both directions

    def state(self, now: UnixSeconds) -> None:
        """Show nothing: the over session shows both."""

    def on_data(self, body: memoryview) -> None:
        """DATA never comes in here.

        Raises:
            StreamProtocolError: always.
        """
        raise StreamProtocolError(f"{len(body)} bytes against the direction of a back route")

    def on_torn_down(self, reason: TeardownReason) -> None:
        """End the over session too."""
        self._answers.end(_of_other_way(reason))


def _of_other_way(reason: TeardownReason) -> TeardownReason:
    if reason in _REFUSALS:
        return TeardownReason.OTHER_WAY_REFUSED
    return reason if reason in _PLAIN_ENDS else TeardownReason.OTHER_WAY_GONE

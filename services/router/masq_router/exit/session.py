"""One over session that ends here, and the back session that answers it.

DATA comes in on the over session; what goes back leaves on a back session, which begins here. The
way back comes in ATTACH, which is the first frame of an honest originator. Both end together.
"""

from collections.abc import Callable

from masq_kernel.bus.messages.router import SessionState
from masq_kernel.chains import Chain
from masq_kernel.identity.keys import NodeId
from masq_kernel.units import ByteCount, UnixSeconds
from masq_router.ends.pump import Pump
from masq_router.errors import StreamProtocolError
from masq_router.exit.streams import ExitStreams
from masq_router.lifecycle import LiveSessions
from masq_router.links.link import Link
from masq_router.metering import Counter, Meter
from masq_router.onion.geometry import LINK_TAG_SIZE
from masq_router.onion.hops import HopBlock
from masq_router.onion.layers import Layer, end_to_end_layer, session_id
from masq_router.sessions import Port
from masq_router.streams.frames import Attach
from masq_router.wire.frames import TeardownReason

__all__ = ["BackSession", "ExitSession"]


class ExitSession:
    """One over session that ends here.

    Args:
        chain: ours.
        block: what the originator told us.
        live: where both sessions are entered.
        find_link: the link with a neighbor, if there is one.
        make_streams: makes the association's sockets, given its hint, ATTACH handler and wake.
        opened_at: now.
    """

    def __init__(
        self,
        *,
        chain: Chain,
        block: HopBlock,
        live: LiveSessions,
        find_link: Callable[[NodeId], Link | None],
        make_streams: Callable[[int, Callable[[Attach], None], Callable[[], None]], ExitStreams],
        opened_at: UnixSeconds,
    ) -> None:
        assert block.wallet is not None
        assert block.rates is not None
        self._chain, self._live, self._find_link = chain, live, find_link
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
        self.streams = make_streams(block.hint, self._on_attach, self._wake)
        self._way_back: BackSession | None = None
        self._pump: Pump | None = None

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
        package = self._layer.open(body)
        self._over.add(len(package))
        self.streams.association.receive(memoryview(package))
        if self._way_back is None:
            raise StreamProtocolError("an originator that does not begin with ATTACH")
        self._wake()

    def on_torn_down(self, reason: TeardownReason) -> None:
        """The session has ended: cut every socket, and the way back."""
        if self._pump is not None:
            self._pump.stop()
        self.streams.close()
        if self._way_back is not None:
            self._live.end(self._way_back, reason)

    def end(self, reason: TeardownReason) -> None:
        """End both directions."""
        self._live.end(self, reason)

    def _on_attach(self, attach: Attach) -> None:
        if self._way_back is not None:
            raise StreamProtocolError("a second ATTACH")
        link = self._find_link(attach.back_first)
        if link is None:
            raise StreamProtocolError("a way back that begins at no neighbor of ours")
        tag = attach.back_setup[:LINK_TAG_SIZE]
        back = BackSession(self)
        if not self._live.begin(back, Port(session=back, link=link, tag=tag, is_upstream=False)):
            raise StreamProtocolError("a way back under a tag that is taken")
        self._way_back = back
        link.send_setup(attach.back_setup)
        self._pump = Pump(
            association=self.streams.association,
            egress=link.egress,
            key=back,
            tag=tag,
            seal=self._sealer(attach.back_secret),
        )

    def _sealer(self, back_secret: bytes) -> Callable[[bytes], bytes]:
        layer, counter = end_to_end_layer(self._chain, back_secret), self._back

        def seal(package: bytes) -> bytes:
            counter.add(len(package))
            return layer.seal(package)

        return seal

    def _wake(self) -> None:
        if self._pump is not None:
            self._pump.wake()


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
        self._answers.end(reason)

"""One round trip in use: an association at our end, and the two sessions that carry it.

    open -> draining -> lost or closed

A circuit is lost when either session is torn down or when probes go unanswered. Streams that were
not connected yet may be tried on another circuit; those that were are reset.
"""

import hmac
from collections.abc import Callable
from typing import Protocol

from masq_kernel.bus.messages.router import SessionState
from masq_kernel.clock import Clock
from masq_kernel.identity.keys import NodeId
from masq_kernel.units import ByteCount, Seconds, UnixSeconds
from masq_router.ends.pump import Pump
from masq_router.errors import StreamProtocolError
from masq_router.lifecycle import LiveSessions
from masq_router.links.link import Link
from masq_router.onion.hops import HopBlock
from masq_router.origin.plan import RoundTrip
from masq_router.origin.witness import Witness
from masq_router.sessions import Port
from masq_router.streams.association import Association, Role
from masq_router.streams.errors import ResetCode
from masq_router.streams.frames import Attach, Open
from masq_router.wire.frames import TeardownReason

__all__ = ["Circuit", "ClientStream", "OverSession", "ReturnSession"]

PROBE_AFTER_S = 5.0
"""Silence on a circuit with streams after which we ask the exit to answer."""

BLAMELESS = frozenset({TeardownReason.CLOSED, TeardownReason.EXPIRED})
"""Reasons for which a session ends that are nobody's fault."""

LOST_AFTER_S = 15.0
"""Silence after such a question at which the route is given up."""


class ClientStream(Protocol):
    """The client's end of one stream, as the circuit sees it."""

    def on_opened(self, circuit: "Circuit", stream_id: int) -> None:
        """The exit is connected."""
        ...

    def on_data(self, data: memoryview) -> None:
        """Bytes for the client."""
        ...

    def on_fin(self) -> None:
        """The server has sent its last byte."""
        ...

    def on_reset(self, code: ResetCode) -> None:
        """The stream is over."""
        ...

    def on_writable(self) -> None:
        """The stream takes bytes again."""
        ...

    def on_circuit_lost(self) -> None:
        """The route is gone, and the stream with it."""
        ...


class Circuit:
    """One association and its round trip.

    Args:
        trip: keys, tags and counters.
        link: with the first hop.
        live: where its sessions are entered.
        clock: for probes.
        witness: told how the route does.
        on_over: called once when it can no longer be used.
    """

    def __init__(
        self,
        *,
        trip: RoundTrip,
        link: Link,
        live: LiveSessions,
        clock: Clock,
        witness: Witness,
        on_over: Callable[["Circuit"], None],
    ) -> None:
        self.trip, self._live, self._clock, self._on_over = trip, live, clock, on_over
        self._witness = witness
        self.opened_at = clock.unix()
        self._begun_at = self._heard_at = clock.monotonic()
        self._has_served = False
        self._probed_at: Seconds | None = None
        self._clients: dict[int, ClientStream] = {}
        self._is_over = False
        self.association = Association(Role.ORIGIN, self, hint=trip.hint)
        self._over = OverSession(self)
        self._return: ReturnSession | None = None
        self._pump = Pump(
            association=self.association,
            egress=link.egress,
            key=self._over,
            tag=trip.over_tag,
            seal=self._seal,
        )
        self._link = link

    def start(self) -> bool:
        """Send the SETUP and ATTACH; False: our random tag was taken, make another circuit."""
        port = Port(session=self._over, link=self._link, tag=self.trip.over_tag, is_upstream=False)
        if not self._live.begin(self._over, port):
            return False
        self._link.send_setup(self.trip.over_setup)
        self.association.attach(self.trip.attach)
        self.association.probe(0)
        self._pump.wake()
        return True

    # -- streams -----------------------------------------------------------------------------

    @property
    def stream_count(self) -> int:
        """Streams alive."""
        return len(self._clients)

    @property
    def is_over(self) -> bool:
        """Whether it can no longer be used."""
        return self._is_over

    def open(self, host: str, port: int, client: ClientStream) -> int:
        """Ask the exit for a connection; `client` hears what becomes of it."""
        stream_id = self.association.open(host, port)
        self._clients[stream_id] = client
        self._pump.wake()
        return stream_id

    def replace_client(self, stream_id: int, client: ClientStream) -> None:
        """Another object speaks for the client from now on."""
        self._clients[stream_id] = client

    def forget(self, stream_id: int) -> None:
        """The client needs to hear nothing more."""
        self._clients.pop(stream_id, None)

    def reset(self, stream_id: int, code: ResetCode) -> None:
        """The client is gone."""
        self.forget(stream_id)
        self.association.reset(stream_id, code)
        self._pump.wake()

    def wake(self) -> None:
        """There may be something to send."""
        self._pump.wake()

    # -- life --------------------------------------------------------------------------------

    def tick(self) -> None:
        """Once a second: ask after silence, give up after more."""
        now = self._clock.monotonic()
        if self._probed_at is not None and now - self._probed_at >= LOST_AFTER_S:
            self.end(TeardownReason.NEXT_HOP_GONE)
        elif self._clients and self._probed_at is None and now - self._heard_at >= PROBE_AFTER_S:
            self._probed_at = now
            self.association.probe(0)
            self._pump.wake()

    def arrive(self, link: Link, tag: bytes, block: HopBlock) -> TeardownReason | None:
        """Our back route's SETUP has come round."""
        if self._return is not None or not hmac.compare_digest(
            block.secret, self.trip.return_secret
        ):
            return TeardownReason.PROTOCOL_ERROR
        session = ReturnSession(self, link)
        port = Port(session=session, link=link, tag=tag, is_upstream=True)
        if not self._live.begin(session, port):
            return TeardownReason.PROTOCOL_ERROR
        self._return = session
        return None

    def end(self, reason: TeardownReason) -> None:
        """End both sessions; further calls change nothing."""
        if self._is_over:
            return
        self._is_over = True
        if reason not in BLAMELESS:
            self._witness.lost(self._suspects())
        self._pump.stop()
        self._live.end(self._over, reason)
        if self._return is not None:
            self._live.end(self._return, reason)
        clients, self._clients = self._clients, {}
        self._on_over(self)
        for client in clients.values():
            client.on_circuit_lost()

    def end_quietly(self) -> None:
        """Give up a circuit that was never started."""
        self._is_over = True
        self._on_over(self)

    def _suspects(self) -> tuple[NodeId, ...]:
        """Return who may have cost us the route: the neighbor whose link broke, or anybody."""
        if not self._link.is_open:
            return self.trip.over_hops[:1]
        if self._return is not None and not self._return.link.is_open:
            return self.trip.back_hops[-1:] or self.trip.over_hops[-1:]
        return self.trip.over_hops + self.trip.back_hops

    def _seal(self, package: bytes) -> bytes:
        self.trip.over_counter.add(len(package))
        for layer in self.trip.over_layers:
            package = layer.seal(package)
        return package

    def receive(self, body: memoryview) -> None:
        """Take one package from the exit.

        Raises:
            RemoteProtocolError: changed on the way, or against the rules.
        """
        package: bytes | memoryview = body
        for layer in self.trip.back_layers:
            package = layer.open(package)
        self.trip.back_counter.add(len(package))
        self._heard_at, self._probed_at = self._clock.monotonic(), None
        if not self._has_served:
            self._has_served = True
            self._witness.served(self.trip, Seconds(self._heard_at - self._begun_at))
        self.association.receive(memoryview(package))
        self._pump.wake()

    # -- StreamEvents ------------------------------------------------------------------------

    def on_attach(self, attach: Attach) -> None:
        """Only exits hear this."""
        raise StreamProtocolError(f"ATTACH from an exit, {len(attach.received)} offsets")

    def on_open(self, request: Open) -> None:
        """Only exits hear this."""
        raise StreamProtocolError(f"OPEN from an exit, stream {request.stream}")

    def on_opened(self, stream_id: int) -> None:
        """The exit is connected."""
        client = self._clients.get(stream_id)
        if client is not None:
            client.on_opened(self, stream_id)

    def on_data(self, stream_id: int, data: memoryview) -> None:
        """Bytes for the client."""
        client = self._clients.get(stream_id)
        if client is not None:
            client.on_data(data)

    def on_fin(self, stream_id: int) -> None:
        """The server has sent its last byte."""
        client = self._clients.get(stream_id)
        if client is not None:
            client.on_fin()

    def on_reset(self, stream_id: int, code: ResetCode) -> None:
        """The stream is over."""
        client = self._clients.pop(stream_id, None)
        if client is not None:
            client.on_reset(code)

    def on_writable(self, stream_id: int) -> None:
        """The stream takes bytes again."""
        client = self._clients.get(stream_id)
        if client is not None:
            client.on_writable()

    def on_probed(self, token: int) -> None:
        """The exit answered; `receive` has noted the time."""


class OverSession:
    """The over route as its originator sees it: packages leave, only TEARDOWN comes."""

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit
        self.session_id = circuit.trip.session_id
        self.expires_at = circuit.trip.expires_at
        self.meters = circuit.trip.over_meters

    def state(self, now: UnixSeconds) -> SessionState:
        """Show it to the operator."""
        trip = self._circuit.trip
        return SessionState(
            session_id=self.session_id,
            role="origin",
            direction="over",
            age_s=float(now - self._circuit.opened_at),
            packages=trip.over_counter.packages,
            size=ByteCount(trip.over_counter.size),
            amount=str(sum(meter.amount for meter in self.meters)),
            hops=trip.over_hops,
        )

    def on_data(self, body: memoryview) -> None:
        """DATA never comes in here.

        Raises:
            StreamProtocolError: always.
        """
        raise StreamProtocolError(f"{len(body)} bytes against the direction of an over route")

    def on_torn_down(self, reason: TeardownReason) -> None:
        """Without a way over the circuit is lost."""
        self._circuit.end(reason)


class ReturnSession:
    """The back route where it arrives."""

    def __init__(self, circuit: Circuit, link: Link) -> None:
        self._circuit, self.link = circuit, link
        self.session_id = circuit.trip.session_id
        self.expires_at = circuit.trip.expires_at
        self.meters = circuit.trip.back_meters

    def state(self, now: UnixSeconds) -> SessionState:
        """Show it to the operator."""
        trip = self._circuit.trip
        return SessionState(
            session_id=self.session_id,
            role="origin",
            direction="back",
            age_s=float(now - self._circuit.opened_at),
            packages=trip.back_counter.packages,
            size=ByteCount(trip.back_counter.size),
            amount=str(sum(meter.amount for meter in self.meters)),
            hops=trip.back_hops,
        )

    def on_data(self, body: memoryview) -> None:
        """Take one package from the exit.

        Raises:
            RemoteProtocolError: changed on the way, or against the rules.
        """
        self._circuit.receive(body)

    def on_torn_down(self, reason: TeardownReason) -> None:
        """Without a way back the circuit is lost."""
        self._circuit.end(reason)

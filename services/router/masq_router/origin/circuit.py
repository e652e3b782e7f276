"""The streams that share one exit: an association, and the trip that carries it now.

    opening -> carried -> healing -> carried ... -> over
                  |  renewing  |

Streams outlive trips. When a trip is lost, streams that stand wait for another to the same exit
(healer.py); their clients notice a pause. Those that were not answered yet are told, and try
another circuit: nothing has been said to their clients. A circuit whose exit never answered, or
without any stream that stands, is not worth healing and is over.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from masq_kernel.clock import Clock
from masq_kernel.identity.keys import NodeId
from masq_kernel.units import Seconds, UnixSeconds
from masq_router.errors import StreamProtocolError
from masq_router.origin.errors import CannotServe
from masq_router.origin.trip import LiveTrip
from masq_router.origin.watch import Step, patience_s
from masq_router.origin.witness import Witness
from masq_router.streams.association import STREAMS_MAX, Association
from masq_router.streams.datagrams import Datagram
from masq_router.streams.errors import ResetCode
from masq_router.streams.events import Role
from masq_router.streams.frames import Open
from masq_router.streams.memory import StreamMemory
from masq_router.wire.frames import TeardownReason

__all__ = ["Circuit", "CircuitKeeper", "ClientStream"]

BLAMELESS = frozenset({TeardownReason.CLOSED, TeardownReason.EXPIRED})
"""Reasons for which a session ends that are nobody's fault."""

RETIRED_S = 2.0
"""How long a trip that was replaced may deliver, and be counted for, what was under way on it."""


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
        """The exit is out of reach, and the stream lost."""
        ...


class FlowClient(Protocol):
    """Whose datagrams a circuit carries."""

    def on_datagram(self, datagram: Datagram) -> None:
        """One has come; its data are valid during the call only."""
        ...

    def on_circuit_lost(self) -> None:
        """The exit is out of reach."""
        ...


class CircuitKeeper(Protocol):
    """Who looks after circuits."""

    def on_wounded(self, circuit: "Circuit", suspects: Sequence[NodeId]) -> None:
        """Its trip is lost, streams wait: find it another one, or give it up."""
        ...

    def on_circuit_over(self, circuit: "Circuit") -> None:
        """It can no longer be used."""
        ...


class Circuit:
    """One association.

    Args:
        secret: names it to its exit, 32 bytes.
        clock: for probes.
        witness: told how its routes do.
        keeper: looks after it.
        memory: how windows may grow.
    """

    def __init__(
        self,
        *,
        secret: bytes,
        clock: Clock,
        witness: Witness,
        keeper: CircuitKeeper,
        memory: StreamMemory | None = None,
    ) -> None:
        self._secret, self._clock = secret, clock
        self._witness, self._keeper = witness, keeper
        self._clients: dict[int, ClientStream] = {}
        self._flows: dict[int, FlowClient] = {}
        self._last_flow = 0
        self._opening: set[int] = set()  # streams that the exit has not answered
        self._trip: LiveTrip | None = None
        self._retired: list[tuple[LiveTrip, Seconds]] = []
        self._outcome: asyncio.Future[bool] | None = None
        self._asked: asyncio.Future[bytes] | None = None
        self._was_carried = False
        self._latency_s: Seconds | None = None  # of the last route that answered
        self._failures = 0  # routes that did not, since
        self.opened_at = clock.unix()
        self.renew_after = Seconds(0.0)  # the healer's note: no attempt before
        self.is_over = False
        self.over_for: TeardownReason | None = None
        self.is_forgotten = False  # the exit said that it does not know us
        self.association = Association(Role.ORIGIN, self, memory=memory)
        self.exit: NodeId | None = None  # None: no trip was taken yet

    # -- questions ---------------------------------------------------------------------------

    @property
    def stream_count(self) -> int:
        """Streams and flows alive; one whose client is done may still have bytes for its server."""
        return self.association.stream_count + len(self._flows)

    @property
    def is_usable(self) -> bool:
        """Whether a trip carries it."""
        return not self.is_over and self._trip is not None

    @property
    def has_room(self) -> bool:
        """Whether a new stream may begin here."""
        return self.is_usable and self.stream_count < STREAMS_MAX

    @property
    def hops(self) -> tuple[NodeId, ...]:
        """Who carries it now."""
        return self._trip.plan.over_hops + self._trip.plan.back_hops if self._trip else ()

    @property
    def carried(self) -> int:
        """Bytes that its present trip has carried, over and back."""
        if self._trip is None:
            return 0
        return self._trip.plan.over_counter.size + self._trip.plan.back_counter.size

    @property
    def expires_at(self) -> UnixSeconds:
        """When its present trip ends by itself."""
        return self._trip.plan.expires_at if self._trip is not None else UnixSeconds(0)

    # -- trips -------------------------------------------------------------------------------

    def take(self, trip: LiveTrip) -> "asyncio.Future[bool] | None":
        """Be carried by another trip from now on; the future says whether the exit agreed.

        None: the trip could not even begin, and nothing has changed.
        """
        if self.is_over or not trip.start(self._secret):
            return None
        assert self.exit in (None, trip.exit)
        if self._trip is not None:
            self._trip.retire()
            self._retired.append((self._trip, Seconds(self._clock.monotonic() + RETIRED_S)))
        self._trip, self.exit = trip, trip.exit
        trip.watch.patience_s = patience_s(self._latency_s, self._failures)
        self._outcome = asyncio.get_running_loop().create_future()
        return self._outcome

    def on_package(self, trip: LiveTrip, package: memoryview) -> None:
        """A package from the exit; one from a retired trip was for the trip's books alone.

        Raises:
            StreamProtocolError: against the rules.
        """
        if trip is self._trip:
            self.association.receive(package)

    def on_trip_lost(
        self, trip: LiveTrip, reason: TeardownReason, suspects: Sequence[NodeId]
    ) -> None:
        """The trip that carried us has ended; that a retired one has does not matter."""
        if trip is not self._trip or self.is_over:
            return
        self._trip = None
        self.association.detach()
        is_healing = self._settle(is_attached=False)
        self._failures += 1
        if reason not in BLAMELESS and not is_healing:  # the healer sums up its own attempts
            self._witness.lost(suspects)
        self._move_unanswered()
        if not self._was_carried or not self.stream_count:
            self.end(reason)
        elif not is_healing:
            self._keeper.on_wounded(self, suspects)

    def _settle(self, *, is_attached: bool) -> bool:
        """Tell whoever waits for the exit's answer; say whether the association was at stake."""
        outcome, self._outcome = self._outcome, None
        if outcome is None or outcome.done():
            return False
        outcome.set_result(is_attached)
        return self._was_carried

    def _move_unanswered(self) -> None:
        for stream_id in list(self._opening):
            client = self._clients.pop(stream_id, None)
            self._opening.discard(stream_id)
            self.association.reset(stream_id, ResetCode.CLIENT_GONE)
            if client is not None:
                client.on_circuit_lost()

    # -- streams -----------------------------------------------------------------------------

    def open(self, host: str, port: int, client: ClientStream) -> int:
        """Ask the exit for a connection; `client` hears what becomes of it."""
        stream_id = self.association.open(host, port)
        self._clients[stream_id] = client
        self._opening.add(stream_id)
        self.wake()
        return stream_id

    def begin_flow(self, client: FlowClient) -> int:
        """Carry a client's datagrams; `client` hears the answers."""
        self._last_flow += 1
        self._flows[self._last_flow] = client
        return self._last_flow

    def send_datagram(self, datagram: Datagram) -> None:
        """Send one, if it can leave now."""
        self.association.flows.send(datagram)
        self.wake()

    def end_flow(self, flow: int) -> None:
        """The client is gone."""
        if self._flows.pop(flow, None) is not None:
            self.association.flows.end(flow)
            self.wake()

    def replace_client(self, stream_id: int, client: ClientStream) -> None:
        """Another object speaks for the client from now on."""
        self._clients[stream_id] = client

    def ask(self, question: bytes) -> "asyncio.Future[bytes]":
        """Ask the exit's accountant; the future has its answer, empty if there is none.

        It fails with CannotServe when the route is lost.
        """
        self._asked = asyncio.get_running_loop().create_future()
        self.association.questions.send(question)
        self.wake()
        return self._asked

    def on_statement(self, data: bytes) -> None:
        """The answer; nobody else's would come here."""
        if self._asked is None or self._asked.done():
            raise StreamProtocolError("a statement that nobody asked for")
        self._asked.set_result(data)

    def forget(self, stream_id: int) -> None:
        """The client needs to hear nothing more."""
        self._clients.pop(stream_id, None)
        self._opening.discard(stream_id)

    def reset(self, stream_id: int, code: ResetCode) -> None:
        """The client is gone."""
        self.forget(stream_id)
        self.association.reset(stream_id, code)
        self.wake()

    def wake(self) -> None:
        """There may be something to send."""
        if self._trip is not None:
            self._trip.wake()

    # -- life --------------------------------------------------------------------------------

    def tick(self) -> None:
        """A few times a second: watch the trip, let go of retired ones."""
        now = self._clock.monotonic()
        while self._retired and self._retired[0][1] <= now:
            self._retired.pop(0)[0].end(TeardownReason.CLOSED)
        if self._trip is not None and self.stream_count:
            self._watch(self._trip, now)

    def _watch(self, trip: LiveTrip, now: Seconds) -> None:
        match trip.watch.step(now, awaits_answer=self.association.awaits_answer):
            case Step.PROBE:
                self.association.probe(trip.watch.token)
                trip.wake()
            case Step.LOST:
                trip.fall_silent()
            case Step.WAIT:
                pass

    def close(self) -> None:
        """This node stops: tell the exit that nobody will ask for these streams again."""
        for stream_id in self.association.stream_ids:
            self.association.reset(stream_id, ResetCode.SHUTTING_DOWN)
        if self._trip is not None:
            self._trip.flush()
        self.end(TeardownReason.CLOSED)

    def give_up(self) -> None:
        """The exit is out of reach."""
        if not self.is_over and self.exit is not None:
            self._witness.lost((self.exit,))
        self.end(TeardownReason.NEXT_HOP_GONE)

    def end(self, reason: TeardownReason) -> None:
        """End every trip and every stream; further calls change nothing."""
        if self.is_over:
            return
        self.is_over, self.over_for = True, reason
        self._settle(is_attached=False)
        if self._asked is not None and not self._asked.done():
            self._asked.set_exception(CannotServe(ResetCode.EXIT_GONE, "the route was lost"))
        trips = [trip for trip, _ in self._retired]
        self._retired.clear()
        if self._trip is not None:
            trips.append(self._trip)
            self._trip = None
        for trip in trips:
            trip.end(reason)
        clients: list[ClientStream | FlowClient] = [*self._clients.values(), *self._flows.values()]
        self._clients, self._flows = {}, {}
        self._keeper.on_circuit_over(self)
        for client in clients:
            client.on_circuit_lost()

    # -- StreamEvents ------------------------------------------------------------------------

    def on_attached(self) -> None:
        """The exit has taken us up."""
        assert self._trip is not None
        self._was_carried = True
        self._latency_s, self._failures = self._trip.latency_s(), 0
        self._witness.served(self._trip.plan, self._latency_s)
        self._settle(is_attached=True)

    def on_unknown(self) -> None:
        """The exit has forgotten us: what it held for these streams is gone."""
        self.is_forgotten = True
        self.end(TeardownReason.CLOSED)

    def on_open(self, request: Open) -> None:
        """Only exits hear this."""
        raise StreamProtocolError(f"OPEN from an exit, stream {request.stream}")

    def on_opened(self, stream_id: int) -> None:
        """The exit is connected."""
        self._opening.discard(stream_id)
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
        client = self._clients.get(stream_id)
        self.forget(stream_id)
        if client is not None:
            client.on_reset(code)

    def on_writable(self, stream_id: int) -> None:
        """The stream takes bytes again."""
        client = self._clients.get(stream_id)
        if client is not None:
            client.on_writable()

    def on_datagram(self, datagram: Datagram) -> None:
        """An answer to a client's datagram."""
        client = self._flows.get(datagram.flow)
        if client is not None:
            client.on_datagram(datagram)

    def on_flow_end(self, flow: int) -> None:
        """Only exits hear this."""
        raise StreamProtocolError(f"FLOW_END from an exit, flow {flow}")

    def on_probed(self, token: int) -> None:
        """The exit answered."""
        if self._trip is not None:
            self._trip.watch.answered(token)

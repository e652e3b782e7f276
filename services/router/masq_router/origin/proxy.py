"""The port for clients: SOCKS5 and HTTP CONNECT, each connection one stream (protocol.md 4.4)."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import cast

import structlog

from masq_kernel.clock import Clock
from masq_kernel.errors import OperatorError
from masq_router.ends.tcp import TcpEnd
from masq_router.errors import ProxyProtocolError
from masq_router.origin.circuit import Circuit
from masq_router.origin.errors import CannotServe
from masq_router.origin.greeting import Greeting
from masq_router.origin.refusals import Refusals
from masq_router.origin.request import AssociateRequest, ConnectRequest
from masq_router.origin.side import OriginSide
from masq_router.origin.udp import UdpRelay, UdpRelays
from masq_router.streams.errors import ResetCode
from masq_router.wire.frames import TeardownReason

__all__ = ["CLIENTS_MAX", "ProxyListener"]

CLIENTS_MAX = 4_096
"""Connections of clients at once."""

GREETING_S = 30.0
"""How long a client may take to say what it wants."""

OPENING_S = 40.0
"""How long a client waits for its connection: building a circuit, and the exit's own time-out."""

ATTEMPTS = 3
"""Circuits that are tried for a stream that was not connected yet."""

EXIT_FAILED = frozenset(
    {
        ResetCode.REFUSED_BY_POLICY,
        ResetCode.NAME_NOT_RESOLVED,
        ResetCode.HOST_UNREACHABLE,
        ResetCode.NETWORK_UNREACHABLE,
        ResetCode.TIMED_OUT,
        ResetCode.OVERLOAD,
    }
)
"""Another exit may do better. A server that refuses the connection was reached."""

WHY_LOST = {
    TeardownReason.REFUSED_PRICE: "a hop asks for more than its record says",
    TeardownReason.REFUSED_PROOF: "a hop does not take our payer proof",
    TeardownReason.REFUSED_BANNED: "a hop has banned our wallet until it is paid",
    TeardownReason.REFUSED_CREDIT: "a hop gives our wallet no more credit",
    TeardownReason.OTHER_WAY_REFUSED: "a hop of the way back refuses our wallet or our price",
}
"""What an operator can do something about."""

_log = structlog.get_logger()


class ProxyListener:
    """Takes clients.

    Args:
        origin: gives them circuits.
        tasks: one for each client that is being connected.
        clock: for the sockets.
    """

    def __init__(self, origin: OriginSide, tasks: asyncio.TaskGroup, clock: Clock) -> None:
        self._origin, self._tasks, self._clock = origin, tasks, clock
        self.udp = UdpRelays(origin, tasks)
        self.refusals = Refusals(lambda reason: _log.warning("clients are refused", reason=reason))
        self._server: asyncio.Server | None = None
        self._clients: set[_Client] = set()

    async def start(self, host: str, port: int, *, shares_port: bool = False) -> tuple[str, int]:
        """Listen; return the address and the port in use.

        Args:
            host: a loopback address.
            port: 0 for any free one.
            shares_port: whether other processes of ours listen there too.

        Raises:
            OperatorError: the port is taken or not allowed.
        """
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                self._make_client, host, port, reuse_port=shares_port or None
            )
        except OSError as error:
            problem = f"The proxy cannot listen at {host} port {port}: {error.strerror or error}."
            remedy = "Set `proxy_port` in the section [router], or `proxy = false`."
            raise OperatorError(problem, remedy=remedy) from None
        address: tuple[str, int] = self._server.sockets[0].getsockname()[:2]
        return address

    def stop(self) -> None:
        """Take no more clients and let go of those that wait; streams end with their circuits."""
        if self._server is not None:
            self._server.close()
        for client in list(self._clients):
            client.refuse(ResetCode.SHUTTING_DOWN)

    def _make_client(self) -> "_Client":
        return _Client(
            self._origin, self.udp, self._tasks, self._clock, self._clients, self.refusals
        )


class _Client(asyncio.Protocol):
    """A client until its stream stands; then a TcpEnd takes over its socket."""

    def __init__(
        self,
        origin: OriginSide,
        udp: UdpRelays,
        tasks: asyncio.TaskGroup,
        clock: Clock,
        clients: "set[_Client]",
        refusals: Refusals,
    ) -> None:
        self._udp = udp
        self._origin, self._tasks, self._clock, self._clients = origin, tasks, clock, clients
        self._refusals = refusals
        self._greeting = Greeting()
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._attempt: _Attempt | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self._transport = cast("asyncio.Transport", transport)
        if len(self._clients) >= CLIENTS_MAX:
            self._transport.abort()
            return
        self._clients.add(self)
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(GREETING_S, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        """The client says what it wants."""
        assert self._transport is not None
        try:
            answer = self._greeting.receive(data)
        except ProxyProtocolError as error:
            self._transport.write(error.answer)
            self._transport.close()
            return
        if answer:
            self._transport.write(answer)
        if self._greeting.request is not None and self._task is None:
            self._serve(self._greeting.request)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """The client is gone before its stream stood."""
        self._transport = None
        self._leave()
        if self._task is not None:
            self._task.cancel()
        if self._attempt is not None:
            self._attempt.give_up()

    def refuse(self, code: ResetCode) -> None:
        """Tell the client why not, and let it go."""
        if self._transport is not None and not self._transport.is_closing():
            if self._greeting.request is not None:
                self._transport.write(self._greeting.refused(code))
            self._transport.close()

    def take_over(self, circuit: Circuit, stream_id: int) -> TcpEnd:
        """The stream stands: answer the client, and let its bytes flow."""
        assert self._transport is not None
        transport, self._transport = self._transport, None
        self._leave()
        self._refusals.served()
        transport.write(self._greeting.accepted())
        end = TcpEnd(
            association=circuit.association,
            stream_id=stream_id,
            wake=circuit.wake,
            clock=self._clock,
            gone=ResetCode.CLIENT_GONE,
            on_lost=partial(circuit.forget, stream_id),
        )
        transport.set_protocol(end)
        end.connection_made(transport)
        early = self._greeting.leftover()
        if early:
            end.receive(early)
        transport.resume_reading()
        return end

    def _leave(self) -> None:
        self._clients.discard(self)
        if self._deadline is not None:
            self._deadline.cancel()

    def _serve(self, request: ConnectRequest | AssociateRequest) -> None:
        assert self._transport is not None
        assert self._deadline is not None
        self._deadline.cancel()
        self._transport.pause_reading()
        self._task = self._tasks.create_task(self._connect(request), name="connect a client")

    async def _connect(self, request: ConnectRequest | AssociateRequest) -> None:
        try:
            async with asyncio.timeout(OPENING_S):
                if isinstance(request, ConnectRequest):
                    await self._try_circuits(request)
                else:
                    await self._associate(request)
        except CannotServe as problem:
            self._refusals.refused(problem.code, problem.reason)
            self.refuse(problem.code)
        except TimeoutError:
            self._refusals.refused(ResetCode.TIMED_OUT, "opening took too long")
            self.refuse(ResetCode.TIMED_OUT)
            if self._attempt is not None:
                self._attempt.give_up()

    async def _associate(self, request: AssociateRequest) -> None:
        assert self._transport is not None
        client, here = (self._transport.get_extra_info(end)[0] for end in ("peername", "sockname"))
        relay = await self._udp.open(request, client, here)
        if relay is None:
            raise CannotServe(ResetCode.OVERLOAD, "too many clients send datagrams")
        transport, self._transport = self._transport, None
        if transport.is_closing():
            relay.close()
            return
        self._leave()
        self._refusals.served()
        transport.write(self._greeting.accepted_at(relay.address))
        transport.set_protocol(_UdpControl(relay))
        transport.resume_reading()

    async def _try_circuits(self, request: ConnectRequest) -> None:
        for _ in range(ATTEMPTS):
            circuit = await self._origin.circuit(request.isolation, request.host)
            outcome = await self._try(circuit, request)
            if outcome in EXIT_FAILED:
                outcome = await self._try_another_exit(circuit, request, outcome)
            if outcome is None:
                return
            if outcome is not ResetCode.EXIT_GONE:
                raise CannotServe(outcome)
        lost = f"{ATTEMPTS} routes were lost one after the other"
        why = WHY_LOST.get(circuit.over_for) if circuit.over_for else None
        raise CannotServe(ResetCode.EXIT_GONE, f"{lost}: {why}" if why else lost)

    async def _try_another_exit(
        self, circuit: Circuit, request: ConnectRequest, outcome: ResetCode
    ) -> ResetCode | None:
        detour = await self._detour(circuit, request, outcome)
        if detour is None:
            return outcome
        second = await self._try(detour, request)
        if second in EXIT_FAILED:
            await self._detour(detour, request, second)
        return second

    async def _detour(
        self, around: Circuit, request: ConnectRequest, outcome: ResetCode | None
    ) -> Circuit | None:
        if outcome is not ResetCode.OVERLOAD:  # that says nothing about the host
            self._origin.host_failed(around, request.host)
        return await self._origin.detour(request.isolation, request.host, around)

    async def _try(self, circuit: Circuit, request: ConnectRequest) -> ResetCode | None:
        self._attempt = _Attempt(self.take_over)
        self._attempt.begin(circuit, request)
        return await self._attempt.outcome


class _UdpControl(asyncio.Protocol):
    """The connection that asked for a relay: its end is the relay's."""

    def __init__(self, relay: UdpRelay) -> None:
        self._relay = relay

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """The client is done."""
        self._relay.close()


class _Attempt:
    """One try to open a stream; once it stands, what it hears goes to the client's socket.

    Args:
        take_over: makes the socket's end when the stream stands.
    """

    def __init__(self, take_over: Callable[[Circuit, int], TcpEnd]) -> None:
        self._take_over = take_over
        self._circuit: Circuit | None = None
        self._stream_id = 0
        self._is_settled = False
        self.outcome: asyncio.Future[ResetCode | None] = asyncio.get_running_loop().create_future()

    def begin(self, circuit: Circuit, request: ConnectRequest) -> None:
        """Ask the exit."""
        self._circuit = circuit
        self._stream_id = circuit.open(request.host, request.port, self)

    def give_up(self) -> None:
        """The client does not wait any longer."""
        if not self._is_settled and self._circuit is not None:
            self._is_settled = True
            self._circuit.reset(self._stream_id, ResetCode.CLIENT_GONE)

    def on_opened(self, circuit: Circuit, stream_id: int) -> None:
        """The exit is connected."""
        self._settle(None)
        circuit.replace_client(stream_id, _Socket(self._take_over(circuit, stream_id)))

    def on_reset(self, code: ResetCode) -> None:
        """The exit refuses, or could not connect."""
        self._settle(code)

    def _settle(self, outcome: ResetCode | None) -> None:
        self._is_settled = True
        if not self.outcome.done():
            self.outcome.set_result(outcome)

    def on_circuit_lost(self) -> None:
        """The route is gone: another may do."""
        self.on_reset(ResetCode.EXIT_GONE)

    def on_data(self, data: memoryview) -> None:
        """No bytes come before the stream stands."""

    def on_fin(self) -> None:
        """Nor does an end."""

    def on_writable(self) -> None:
        """Nothing was written."""


class _Socket:
    """A standing stream's client.

    Args:
        end: its socket.
    """

    def __init__(self, end: TcpEnd) -> None:
        self._end = end
        self.on_data = end.on_data
        self.on_fin = end.on_fin
        self.on_writable = end.on_writable

    def on_opened(self, circuit: Circuit, stream_id: int) -> None:
        """It was told already."""

    def on_reset(self, code: ResetCode) -> None:  # noqa: ARG002 - ClientStream's signature
        """The stream is over: a SOCKS client learns no more than that."""
        self._end.cut()

    def on_circuit_lost(self) -> None:
        """The exit is out of reach, and the stream lost."""
        self._end.cut()

"""A client's UDP: SOCKS5 UDP ASSOCIATE (RFC 1928 sections 4 and 7).

    client's socket <-> one of ours on loopback <-> a flow of a circuit <-> the exit's socket

It lives as long as the TCP connection that asked for it. A circuit that is lost is replaced,
without a word to the client: what is sent meanwhile is lost, which UDP clients are made for.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from masq_router.origin.circuit import Circuit
from masq_router.origin.errors import CannotServe
from masq_router.origin.request import AssociateRequest
from masq_router.origin.side import OriginSide
from masq_router.origin.socks5_udp import unwrap, wrap
from masq_router.streams.datagrams import DATAGRAM_SIZE_MAX, Datagram

__all__ = ["RELAYS_MAX", "UdpRelay", "UdpRelays"]

RELAYS_MAX = 256
"""UDP sockets of clients at once."""

SOCKET_WAITING_MAX = 1 << 20
"""Bytes that wait for a client's socket; what comes then is dropped."""

RETRY_S = 1.0
"""Pause after a circuit could not be had."""


class UdpRelays:
    """All clients' relays.

    Args:
        origin: gives circuits.
        tasks: one for each relay that needs another circuit.
    """

    def __init__(self, origin: OriginSide, tasks: asyncio.TaskGroup) -> None:
        self._origin, self._tasks = origin, tasks
        self._relays: set[UdpRelay] = set()

    def __len__(self) -> int:
        return len(self._relays)

    async def open(self, request: AssociateRequest, client: str, host: str) -> "UdpRelay | None":
        """Return a relay with its circuit; None: there are too many.

        Args:
            request: what the client said.
            client: the address that its datagrams come from.
            host: the loopback address that they come to.

        Raises:
            CannotServe: there is no circuit now.
        """
        if len(self._relays) >= RELAYS_MAX:
            return None
        relay = UdpRelay(self._origin, self._tasks, request, client, self._relays.discard)
        self._relays.add(relay)
        try:
            await relay.find_circuit()
            loop = asyncio.get_running_loop()
            await loop.create_datagram_endpoint(lambda: relay, local_addr=(host, 0))
        except BaseException:
            relay.close()
            raise
        return relay


class UdpRelay(asyncio.DatagramProtocol):
    """One client's UDP socket, as we see it.

    Args:
        origin: gives circuits.
        tasks: for finding one.
        request: what the client said.
        client: the address that its datagrams come from.
        on_closed: called once it is over.
    """

    def __init__(
        self,
        origin: OriginSide,
        tasks: asyncio.TaskGroup,
        request: AssociateRequest,
        client: str,
        on_closed: Callable[["UdpRelay"], None],
    ) -> None:
        self._origin, self._tasks, self._request = origin, tasks, request
        self._client, self._on_closed = client, on_closed
        self._client_at: tuple[str, int] | None = None
        if request.client_port:
            self._client_at = (client, request.client_port)
        self._circuit: Circuit | None = None
        self._flow = 0
        self._transport: asyncio.DatagramTransport | None = None
        self._finding: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def address(self) -> tuple[str, int]:
        """Where the client's datagrams are taken."""
        assert self._transport is not None
        address: tuple[str, int] = self._transport.get_extra_info("sockname")[:2]
        return address

    async def find_circuit(self) -> None:
        """Be carried by a circuit.

        Raises:
            CannotServe: there is none now.
        """
        circuit = await self._origin.circuit(self._request.isolation, "")
        if not self._is_closed:
            self._circuit, self._flow = circuit, circuit.begin_flow(self)

    def close(self) -> None:
        """The client is gone."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._circuit is not None:
            self._circuit.end_flow(self._flow)
        if self._transport is not None:
            self._transport.close()
        self._on_closed(self)

    # -- the client speaks -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Our socket is there."""
        self._transport = cast("asyncio.DatagramTransport", transport)
        if self._is_closed:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """A datagram from the client, or from somebody who wants to be taken for it."""
        source = (addr[0], addr[1])
        if source[0] != self._client or self._client_at not in (None, source):
            return
        unwrapped = unwrap(data)
        if unwrapped is None or len(unwrapped[2]) > DATAGRAM_SIZE_MAX:
            return
        self._client_at = source  # from now on nobody else's
        host, port, payload = unwrapped
        if self._circuit is None:
            self._find_another()
            return
        datagram = Datagram(flow=self._flow, host=host, port=port, data=payload)
        self._circuit.send_datagram(datagram)

    def error_received(self, exc: Exception) -> None:
        """The client's socket is closed; its TCP connection says the rest."""

    # -- the circuit speaks ------------------------------------------------------------------

    def on_datagram(self, datagram: Datagram) -> None:
        """An answer."""
        packet = wrap(datagram.host, datagram.port, datagram.data)
        transport = self._transport
        if packet is None or transport is None or self._client_at is None:
            return
        waiting = cast("asyncio.WriteTransport", transport).get_write_buffer_size()
        if waiting < SOCKET_WAITING_MAX:
            transport.sendto(packet, self._client_at)

    def on_circuit_lost(self) -> None:
        """The exit is out of reach."""
        self._circuit = None

    def _find_another(self) -> None:
        if self._finding is None or self._finding.done():
            self._finding = self._tasks.create_task(self._try_to_find(), name="circuit for UDP")

    async def _try_to_find(self) -> None:
        try:
            await self.find_circuit()
        except CannotServe:
            await asyncio.sleep(RETRY_S)

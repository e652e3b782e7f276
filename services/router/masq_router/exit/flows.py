"""Clients' datagrams at their exit: one UDP socket for each flow and family.

A flow takes answers only from where it has sent to, and from as many places as it remembers (RFC
4787: mapping independent of the target, filtering by address and port). A target that the policy
refuses, that has no address or cannot be reached loses its datagrams without a word, as in UDP.
"""

import asyncio
import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import cast

from masq_kernel.clock import Clock
from masq_kernel.units import Seconds
from masq_router.exit.connector import Connector
from masq_router.exit.errors import TargetRefused
from masq_router.exit.policy import IpAddress
from masq_router.exit.quota import NoQuota, Quota
from masq_router.streams.datagrams import DATAGRAM_SIZE_MAX, Datagram

__all__ = ["FLOWS_MAX", "FLOW_IDLE_S", "ExitFlow", "ExitFlows"]

FLOWS_MAX = 64
"""Of one association."""

FLOW_IDLE_S = 300.0
"""Without a datagram either way (RFC 4787 requirement 5)."""

PEERS_MAX = 256
"""Places of which a flow takes answers; one more and the oldest is forgotten."""

WAITING_MAX = 8
"""Datagrams of a flow that wait for a name or for the socket; what comes then is dropped."""

SOCKET_WAITING_MAX = 256 << 10
"""Bytes that wait for the network; what comes then is dropped."""

_ANYWHERE = {4: "0.0.0.0", 6: "::"}  # noqa: S104 - a source address that the machine chooses


class ExitFlows:
    """The flows of one association.

    Args:
        connector: finds addresses that the policy permits.
        quota: how many sockets this payer may have; a flow counts as one.
        tasks: for what takes time.
        clock: to know idle flows.
        answer: sends a datagram back.
    """

    def __init__(
        self,
        *,
        connector: Connector,
        quota: Quota | NoQuota,
        tasks: asyncio.TaskGroup,
        clock: Clock,
        answer: Callable[[Datagram], None],
    ) -> None:
        self._connector, self._quota, self._tasks = connector, quota, tasks
        self._clock, self._answer = clock, answer
        self._flows: dict[int, ExitFlow] = {}

    def __len__(self) -> int:
        return len(self._flows)

    def take(self, datagram: Datagram) -> None:
        """A client's datagram; the first of a flow begins it."""
        flow = self._flows.get(datagram.flow) or self._begin(datagram.flow)
        if flow is not None:
            flow.send(datagram.host, datagram.port, bytes(datagram.data))

    def end(self, number: int) -> None:
        """The client has closed its socket."""
        flow = self._flows.pop(number, None)
        if flow is not None:
            flow.close()
            self._quota.give_back()

    def end_idle(self, now: Seconds) -> None:
        """End the flows on which nothing has come or gone for too long."""
        for number, flow in list(self._flows.items()):
            if now - flow.active_at >= FLOW_IDLE_S:
                self.end(number)

    def close(self) -> None:
        """End all."""
        for number in list(self._flows):
            self.end(number)

    def _begin(self, number: int) -> "ExitFlow | None":
        if len(self._flows) >= FLOWS_MAX or not self._quota.take():
            return None
        answer = partial(self._on_answer, number)
        flow = ExitFlow(self._connector, self._tasks, self._clock, answer)
        self._flows[number] = flow
        return flow

    def _on_answer(self, number: int, address: IpAddress, port: int, data: bytes) -> None:
        self._answer(Datagram(flow=number, host=str(address), port=port, data=data))


class ExitFlow:
    """One flow.

    Args:
        connector: finds addresses that the policy permits.
        tasks: for what takes time.
        clock: for `active_at`.
        answer: called with source and data of each answer.
    """

    def __init__(
        self,
        connector: Connector,
        tasks: asyncio.TaskGroup,
        clock: Clock,
        answer: Callable[[IpAddress, int, bytes], None],
    ) -> None:
        self._connector, self._tasks, self._clock = connector, tasks, clock
        self._answer = answer
        self._sockets: dict[int, asyncio.DatagramTransport] = {}  # by family
        self._opening = asyncio.Lock()
        self._waiting: set[asyncio.Task[None]] = set()
        self._peers: OrderedDict[tuple[IpAddress, int], None] = OrderedDict()
        self._is_closed = False
        self.active_at = clock.monotonic()

    def send(self, host: str, port: int, data: bytes) -> None:
        """Send a datagram: at once if all is known, else when it is, if not too many wait."""
        self.active_at = self._clock.monotonic()
        address = _literal(host)
        connection = self._sockets.get(address.version) if address is not None else None
        if address is not None and connection is not None:
            if self._connector.policy.permits(address, port):
                self._send_to(connection, address, port, data)
        elif len(self._waiting) < WAITING_MAX:
            task = self._tasks.create_task(self._find_and_send(host, port, data), name="datagram")
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)

    def close(self) -> None:
        """Send and take nothing more."""
        self._is_closed = True
        for task in self._waiting:
            task.cancel()
        for connection in self._sockets.values():
            connection.close()

    async def _find_and_send(self, host: str, port: int, data: bytes) -> None:
        try:
            address = (await self._connector.targets(host, port))[0]
            connection = await self._socket(address.version)
        except (TargetRefused, OSError):
            return
        self._send_to(connection, address, port, data)

    async def _socket(self, version: int) -> asyncio.DatagramTransport:
        async with self._opening:
            if version not in self._sockets:
                loop = asyncio.get_running_loop()
                self._sockets[version], _ = await loop.create_datagram_endpoint(
                    lambda: _Socket(self._on_datagram), local_addr=(_ANYWHERE[version], 0)
                )
            return self._sockets[version]

    def _send_to(
        self, connection: asyncio.DatagramTransport, address: IpAddress, port: int, data: bytes
    ) -> None:
        if self._is_closed or waiting_size(connection) >= SOCKET_WAITING_MAX:
            return
        self._peers[address, port] = None
        self._peers.move_to_end((address, port))
        if len(self._peers) > PEERS_MAX:
            self._peers.popitem(last=False)
        connection.sendto(data, (str(address), port))

    def _on_datagram(self, data: bytes, source: tuple[str, int]) -> None:
        address = _literal(source[0])
        if address is None or (address, source[1]) not in self._peers:
            return
        if len(data) <= DATAGRAM_SIZE_MAX:
            self.active_at = self._clock.monotonic()
            self._answer(address, source[1], data)


class _Socket(asyncio.DatagramProtocol):
    """Hands on what comes."""

    def __init__(self, on_datagram: Callable[[bytes, tuple[str, int]], None]) -> None:
        self._on_datagram = on_datagram

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """From anybody."""
        self._on_datagram(data, (addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:
        """A target is closed or out of reach: the client waits in vain, as in UDP."""


def waiting_size(connection: asyncio.DatagramTransport) -> int:
    """Return the bytes that wait for the network."""
    return cast("asyncio.WriteTransport", connection).get_write_buffer_size()


def _literal(host: str) -> IpAddress | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None

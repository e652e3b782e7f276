"""One originator's streams at its exit: an association on one side, TCP sockets on the other.

The sockets outlive the routes: `carrier` is the route that serves them now, if there is one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol

from masq_kernel.clock import Clock
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.units import Seconds
from masq_router.ends.tcp import TcpEnd
from masq_router.exit.connector import Connector
from masq_router.exit.errors import TargetRefused
from masq_router.exit.flows import ExitFlows
from masq_router.exit.quota import NoQuota, Quota
from masq_router.streams.association import Association
from masq_router.streams.datagrams import Datagram
from masq_router.streams.errors import ResetCode
from masq_router.streams.events import Role
from masq_router.streams.frames import Open
from masq_router.streams.memory import StreamMemory
from masq_router.wire.frames import TeardownReason

__all__ = ["Carrier", "ExitStreams"]


class Carrier(Protocol):
    """The route that serves an association."""

    def wake(self) -> None:
        """There may be something to send."""
        ...

    def retire(self) -> None:
        """Another route has taken over."""
        ...

    def end(self, reason: TeardownReason) -> None:
        """Tear it down."""
        ...


class ExitStreams:
    """The sockets of one association.

    Args:
        connector: opens sockets.
        quota: how many this payer may have.
        tasks: for what takes time.
        clock: to know idle streams.
        memory: how windows may grow.
        ask: has our accountant answer a question; empty: it does not.
    """

    def __init__(
        self,
        *,
        connector: Connector,
        quota: Quota | NoQuota,
        tasks: asyncio.TaskGroup,
        clock: Clock,
        memory: StreamMemory | None = None,
        ask: Callable[[bytes], Awaitable[bytes]] | None = None,
    ) -> None:
        self._connector, self._quota, self._tasks, self._clock = connector, quota, tasks, clock
        self.association = Association(Role.EXIT, self, memory=memory)
        self.flows = ExitFlows(
            connector=connector, quota=quota, tasks=tasks, clock=clock, answer=self._answer
        )
        self._ask, self._is_asking = ask or _no_answer, False
        self.carrier: Carrier | None = None
        self.secret = b""  # known once it was carried
        self._ends: dict[int, TcpEnd] = {}
        self._connecting: dict[int, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        return len(self._ends) + len(self._connecting)

    @property
    def is_needed(self) -> bool:
        """Whether a flow lives, or a stream: its socket may be gone, its bytes not delivered."""
        return self.association.stream_count > 0 or len(self.flows) > 0

    @property
    def wallet(self) -> WalletAddress:
        """Who paid when the association began."""
        return self._quota.wallet

    def close(self) -> None:
        """Cut every socket: nobody asks for these streams any more."""
        self.flows.close()
        for task in list(self._connecting.values()):
            task.cancel()
        for end in list(self._ends.values()):
            end.cut()

    def shut_down(self) -> None:
        """Cut every socket, and say why."""
        for stream_id in self.association.stream_ids:
            self.association.reset(stream_id, ResetCode.SHUTTING_DOWN)
        self.close()
        self._wake()

    def reset_idle(self, since: Seconds) -> None:
        """Cut the streams on which nothing has moved since then, and end silent flows."""
        self.flows.end_idle(self._clock.monotonic())
        for stream_id, end in list(self._ends.items()):
            if end.active_at < since:
                self.association.reset(stream_id, ResetCode.TIMED_OUT)
                end.cut()
        self._wake()

    def _wake(self) -> None:
        if self.carrier is not None:
            self.carrier.wake()

    # -- StreamEvents ------------------------------------------------------------------------

    def on_attached(self) -> None:
        """Only originators hear this."""

    def on_unknown(self) -> None:
        """Only originators hear this."""

    def on_open(self, request: Open) -> None:
        """The originator wants a connection."""
        if isinstance(self._quota, NoQuota) and self.carrier is not None:
            self.carrier.end(TeardownReason.REFUSED_CREDIT)
            return
        if not self._quota.take():
            self.association.reset(request.stream, ResetCode.OVERLOAD)
            return
        task = self._tasks.create_task(self._connect(request), name=f"connect {request.stream}")
        self._connecting[request.stream] = task
        task.add_done_callback(partial(self._after_connecting, request.stream))

    def on_opened(self, stream_id: int) -> None:
        """The originator's first ACK: at an exit it says nothing new."""

    def on_data(self, stream_id: int, data: memoryview) -> None:
        """Bytes for the server."""
        end = self._ends.get(stream_id)
        if end is not None:
            end.on_data(data)

    def on_fin(self, stream_id: int) -> None:
        """The client has sent its last byte."""
        end = self._ends.get(stream_id)
        if end is not None:
            end.on_fin()

    def on_reset(self, stream_id: int, code: ResetCode) -> None:  # noqa: ARG002 - StreamEvents
        """The client is gone."""
        task = self._connecting.get(stream_id)
        if task is not None:
            task.cancel()
        end = self._ends.get(stream_id)
        if end is not None:
            end.cut()

    def on_writable(self, stream_id: int) -> None:
        """The way back takes bytes again."""
        end = self._ends.get(stream_id)
        if end is not None:
            end.on_writable()

    def on_probed(self, token: int) -> None:
        """An exit never asks."""

    def on_datagram(self, datagram: Datagram) -> None:
        """A client's datagram."""
        self.flows.take(datagram)

    def on_flow_end(self, flow: int) -> None:
        """The client has closed its UDP socket."""
        self.flows.end(flow)

    def on_statement(self, data: bytes) -> None:
        """A question for our accountant: one at a time; while it is asked others go unanswered."""
        if not self._is_asking:
            self._is_asking = True
            self._tasks.create_task(self._ask_accountant(data), name="ask for a statement")

    async def _ask_accountant(self, question: bytes) -> None:
        try:
            self.association.questions.send(await self._ask(question))
            self._wake()
        finally:
            self._is_asking = False

    def _answer(self, datagram: Datagram) -> None:
        self.association.flows.send(datagram)
        self._wake()

    # -- sockets -----------------------------------------------------------------------------

    async def _connect(self, request: Open) -> None:
        make_end = partial(
            TcpEnd,
            association=self.association,
            stream_id=request.stream,
            wake=self._wake,
            clock=self._clock,
            gone=ResetCode.CONNECTION_RESET,
            on_connected=partial(self._on_connected, request.stream),
            on_lost=partial(self._on_lost, request.stream),
        )
        try:
            await self._connector.connect(request.host, request.port, make_end)
        except TargetRefused as refused:
            self.association.reset(request.stream, refused.code)
            self._wake()

    def _on_connected(self, stream_id: int, end: TcpEnd) -> None:
        self._ends[stream_id] = end
        self.association.opened(stream_id)
        self._wake()

    def _on_lost(self, stream_id: int) -> None:
        if self._ends.pop(stream_id, None) is not None and stream_id not in self._connecting:
            self._quota.give_back()

    def _after_connecting(self, stream_id: int, _task: asyncio.Task[None]) -> None:
        self._connecting.pop(stream_id, None)
        if stream_id not in self._ends:
            self._quota.give_back()


async def _no_answer(_question: bytes) -> bytes:
    return b""

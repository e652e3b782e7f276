"""The exit side of this node: takes the ends of over routes."""

import asyncio
from collections.abc import Awaitable, Callable

from masq_kernel.chains import Chain
from masq_kernel.clock import Clock
from masq_kernel.identity.keys import NodeId
from masq_kernel.units import Seconds
from masq_router.exit.associations import Associations
from masq_router.exit.connector import Connector
from masq_router.exit.quota import NoQuota, Quota, StreamCounts
from masq_router.exit.session import Elsewhere, ExitSession
from masq_router.exit.streams import ExitStreams
from masq_router.lifecycle import LiveSessions
from masq_router.links.link import Link
from masq_router.onion.hops import HopBlock
from masq_router.sessions import Port
from masq_router.streams.memory import StreamMemory
from masq_router.wire.frames import TeardownReason

__all__ = ["IDLE_S", "ExitSide"]

IDLE_S = Seconds(2 * 60 * 60 + 4 * 60)
"""Two hours and four minutes without a byte: what RFC 5382 asks of middle boxes."""


class ExitSide:
    """Serves originators.

    Args:
        chain: ours.
        connector: opens sockets to servers, by policy.
        live: where sessions are entered.
        find_link: the link with a neighbor, if there is one.
        tasks: for what takes time.
        clock: for ages.
        memory: what all streams may hold.
        elsewhere: finds associations that another process of this node serves.
        ask: has our accountant answer a debtor's question; empty: it does not.
    """

    def __init__(
        self,
        *,
        chain: Chain,
        connector: Connector,
        live: LiveSessions,
        find_link: Callable[[NodeId], Link | None],
        tasks: asyncio.TaskGroup,
        clock: Clock,
        memory: StreamMemory,
        elsewhere: Elsewhere | None = None,
        ask: Callable[[bytes], Awaitable[bytes]] | None = None,
    ) -> None:
        self._elsewhere, self._ask = elsewhere, ask
        self._chain, self._connector, self._live = chain, connector, live
        self._find_link, self._tasks, self._clock = find_link, tasks, clock
        self._counts = StreamCounts()
        self.memory = memory
        self.associations = Associations(
            counts=self._counts,
            make_streams=self._make_streams,
            clock=clock,
            held_max=memory.held_max,
        )

    def _make_streams(self, quota: Quota | NoQuota) -> ExitStreams:
        return ExitStreams(
            connector=self._connector,
            quota=quota,
            tasks=self._tasks,
            clock=self._clock,
            memory=self.memory,
            ask=self._ask,
        )

    @property
    def stream_count(self) -> int:
        """Streams served now."""
        return len(self._counts)

    def arrive(
        self, link: Link, tag: bytes, block: HopBlock, setup: bytes, *, asks_only: bool = False
    ) -> TeardownReason | None:
        """Take the end of an over route; of one that only asks, nothing but questions."""
        session = ExitSession(
            chain=self._chain,
            block=block,
            live=self._live,
            find_link=self._find_link,
            associations=self.associations,
            opened_at=self._clock.unix(),
            asks_only=asks_only,
        )
        if self._elsewhere is not None and not link.is_sibling and not asks_only:
            session.may_be_elsewhere(self._elsewhere, link, setup)
        port = Port(session=session, link=link, tag=tag, is_upstream=True)
        if not self._live.begin(session, port):
            return TeardownReason.PROTOCOL_ERROR
        return None

    def tick(self) -> None:
        """Once a second: cut what is idle, give up what waits in vain."""
        since = Seconds(self._clock.monotonic() - IDLE_S)
        for streams in self.associations:
            streams.reset_idle(since)
        self.associations.tick()

    def close(self) -> None:
        """This node stops: tell the originators, who need not look for another way to us."""
        for streams in self.associations:
            streams.shut_down()

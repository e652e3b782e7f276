"""Carry events from the bus to the neighborhood and its commands back: feed, obey, re-arm."""

import asyncio
from collections.abc import Callable
from typing import TypeVar, assert_never

import structlog

from masq_gossip.handlers import HOST_SIZE_MAX, now_of
from masq_gossip.messages import message_to_bytes
from masq_gossip.rules.events import (
    CloseLink,
    Command,
    CreditorDisputed,
    Dial,
    DialFailed,
    Endpoint,
    Event,
    HostFailed,
    Link,
    LinkClosed,
    LinkOpened,
    LinksListed,
    MoveStage,
    PayloadArrived,
    Remember,
    RouteLost,
    RouteServed,
    SelfChanged,
    Send,
    Stopping,
    Tick,
)
from masq_gossip.rules.neighborhood import Neighborhood
from masq_gossip.store import GossipStore, Memory
from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusError
from masq_kernel.bus.messages import evidence, gossip, router
from masq_kernel.bus.messages.accountant import WalletsRequested
from masq_kernel.bus.messages.base import BusMessage
from masq_kernel.bus.port import Bus
from masq_kernel.clock import Clock
from masq_kernel.rates import RatePack

__all__ = ["Shell"]

log = structlog.get_logger(__name__)

M = TypeVar("M", bound=BusMessage)
R = TypeVar("R", bound=BusMessage)

INBOX_SIZE = 1024
"""Events waiting for the core; a fuller inbox holds back the bus's subscriptions."""

RECONCILE_INTERVAL_S = 5.0
RETRY_INTERVAL_S = 0.25
"""Between questions to a router or accountant that is not up yet."""

CLOSE_GRACE_S = 0.05
"""The last message to a peer travels on another subject than the order to close its link."""


class Shell:
    """The only place where gossip touches the bus.

    Args:
        tasks: where the orders to the router run, so that a slow router never stops the core.
        report: told the state of each service we need: "ok", or a sentence.
    """

    def __init__(
        self,
        *,
        neighborhood: Neighborhood,
        bus: Bus,
        clock: Clock,
        store: GossipStore,
        rates: RatePack,
        tasks: asyncio.TaskGroup,
        report: Callable[[str, str], None],
    ) -> None:
        self._neighborhood, self._bus, self._clock = neighborhood, bus, clock
        self._store, self._rates, self._tasks = store, rates, tasks
        self._report = report
        self._inbox: asyncio.Queue[Event] = asyncio.Queue(INBOX_SIZE)

    async def listen(self) -> None:
        """Subscribe to what the router tells."""
        await self._bus.listen(subjects.LINK_OPENED, self.on_link_opened)
        await self._bus.listen(subjects.LINK_CLOSED, self.on_link_closed)
        await self._bus.listen(subjects.DIAL_FAILED, self.on_dial_failed)
        await self._bus.listen(subjects.GOSSIP_RECEIVED, self.on_gossip_received)
        await self._bus.listen(subjects.ONION_KEY_ANNOUNCED, self.on_onion_key_announced)
        await self._bus.listen(subjects.ROUTE_SERVED, self.on_route_served)
        await self._bus.listen(subjects.ROUTE_LOST, self.on_route_lost)
        await self._bus.listen(subjects.HOST_FAILED, self.on_host_failed)
        await self._bus.listen(subjects.CREDITOR_DISPUTED, self.on_creditor_disputed)

    async def run(self) -> None:
        """Feed the core for ever."""
        wake_at = 0.0
        while True:
            event = await self._next_event(wake_at)
            now = now_of(self._clock)
            for command in self._neighborhood.handle(event, now):
                await self._obey(command)
            wake_at = self._neighborhood.next_wake_up(now)

    async def keep_current(self) -> None:
        """Learn what our record says, then keep it and the list of links true, for ever."""
        is_known = False
        while True:
            is_known = await self._ask_self() or is_known
            if is_known:
                await self._reconcile()
            await asyncio.sleep(RECONCILE_INTERVAL_S if is_known else RETRY_INTERVAL_S)

    async def stop(self) -> None:
        """Say farewell to all neighbors."""
        for command in self._neighborhood.handle(Stopping(), now_of(self._clock)):
            await self._obey(command)

    async def put(self, event: Event) -> None:
        """Feed the core with something that came another way."""
        await self._inbox.put(event)

    # What the router tells

    async def on_link_opened(self, message: router.LinkOpened) -> None:
        """A peer has proven itself."""
        await self._inbox.put(LinkOpened(message.peer, message.address, message.inbound))

    async def on_link_closed(self, message: router.LinkClosed) -> None:
        """A link is gone."""
        misconduct = message.reason if message.misconduct else ""
        await self._inbox.put(LinkClosed(message.peer, misconduct))

    async def on_dial_failed(self, message: router.DialFailed) -> None:
        """A link we asked for could not be opened."""
        await self._inbox.put(DialFailed(message.peer))

    async def on_gossip_received(self, message: router.GossipReceived) -> None:
        """A peer has said something."""
        await self._inbox.put(PayloadArrived(message.peer, message.address, message.payload))

    async def on_onion_key_announced(self, message: router.OnionKeyAnnounced) -> None:
        """The router has another onion key."""
        content = self._neighborhood.state.own.content
        if content is not None:
            wallet, rates = content.earning_wallet, content.rates
            changed = SelfChanged(message.public_key, message.expires_at, wallet, rates)
            await self._inbox.put(changed)

    async def on_route_served(self, message: router.RouteServed) -> None:
        """A route of ours has answered."""
        await self._inbox.put(RouteServed(message.nodes, message.latency_s))

    async def on_route_lost(self, message: router.RouteLost) -> None:
        """A route of ours never answered, or broke."""
        await self._inbox.put(RouteLost(message.nodes))

    async def on_host_failed(self, message: router.HostFailed) -> None:
        """An exit could not reach a host."""
        await self._inbox.put(HostFailed(message.exit, message.host[:HOST_SIZE_MAX]))

    async def on_creditor_disputed(self, message: evidence.CreditorDisputed) -> None:
        """A node asks for more than its work explains."""
        await self._inbox.put(CreditorDisputed(message.node_id))

    # What we do

    async def _next_event(self, wake_at: float) -> Event:
        wait = max(0.0, wake_at - self._clock.monotonic())
        try:
            async with asyncio.timeout(wait):
                return await self._inbox.get()
        except TimeoutError:
            return Tick()

    async def _ask_self(self) -> bool:
        """Ask router and accountant what our record should say; False: one did not answer."""
        status = await self._ask("router", subjects.ROUTER_STATUS, router.RouterStatusRequested())
        wallets = await self._ask("accountant", subjects.WALLETS, WalletsRequested())
        if status is None or wallets is None:
            return False
        key = status.onion_key
        changed = SelfChanged(key.public_key, key.expires_at, wallets.earning, self._rates)
        if changed != self._neighborhood.state.own.content:
            await self._inbox.put(changed)
        return True

    async def _ask(self, name: str, request: subjects.Request[M, R], message: M) -> R | None:
        """Ask another service and report how it is; None: it did not answer."""
        try:
            answer = await self._bus.request(request, message)
        except BusError as error:
            self._report(name, f"does not answer: {error}")
            return None
        self._report(name, "ok")
        return answer

    async def _reconcile(self) -> None:
        listed = await self._ask("router", subjects.LINKS, router.LinksRequested())
        if listed is not None:
            links = tuple(Link(one.peer, one.address, one.inbound) for one in listed.links)
            await self._inbox.put(LinksListed(links))

    async def _obey(self, command: Command) -> None:
        match command:
            case Dial(endpoint):
                self._tasks.create_task(self._dial(endpoint), name=f"dial {endpoint.node_id.short}")
            case Send(peer, message):
                payload = message_to_bytes(message)
                sent = router.GossipToSend(peer=peer, payload=payload)
                await self._bus.publish(subjects.SEND_GOSSIP, sent)
            case CloseLink():
                name = f"close {command.peer.short}"
                self._tasks.create_task(self._close(command), name=name)
            case MoveStage(stage, reason, before, at):
                log.info("stage moved", stage=stage, before=before, reason=reason)
                moved = gossip.StageChanged(stage=stage, reason=reason, before=before, at=at)
                await self._bus.publish(subjects.STAGE_CHANGED, moved)
            case Remember(boot, neighbors, bans):
                await asyncio.to_thread(self._store.save, Memory(boot, neighbors, bans))
            case _:
                assert_never(command)

    async def _dial(self, endpoint: Endpoint) -> None:
        wanted = router.DialRequested(
            peer=endpoint.node_id, address=endpoint.address, ports=endpoint.ports
        )
        try:
            await self._bus.request(subjects.DIAL, wanted)
        except BusError as error:
            log.warning("the router did not dial", peer=endpoint.node_id.short, reason=str(error))
            await self._inbox.put(DialFailed(endpoint.node_id))

    async def _close(self, command: CloseLink) -> None:
        await asyncio.sleep(CLOSE_GRACE_S)
        log.info("link dismissed", peer=command.peer.short, reason=command.reason)
        wanted = router.LinkCloseRequested(peer=command.peer, reason=command.reason)
        try:
            await self._bus.request(subjects.CLOSE_LINK, wanted)
        except BusError as error:
            log.warning("the router did not close", peer=command.peer.short, reason=str(error))

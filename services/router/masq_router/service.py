"""Wire the router process together, run it, and stop it in order."""

import asyncio
import ipaddress
import os
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, BusTimeout, BusUnavailable
from masq_kernel.bus.messages.accountant import WalletRefused
from masq_kernel.bus.messages.gossip import GossipStatusRequested
from masq_kernel.bus.messages.router import WorkerState, WorkerTold
from masq_kernel.bus.port import Kept
from masq_kernel.chains import Chain
from masq_kernel.ending import end_all
from masq_kernel.errors import OperatorError
from masq_kernel.identity.keys import IdentityKey, NodeId
from masq_kernel.runtime.address import AddressFile, Move
from masq_kernel.runtime.service import Runtime
from masq_router.announcer import Announcer
from masq_router.barred import BarredWallets
from masq_router.bound import Bound
from masq_router.exit.connector import Connector
from masq_router.exit.policy import ExitPolicy
from masq_router.exit.resolver import Resolver
from masq_router.exit.side import ExitSide
from masq_router.gate import Gate
from masq_router.handlers import Handlers, serve, serve_siblings
from masq_router.lifecycle import LiveSessions
from masq_router.links.certificate import make_certificate
from masq_router.links.cover import Cover
from masq_router.links.dialler import Dialler, check_source
from masq_router.links.link import Link
from masq_router.links.listener import Listener
from masq_router.mesh import Mesh
from masq_router.metering import Metering
from masq_router.metrics import RouterCollector, register_metrics
from masq_router.onion_keys import OnionKeys
from masq_router.origin.builder import TripBuilder
from masq_router.origin.plan import Originator
from masq_router.origin.proxy import ProxyListener
from masq_router.origin.side import OriginSide
from masq_router.origin.witness import Witness
from masq_router.relay.replay import ReplayWindow
from masq_router.relay.setups import Setups
from masq_router.sessions import SessionTable
from masq_router.settings import RouterSettings
from masq_router.statements import Desk, Inquirer, serve_inquiries
from masq_router.usage import UsageReporter, report_interval_s
from masq_router.wire.handshake import LONE_WORKER, WORKER_SIZE
from masq_router.workers.household import Household
from masq_router.workers.siblings import Siblings
from masq_router.workers.team import Team

__all__ = ["Router", "main"]

SESSIONS_MAX = 50_000
"""A few kilobytes each."""

TICK_S = 1.0
WATCH_S = 0.25
"""How often the routes of our clients are looked after; part of what a hung relay costs them."""

BAR_S = 0.25
"""How often sessions of wallets that were refused meanwhile are ended."""

CERTIFICATE_S = 24 * 60 * 60
PRICES_S = 5.0
"""How often gossip is asked for our own prices; every second until they are known."""

FAREWELL_S = 0.2
"""Time for the last frames to leave before the process does."""


class Router:
    """All parts of one router process, made once and wired here.

    Args:
        runtime: the process.
        settings: the section [router].
    """

    def __init__(self, runtime: Runtime, settings: RouterSettings) -> None:
        self._runtime, self._settings = runtime, settings
        self._clock, self._entropy = runtime.clock, runtime.entropy
        self._started_at = runtime.clock.unix()
        self._bound = Bound.of(settings, AddressFile(runtime.node.data_dir).load())
        self._listening: tuple[str, int] | None = None
        self._dialler = Dialler(self._bound.source)
        chain = runtime.chain
        store = runtime.open_keystore()
        identity = store.identity()
        is_shared = settings.workers > 1
        self.worker = self._entropy.token(WORKER_SIZE) if is_shared else LONE_WORKER
        self.keys = OnionKeys(store, self._clock.unix())
        self.metering = Metering(self._entropy.token(8).hex())
        self.live = LiveSessions(SessionTable(sessions_max=SESSIONS_MAX), self.metering)
        self.barred = BarredWallets()
        self.announcer = Announcer(runtime.bus)
        self.mesh = Mesh(
            chain=chain,
            identity=identity,
            live=self.live,
            dialler=self._dialler,
            announcer=self.announcer,
            tasks=runtime.tasks,
            clock=self._clock,
            entropy=self._entropy,
            cover=Cover(rate=self._settings.cover_kib_per_s * 1024.0),
            worker=self.worker,
        )
        self.siblings = self._make_siblings(identity) if is_shared else None
        self._connector = Connector(self._policy(self._bound), Resolver())
        self.exit_side = self._make_exit_side(chain)
        self.origin = self._make_origin(chain, identity.node_id)
        self.setups = Setups(
            chain=chain,
            keys=self.keys.pairs,
            gate=None,
            find_link=self._find_link,
            live=self.live,
            exit_end=self.exit_side,
            return_end=self.origin,
            replay=ReplayWindow(),
            clock=self._clock,
            note_voucher=self.metering.note,
        )
        self.mesh.use_setups(self.setups.handle)
        self._team = None if self.siblings is None else self._make_team(self.siblings)
        interval_s = report_interval_s(settings.workers)
        self.usage = UsageReporter(self.metering, runtime.bus, self._clock, interval_s)
        self.listener = Listener(
            admit=self.mesh.admit,
            give_up=self.mesh.give_up,
            tasks=runtime.tasks,
            shares_port=is_shared,
        )
        self.proxy = ProxyListener(self.origin, runtime.tasks, self._clock)
        self._chain, self._own = chain, identity.node_id

    def _make_siblings(self, identity: IdentityKey) -> Siblings:
        return Siblings(
            chain=self._runtime.chain,
            identity=identity,
            own=self.worker,
            live=self.live,
            bus=self._runtime.bus,
            tell=self.announcer.tell,
            describe=self._describe,
            peers_here=lambda: self.mesh.pool.peers,
            tasks=self._runtime.tasks,
            clock=self._clock,
            entropy=self._entropy,
        )

    def _make_team(self, siblings: Siblings) -> Team:
        """Share the work with other processes of this node (docs/adr/0015)."""
        household = Household(
            siblings=siblings,
            find_link=self._find_link,
            live=self.live,
            replay=self.setups.replay,
            tell=self.announcer.tell,
            clock=self._clock,
        )
        self.setups.household = household
        self.mesh.use_siblings(siblings)
        siblings.use(self.setups.handle_carried, self.exit_side.associations.is_here)
        return Team(
            size=self._settings.workers,
            siblings=siblings,
            household=household,
            mesh=self.mesh,
            bus=self._runtime.bus,
            control=self._runtime.control,
            own_state=self.state,
            clock=self._clock,
        )

    def state(self) -> WorkerState:
        """Return what this process says of itself."""
        wrong = [f"{name}: {state}" for name, state in self._runtime.health.troubles.items()]
        return WorkerState(
            worker=self.worker,
            pid=os.getpid(),
            started_at=self._started_at,
            links=len(self.mesh.pool),
            sessions=len(self.live.table),
            streams=self.exit_side.stream_count + self.origin.stream_count,
            trouble="; ".join(wrong),
        )

    def _describe(self, at: tuple[str, int]) -> WorkerTold:
        return WorkerTold(
            state=self.state(),
            address=at[0],
            port=at[1],
            links=self.mesh.link_states,
            refusing=self.proxy.refusals.reason,
        )

    def _make_exit_side(self, chain: Chain) -> ExitSide:
        return ExitSide(
            chain=chain,
            connector=self._connector,
            live=self.live,
            find_link=self._find_link,
            tasks=self._runtime.tasks,
            clock=self._clock,
            memory=self._settings.stream_memory(),
            elsewhere=self.siblings,
            ask=Desk(self._runtime.bus, self._clock).ask,
        )

    def _policy(self, bound: Bound) -> ExitPolicy:
        own = [ipaddress.ip_address(address) for address in bound.own]
        return ExitPolicy.parse(self._settings.exit_policy, own=own)

    def _make_origin(self, chain: Chain, own: NodeId) -> OriginSide:
        def originator() -> Originator:
            onion_key = self.keys.announcement().public_key
            return Originator(node_id=own, onion_key=onion_key, worker=self.worker)

        builder = TripBuilder(
            chain=chain,
            originator=originator,
            bus=self._runtime.bus,
            live=self.live,
            find_link=self._find_link,
            clock=self._clock,
            entropy=self._entropy,
            lifetime_s=self._settings.session_lifetime_s,
        )
        witness = Witness(self.announcer.tell)
        memory = self._settings.stream_memory()
        return OriginSide(builder, witness, self._runtime.tasks, self._clock, memory)

    def _find_link(self, peer: NodeId) -> Link | None:
        link = self.mesh.pool.get(peer)
        return link if link is not None and link.is_open else None

    # -- life --------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen, answer, and begin what goes on in the background."""
        self._listening = await self._listen()
        proxying = None
        if self._settings.proxy:
            proxying = await self.proxy.start(
                self._settings.proxy_host,
                self._settings.proxy_port,
                shares_port=self._settings.workers > 1,
            )
        collector = RouterCollector(
            mesh=self.mesh,
            live=self.live,
            setups=self.setups.counts,
            exit_side=self.exit_side,
            origin=self.origin,
            refusals=self.proxy.refusals,
        )
        register_metrics(self._runtime.metrics, collector)
        handlers = Handlers(
            mesh=self.mesh,
            live=self.live,
            keys=self.keys,
            exit_side=self.exit_side,
            origin=self.origin,
            refusals=self.proxy.refusals,
            clock=self._clock,
            listening=lambda: self._listening,
            move=self.move,
            proxying=proxying,
            own_state=self.state,
            siblings=self.siblings,
        )
        if self._team is not None:
            await serve_siblings(self._runtime.bus, handlers, self.worker)
            await self._team.start(self._settings.worker_host)
        await serve(self._runtime.bus, handlers)
        await serve_inquiries(self._runtime.bus, Inquirer(self.origin))
        await self._runtime.bus.follow(subjects.REFUSED_WALLETS, self._on_refused_wallets)
        self.announcer.tell(self.keys.announcement())

    async def _listen(self) -> tuple[str, int] | None:
        if self._bound.listen_port is None:
            return None
        certificate = make_certificate(self._clock.utc(), self._entropy)
        return await self.listener.start(
            self._bound.listen_host, self._bound.listen_port, certificate
        )

    async def move(self, move: Move) -> None:
        """Take and make links at another place; links that stand go on until gossip ends them.

        Raises:
            OperatorError: that cannot be, and nothing has changed.
        """
        bound = Bound.of(self._settings, move)
        if bound.listen_port is None:
            remedy = "Set `listen_port` in the section [router], and restart the router."
            raise OperatorError("The router takes no links at all.", remedy=remedy)
        if bound.source != self._bound.source:
            check_source(bound.source)
        before = self._bound.listen_host, self._bound.listen_port
        if (bound.listen_host, bound.listen_port) != before:
            certificate = make_certificate(self._clock.utc(), self._entropy)
            self._listening = self.listener.move(bound.listen_host, bound.listen_port, certificate)
        self._dialler.bind(bound.source)
        self._connector.policy = self._policy(bound)
        self._bound = bound

    def background(self) -> Iterator[tuple[str, Callable[[], Coroutine[Any, Any, None]]]]:
        """Return what goes on until the router stops, with its name."""
        yield "announce", self.announcer.run
        yield "report usage", self.usage.run
        yield "tick", self._tick
        yield "watch routes", self._watch_routes
        yield "end barred sessions", self._end_barred
        yield "renew certificate", self._renew_certificate
        yield "follow prices", self._follow_prices
        if self._team is not None:
            yield from self._team.background()

    async def stop(self) -> None:
        """Let clients go, end sessions, report the last usage, say so to the peers."""
        self.proxy.stop()
        self.listener.stop()
        self.origin.close()
        self.exit_side.close()
        await asyncio.sleep(FAREWELL_S)
        self.mesh.close("the node stops")
        await asyncio.sleep(FAREWELL_S)
        if self._team is not None:
            await self._team.stop()
        await self.announcer.finish()
        await self.usage.flush()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now = self._clock.unix()
            self.mesh.tick()
            self.live.end_expired(now)
            self.exit_side.tick()
            if self.keys.rotate(now):
                self.announcer.tell(self.keys.announcement())

    async def _watch_routes(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            self.origin.tick()

    async def _end_barred(self) -> None:
        while True:
            await asyncio.sleep(BAR_S)
            self.live.end_barred(self.barred.take_new())

    async def _renew_certificate(self) -> None:
        while True:
            await asyncio.sleep(CERTIFICATE_S)
            await self._listen()

    async def _follow_prices(self) -> None:
        while True:
            await self._ask_prices()
            await asyncio.sleep(PRICES_S if self.setups.gate else 1.0)

    async def _ask_prices(self) -> None:
        try:
            status = await self._runtime.bus.request(
                subjects.GOSSIP_STATUS, GossipStatusRequested()
            )
        except (BusRefused, BusTimeout, BusUnavailable):
            self._runtime.health.report("gossip", "does not answer")
            return
        self._runtime.health.report("gossip", "ok")
        self.setups.gate = Gate(
            chain=self._chain,
            node_id=self._own,
            rates=status.rates,
            barred=self.barred.reasons,
            owed_min=self.barred.owed_min,
        )

    async def _on_refused_wallets(self, kept: Kept[WalletRefused]) -> None:
        self.barred.learn(kept.messages, is_whole=kept.is_whole)


async def main(runtime: Runtime) -> None:
    """Run until the process is told to stop."""
    router = Router(runtime, runtime.section(RouterSettings))
    await router.start()
    running = [runtime.tasks.create_task(work(), name=name) for name, work in router.background()]
    await runtime.stopping.wait()
    await end_all(running)
    await router.stop()

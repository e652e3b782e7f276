"""Whole routers in one process: real TLS, real sockets, real proofs; gossip and books stand by.

Each node has its own in-memory bus, on which `Neighbors` answers as gossip would (the routes that
the test chose) and `Purse` as an accountant would (real signatures, and usage kept in a list).
"""

import asyncio
from itertools import pairwise
from pathlib import Path

from prometheus_client import CollectorRegistry

from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, Refusal
from masq_kernel.bus.memory import MemoryBroker
from masq_kernel.bus.messages.accountant import ProofsSigned
from masq_kernel.bus.messages.gossip import (
    GossipStatus,
    NeighborsListed,
    RouteFound,
    RouteHop,
)
from masq_kernel.bus.subjects import Service
from masq_kernel.clock import SystemClock
from masq_kernel.entropy import SeededEntropy
from masq_kernel.identity.keys import IdentityKey, WalletAddress
from masq_kernel.identity.keystore import LIGHT, KeyStore
from masq_kernel.identity.proofs import ProofClaim, sign_proof, wallet_of
from masq_kernel.rates import DEFAULT_RATES
from masq_kernel.runtime.control import Control
from masq_kernel.runtime.health import HealthBoard
from masq_kernel.runtime.service import Runtime
from masq_kernel.runtime.settings import NodeSettings, load_section
from masq_router.service import Router
from masq_router.settings import RouterSettings
from support.nats_server import free_port
from support.routes import DEV

PASSPHRASE = "router mesh"


class RouterNode:
    """One node: a router, and what answers it."""

    def __init__(
        self,
        number: int,
        folder: Path,
        *,
        exit_policy: tuple[str, ...],
        session_lifetime_s=600,
        stream_memory_mib=512,
        broker=None,
        workers=1,
    ) -> None:
        """With a `broker` of its own, an accountant is there too, and none stands by.

        With several `workers`, `start_worker` starts each after the first.
        """
        entropy = SeededEntropy(9000 + number)
        self.number = number
        self.address = f"127.0.3.{number}"
        self.identity = IdentityKey.generate(entropy)
        self.node_id = self.identity.node_id
        self.wallet_key = entropy.token(32)
        self.consuming = wallet_of(self.wallet_key)
        self.earning = WalletAddress(entropy.token(20))
        self.rates = DEFAULT_RATES
        self.route: RouteFound | None = None
        self.detour: RouteFound | None = None
        self.offered: list[RouteFound] = []
        self.has_wallet = True
        self.wishes = []
        self.heard = []
        self.usage = []
        self.has_accountant = broker is not None
        self.broker = broker or MemoryBroker()
        folder.mkdir(mode=0o700)
        self.folder = folder
        store = KeyStore.create(folder / "keystore.json", PASSPHRASE, entropy, work=LIGHT)
        store.put("identity", self.identity.seed())
        (folder / "passphrase").write_text(PASSPHRASE + "\n")
        (folder / "passphrase").chmod(0o600)
        self.settings = RouterSettings(
            listen_host=self.address,
            listen_port=0 if workers == 1 else free_port(),
            bind_address=self.address,
            proxy_port=0 if workers == 1 else free_port(),
            workers=workers,
            exit_policy=exit_policy,
            session_lifetime_s=session_lifetime_s,
            stream_memory_mib=stream_memory_mib,
        )
        self.router: Router | None = None
        self.neighbors = []
        self.workers, self.background = [], []
        self.stopping = asyncio.Event()

    async def start(self, tasks: asyncio.TaskGroup) -> None:
        await self._stand_by()
        self.router = await self.start_worker(tasks)
        status = await self.ask(subjects.ROUTER_STATUS)
        self.port, self.proxy_port = status.listen_port, status.proxy_port

    async def start_worker(self, tasks: asyncio.TaskGroup, **changes) -> Router:
        """Start a router process of this node, here as a part of ours."""
        health, registry, clock = HealthBoard(), CollectorRegistry(), SystemClock()
        runtime = Runtime(
            service=Service.ROUTER,
            node=load_section(
                NodeSettings,
                "node",
                file={
                    "data_dir": str(self.folder),
                    "chain": "dev",
                    "passphrase_file": str(self.folder / "passphrase"),
                },
            ),
            sections={},
            bus=self.broker.connect(Service.ROUTER),
            clock=clock,
            entropy=SeededEntropy(9500 + self.number + 100 * len(self.workers)),
            tasks=tasks,
            health=health,
            metrics=registry,
            control=Control(Service.ROUTER, health, registry, clock),
            stopping=self.stopping,
        )
        router = Router(runtime, self.settings.model_copy(update=changes))
        await runtime.control.serve(runtime.bus)
        await router.start()
        self.workers.append(router)
        self.background += [
            tasks.create_task(work(), name=name) for name, work in router.background()
        ]
        return router

    async def stop(self) -> None:
        for task in self.background:
            task.cancel()
        await asyncio.gather(*(router.stop() for router in self.workers))

    def kill(self) -> None:
        """Lose every connection at once, as a process that is killed does."""
        self.router.listener.stop()
        for link in self.router.mesh.pool:
            link._abort()

    def hang(self) -> None:
        """Take nothing from any link any more, and keep all of them."""
        for link in self.router.mesh.pool:
            link._transport.pause_reading()

    def wake(self) -> None:
        for link in self.router.mesh.pool:
            link._transport.resume_reading()

    async def ask(self, subject):
        api = self.broker.connect(Service.API)
        return await api.request(subject, subject.message())

    async def dial(self, other: "RouterNode") -> None:
        assert self.router.mesh.dial(other.node_id, other.address, (other.port,))
        async with asyncio.timeout(10):
            while not (self.link(other) and other.link(self)):
                await asyncio.sleep(0.01)

    def link(self, other: "RouterNode"):
        links = (router.mesh.pool.get(other.node_id) for router in self.workers)
        return next(filter(None, links), None)

    def hop(self) -> RouteHop:
        return RouteHop(
            node_id=self.node_id,
            onion_key=self.router.keys.announcement().public_key,
            rates=self.rates,
            earning_wallet=self.earning,
        )

    async def settled_usage(self):
        """Return all usage once nothing more comes."""
        count = -1
        while count != len(self.usage):
            count = len(self.usage)
            await asyncio.sleep(0.6)
        return [entry for report in self.usage for entry in report.entries]

    async def _stand_by(self) -> None:
        gossip = self.broker.connect(Service.GOSSIP)
        for event in (subjects.ROUTE_SERVED, subjects.ROUTE_LOST, subjects.HOST_FAILED):
            await gossip.listen(event, self._on_event)
        await gossip.serve(subjects.ROUTE, self._on_route)
        await gossip.serve(subjects.GOSSIP_STATUS, self._on_status)
        await gossip.serve(subjects.NEIGHBORS, self._on_neighbors)
        for event in (subjects.LINK_OPENED, subjects.LINK_CLOSED):
            await gossip.listen(event, self._on_event)
        if self.has_accountant:
            return
        accountant = self.broker.connect(Service.ACCOUNTANT)
        await accountant.serve(subjects.SIGN_PROOFS, self._on_sign_proofs)
        await accountant.consume(subjects.USAGE, self._on_usage)

    async def _on_route(self, message) -> RouteFound:
        self.wishes.append(message)
        if self.offered:
            return self._choose(message)
        route = self.detour if message.avoid else self.route
        if route is None:
            raise BusRefused(Refusal.NO_ROUTE, "the test has chosen none")
        return route

    def _choose(self, wish) -> RouteFound:
        """Return the first offered route that grants the wish."""
        for route in self.offered:
            nodes = {hop.node_id for hop in route.over + route.back}
            if wish.exit in (None, route.over[-1].node_id) and not nodes & set(wish.avoid):
                return route
        raise BusRefused(Refusal.NO_ROUTE, "the test offers none such")

    async def _on_neighbors(self, message) -> NeighborsListed:
        return NeighborsListed(neighbors=tuple(self.neighbors))

    async def _on_event(self, message) -> None:
        self.heard.append(message)

    async def _on_status(self, message) -> GossipStatus:
        return GossipStatus(
            node_id=self.node_id,
            descriptor="",
            chain="dev",
            mode="standard",
            stage="routable",
            reason="",
            stage_since=None,
            neighbors=0,
            nodes_known=0,
            hops_min=3,
            rates=self.rates,
            earning_wallet=self.earning,
        )

    async def _on_sign_proofs(self, message) -> ProofsSigned:
        if not self.has_wallet:
            raise BusRefused(Refusal.NO_WALLET, "no consuming wallet is set")
        claims = [
            ProofClaim(
                node_id=proof.node_id,
                secret_hash=proof.secret_hash,
                rates=proof.rates,
                expires_at=proof.expires_at,
            )
            for proof in message.proofs
        ]
        signatures = tuple(sign_proof(self.wallet_key, DEV, claim) for claim in claims)
        owed = ("0",) * len(claims)
        wallets = (self.consuming,) * len(claims)
        return ProofsSigned(wallets=wallets, signatures=signatures, owed=owed, sequence=0)

    async def _on_usage(self, report) -> None:
        self.usage.append(report)


class RouterMesh:
    """Nodes in a ring with the test's links; the first is the client's."""

    def __init__(self, nodes: list[RouterNode]) -> None:
        self.nodes = nodes

    def nodes_on(self, *ways: list[int]) -> tuple:
        return tuple(self.nodes[index].node_id for way in ways for index in way)

    @property
    def client(self) -> RouterNode:
        return self.nodes[0]

    @classmethod
    async def start(
        cls,
        folder: Path,
        count: int,
        tasks,
        *,
        exit_policy=("accept 127.0.0.1:*",),
        policies=None,
        session_lifetime_s=600,
        stream_memory_mib=512,
        brokers=None,
        workers=None,
    ):
        """`policies`, `brokers` and `workers` have those of single nodes, by index."""
        nodes = [
            RouterNode(
                index + 1,
                folder / f"node{index + 1}",
                exit_policy=(policies or {}).get(index, exit_policy),
                session_lifetime_s=session_lifetime_s,
                stream_memory_mib=stream_memory_mib,
                broker=(brokers or {}).get(index),
                workers=(workers or {}).get(index, 1),
            )
            for index in range(count)
        ]
        await asyncio.gather(*(node.start(tasks) for node in nodes))
        return cls(nodes)

    async def link_and_route(self, over: list[int], back: list[int]) -> None:
        """Link what the route needs, and have the client's gossip answer with it (indexes)."""
        self.client.route = await self.link(over, back)

    async def link_and_detour(self, over: list[int], back: list[int]) -> None:
        """The same for the answer to a wish that avoids somebody."""
        self.client.detour = await self.link(over, back)

    async def offer(self, *ways: tuple[list[int], list[int]]) -> None:
        """Link what these routes need; the client's gossip knows them all, in this order."""
        self.client.offered = [await self.link(over, back) for over, back in ways]

    def withdraw(self, index: int) -> None:
        """The client's gossip has heard that this node is gone."""
        gone = self.nodes[index].node_id
        self.client.offered = [
            route
            for route in self.client.offered
            if gone not in {hop.node_id for hop in route.over + route.back}
        ]

    async def link(self, over: list[int], back: list[int]) -> RouteFound:
        """Link what the route needs."""
        nodes = self.nodes
        for path in ([0, *over], [over[-1], *back, 0]):
            for index, following in pairwise(path):
                if nodes[index].link(nodes[following]) is None:
                    await nodes[index].dial(nodes[following])
        async with asyncio.timeout(10):
            while any(node.router.setups.gate is None for node in nodes):
                await asyncio.sleep(0.01)
        return RouteFound(
            over=tuple(nodes[index].hop() for index in over),
            back=tuple(nodes[index].hop() for index in back),
        )

    async def stop(self) -> None:
        await asyncio.gather(*(node.stop() for node in self.nodes))

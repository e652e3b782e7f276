"""From an unpaid charge to a torn down session: a real nats-server, a real accountant process.

One relay of an otherwise simulated mesh keeps its books with them.
"""

import asyncio
from contextlib import asynccontextmanager

import pytest

from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusError
from masq_kernel.bus.messages.accountant import (
    LedgerSummaryRequested,
    ThresholdsRequested,
    ThresholdsToSet,
    WalletBansRequested,
)
from masq_kernel.bus.subjects import Service
from support.accountant_process import make_node, start
from support.nats_server import running_server
from support.router_mesh import RouterMesh
from support.socks_client import socks_connect
from support.traffic import echo, pattern, serving

RELAY = 1
WAYS = ([1, 3], [4]), ([2, 3], [4])  # the second goes round the relay
SCAN_S = 0.2
AT_ONCE = {
    "debt_threshold_gwei": 1,
    "maturity_threshold_sec": 0,
    "payment_grace_period_sec": 0,
    "permanent_debt_allowed_gwei": 0,
    "threshold_interval_sec": 1,
    "unban_below_gwei": 0,
    "credit_limit_gwei": 1_000_000_000,
}
"""Whoever owes a gwei for a second is delinquent."""


class NatsBroker:
    """Gives a RouterNode connections to the real server."""

    def __init__(self, buses):
        self._buses = buses

    def connect(self, service):
        return self._buses[service]


class Scene:
    """The server, the accountant, the mesh, and what is heard of bans."""

    def __init__(self, config, buses, mesh):
        self.config, self.api, self.mesh = config, buses[Service.API], mesh
        self.relay, self.wallet = mesh.nodes[RELAY], mesh.client.consuming
        self.changes = []
        self.process = None

    async def begin(self):
        await self.api.listen(subjects.WALLET_STANCE_CHANGED, self._on_changed)
        self.process = await start(self.config)

    async def _on_changed(self, message):
        self.changes.append(message)

    async def crash(self):
        self.process.kill()
        await self.process.wait()

    async def ask(self, subject, message):
        """Ask until the accountant is there."""
        async with asyncio.timeout(20):
            while True:
                try:
                    return await self.api.request(subject, message)
                except BusError:
                    await asyncio.sleep(0.1)

    async def set_thresholds(self, **values):
        shown = await self.ask(subjects.THRESHOLDS, ThresholdsRequested())
        kind = type(shown.values)
        before = {name: getattr(shown.values, name) for name in kind.__struct_fields__}
        wanted = ThresholdsToSet(values=kind(**before | values), revision=shown.revision, by="test")
        await self.api.request(subjects.SET_THRESHOLDS, wanted)
        return before

    async def causes(self):
        listed = await self.ask(subjects.WALLET_BANS, WalletBansRequested())
        return {each.wallet: each.cause for each in listed.wallets}

    async def owed(self):
        return int((await self.ask(subjects.LEDGER_SUMMARY, LedgerSummaryRequested())).receivable)

    def served(self):
        """Sessions of the relay that the client pays for."""
        return [
            session
            for session in self.relay.router.live.table
            for meter in session.meters
            if meter.wallet == self.wallet and meter.side == "provided"
        ]


@pytest.fixture
async def scene(tmp_path):
    async with running_server(tmp_path) as server, asyncio.TaskGroup() as tasks:
        settings = f"scan_interval_s = {SCAN_S}\n"
        config = make_node(tmp_path, bus_port=server.port, settings=settings)
        services = (Service.GOSSIP, Service.ROUTER, Service.API)
        buses = {service: await server.connect(service) for service in services}
        (tmp_path / "mesh").mkdir()
        brokers = {RELAY: NatsBroker(buses)}
        mesh = await RouterMesh.start(tmp_path / "mesh", 5, tasks, brokers=brokers)
        scene = Scene(config, buses, mesh)
        await scene.begin()
        await mesh.offer(*WAYS)
        yield scene
        await mesh.stop()
        if scene.process.returncode is None:
            await scene.crash()
        for bus in buses.values():
            await bus.close()


async def until(condition, timeout_s):
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def stream(scene):
    async with serving(echo) as port:
        code, reader, writer = await socks_connect(scene.mesh.client.proxy_port, "127.0.0.1", port)
        assert code == 0
        yield reader, writer
        writer.close()


async def send(reader, writer, size, timeout_s=20):
    writer.write(pattern(size))
    assert await asyncio.wait_for(reader.readexactly(size), timeout_s) == pattern(size)


async def test_a_wallet_that_does_not_pay_is_cut_off_within_a_second_and_served_again(scene):
    async with stream(scene) as (reader, writer):
        await send(reader, writer, 50_000)
        async with asyncio.timeout(10):
            while not await scene.owed():
                await asyncio.sleep(0.05)
        assert scene.served()
        assert await scene.causes() == {}

        before = await scene.set_thresholds(**AT_ONCE)
        await until(lambda: scene.changes, 5)
        await until(lambda: not scene.served(), 1.0)
        assert scene.relay.router.barred.reasons.keys() == {scene.wallet}
        assert await scene.causes() == {scene.wallet: "delinquent"}
        await send(reader, writer, 1_000)  # another relay carries the stream on
        assert scene.served() == []

        await scene.crash()
        await scene.begin()
        assert await scene.causes() == {scene.wallet: "delinquent"}
        assert scene.relay.router.barred.reasons.keys() == {scene.wallet}

        await scene.set_thresholds(**before)
        await until(lambda: not scene.relay.router.barred.reasons, 2.0)
        assert scene.changes[0].cause == "delinquent"
        assert scene.changes[-1].cause is None


async def test_credit_is_refused_by_amount_before_any_debt_is_old(scene):
    await scene.set_thresholds(
        credit_limit_gwei=1,
        debt_threshold_gwei=1,
        permanent_debt_allowed_gwei=0,
        unban_below_gwei=0,
    )
    async with stream(scene) as (reader, writer):
        await send(reader, writer, 200_000)  # more than the limit at our rates
        await until(lambda: scene.changes, 5)
        await until(lambda: not scene.served(), 1.0)
        assert await scene.causes() == {scene.wallet: "credit"}
        await send(reader, writer, 1_000)

"""Real routers and real books, on a clock that the test moves: an originator that never settles.

Every hop that it owes bans it at the second its own curve says, refuses its sessions with the
reason, and its operator reads why; when it has paid, one scan later all serve it again.
"""

import asyncio

import pytest

from masq_accountant.ledger import Account, Entry, Kind
from masq_accountant.ledger.thresholds import Thresholds
from masq_accountant.store.stances import stance_drawer
from masq_accountant.store.threshold_log import ThresholdLog
from masq_accountant.warden import Warden
from masq_kernel.bus import subjects
from masq_kernel.bus.memory import MemoryBroker
from masq_kernel.bus.subjects import Service
from masq_kernel.clock import ManualClock, SystemClock
from masq_kernel.units import WEI_PER_GWEI
from support.ledgers import make_bookkeeper, make_notary, open_ledger
from support.router_mesh import RouterMesh
from support.socks_client import socks_connect
from support.traffic import fetch_pattern, pattern, send_pattern, serving

WAY = ([1, 3], [4])
HOPS = (1, 3, 4)
SIZE = 3_000_000


class Hop:
    """The accountant of one hop."""

    def __init__(self, folder, broker):
        self._folder, self._broker = folder, broker
        self.clock = ManualClock(int(SystemClock().unix()))

    async def start(self, payer):
        self.payer = Account(Kind.RECEIVABLE, payer)
        self.ledger = await open_ledger(self._folder)
        bus = self._broker.connect(Service.ACCOUNTANT)
        self.log, notary = ThresholdLog(self.ledger), make_notary(self.ledger)
        stances = stance_drawer(self.ledger)
        self.warden = Warden(self.ledger, stances, self.log, notary, bus, self.clock)
        await self.log.load()
        bookkeeper = make_bookkeeper(
            self.ledger,
            on_booked=self.warden.on_booked,
            notary=notary,
            on_vouchers=self.warden.on_vouchers,
        )
        await bus.consume(subjects.USAGE, bookkeeper.on_usage)

    @property
    def standing(self):
        return self.ledger.standings().get(self.payer)

    async def agree_on(self, share):
        """Put a curve in force on which what is owed now is due some time; return when."""
        owed = self.standing.balance // WEI_PER_GWEI
        thresholds = Thresholds(
            debt_threshold_gwei=owed * share,
            permanent_debt_allowed_gwei=owed // 2,
            unban_below_gwei=owed // 2,
        )
        await self.log.add(thresholds, "test", self.clock.unix())
        balance = self.standing.balance
        return next(age for age in range(30_000) if thresholds.is_delinquent(balance, age))

    async def age(self, seconds):
        """Let the debt become so old, and scan; return whether the payer is banned."""
        self.clock.advance(seconds - self.standing.age_s(self.clock.unix()))
        await self.warden.scan()
        return bool(self.warden.refused())

    async def receive(self):
        """Book what the payer pays: against income, until there are settlements."""
        amount = self.standing.balance
        entries = [
            Entry(account=self.payer, amount=-amount),
            Entry(account=Account(Kind.INCOME_ROUTING), amount=amount),
        ]
        assert await self.ledger.book("paid:1", entries, self.clock.unix())


async def until(condition, timeout_s):
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.05)


@pytest.fixture
async def mesh(tmp_path):
    brokers = {index: MemoryBroker() for index in HOPS}
    async with asyncio.TaskGroup() as tasks:
        mesh = await RouterMesh.start(tmp_path, 5, tasks, brokers=brokers)
        mesh.hops = []
        for index, broker in brokers.items():
            folder = tmp_path / f"books{index}"
            folder.mkdir()
            mesh.hops.append(Hop(folder, broker))
            await mesh.hops[-1].start(mesh.client.consuming)
        await mesh.offer(WAY)
        yield mesh
        await mesh.stop()
        for hop in mesh.hops:
            await hop.ledger.close()


async def test_who_never_settles_is_banned_by_every_hop_in_its_time_and_served_when_it_paid(mesh):
    client = mesh.client
    async with serving(send_pattern) as port:
        assert await fetch_pattern(client.proxy_port, port, 1, SIZE) == pattern(SIZE, 1)
        await until(lambda: all(hop.standing for hop in mesh.hops), 5)
        await asyncio.sleep(1.0)
        for hop, share in zip(mesh.hops, (2, 3, 4), strict=True):
            due_s = await hop.agree_on(share)
            assert due_s > 2_401, "later than maturity and grace: the curve has to fall first"
            assert not await hop.age(due_s - 1)
            assert await hop.age(due_s)
        routers = [mesh.nodes[index].router for index in HOPS]
        await until(lambda: all(router.barred.reasons for router in routers), 1.0)
        await until(lambda: not any(len(router.live.table) for router in routers), 2.0)

        code, _, writer = await socks_connect(client.proxy_port, "127.0.0.1", port)
        writer.close()
        assert code != 0
        refused = [router.setups.counts.refused.get("refused_banned", 0) for router in routers]
        assert sum(refused) > 0
        assert "banned our wallet" in client.router.proxy.refusals.reason

        for hop in mesh.hops:
            await hop.receive()
            assert (await hop.warden.scan()).unbanned == 1
        await until(lambda: not any(router.barred.reasons for router in routers), 1.0)
        assert await fetch_pattern(client.proxy_port, port, 2, SIZE) == pattern(SIZE, 2)

"""The accountant dies at every step of a payment: no debt is lost, and none is paid twice.

`make chaos` kills a real process 100 times and more; MASQ_CHAOS_KILLS and MASQ_CHAOS_SEED choose.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter

import pytest

from masq_accountant.ledger import Account, Kind
from masq_kernel.bus import subjects
from masq_kernel.bus.messages.accountant import LedgerSummaryRequested
from masq_kernel.bus.messages.gossip import StageChanged
from masq_kernel.bus.messages.settlement import BalancesRequested, PaymentsRequested, ScansRequested
from masq_kernel.bus.subjects import Service
from masq_kernel.identity.proofs import wallet_of
from masq_kernel.units import UnixSeconds
from support.accountant_process import append, ask, make_node, open_books, start
from support.evm import COIN, running_evm
from support.nats_server import running_server
from support.settling import CONFIRMATIONS, DUE_S, MASQ, address_of, house
from support.usage_builders import make_report, make_usage

KILLS = int(os.environ.get("MASQ_CHAOS_KILLS", "12"))
SEED = int(os.environ.get("MASQ_CHAOS_SEED", "1"))
LIFE_MAX_S = 4.0
"""An accountant with a chain pays within the first two seconds; some are killed before that."""

PAYEE = address_of(20)
CONSUMING = wallet_of(bytes(31) + b"\x02")
"""The second entry of the key store that `make_node` writes."""


class Died(BaseException):
    """The process is gone."""


def dying(work, when):
    """Return work that dies before or after it is done."""

    async def instead(*args, **more):
        if when == "after":
            await work(*args, **more)
        raise Died

    return instead


STEPS = [
    ("signer", "sign_transfer", "payables"),
    ("payer", "_book", "payables"),
    ("chain", "send", "payables"),
    ("payer", "_keep", "pending"),
    ("payer", "_book", "pending"),
]


@pytest.fixture
async def evm():
    async with running_evm() as made:
        await made.automine(is_on=False)
        yield made


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("part", "name", "kind"), STEPS, ids=lambda each: each)
async def test_a_death_at_any_step_neither_loses_nor_doubles(
    evm, tmp_path, monkeypatch, part, name, kind, when
):
    async with house(tmp_path / "n", 1, [evm.url]) as node:
        await evm.give(node.consuming, tokens=10 * MASQ, coin=COIN)
        await evm.mine()
        await node.owe(PAYEE, MASQ)
        if kind == "pending":
            await node.scan("payables")
            await evm.mine(1 if name == "_keep" else CONFIRMATIONS)
        payer = node.cashier.scans.by_kind[kind].work.__self__
        signer = payer._signers[node.consuming]
        target = {"payer": payer, "chain": payer._chain, "signer": signer}[part]
        monkeypatch.setattr(target, name, dying(getattr(target, name), when))
        with pytest.raises(Died):
            await node.scan(kind)
        await node.reopen()
        assert node.owed(PAYEE) in (MASQ, 0)
        for _ in range(3):
            await node.scan("payables")
            await node.scan("pending")
            await evm.mine(CONFIRMATIONS)
            await node.scan("pending")
        assert (node.owed(PAYEE), node.in_flight, node.paid) == (0, 0, MASQ)
        assert await evm.tokens(PAYEE) == MASQ
        assert await evm.transactions(node.consuming) == 1


class Feed:
    """A router whose routes are old debts already, until it is told to stop."""

    def __init__(self, bus, chance):
        self._bus, self._chance, self._number = bus, chance, 0
        self.owed, self.is_over = Counter(), False

    async def run(self):
        while not self.is_over:
            self._number += 1
            wallet = address_of(20 + self._chance.randrange(5))
            amount = self._chance.randint(MASQ // 10, 2 * MASQ)
            usage = make_usage(side="consumed", wallet=wallet, amount=str(amount))
            at = UnixSeconds(int(time.time()) - DUE_S)
            await append(self._bus, make_report(str(self._number), usage, at=at), str(self._number))
            self.owed[wallet] += amount
            await asyncio.sleep(self._chance.uniform(0.05, 0.4))


async def find_routes(gossip):
    """Say again and again that there are routes, as gossip would have said once."""
    while True:
        told = StageChanged(stage="routable", reason="", before="connected", at=UnixSeconds(0))
        await gossip.publish(subjects.STAGE_CHANGED, told)
        await asyncio.sleep(0.2)


async def settled(api, charged):
    """Whether all that was reported is booked, nothing is under way, and nothing is due."""
    summary = await ask(api, subjects.LEDGER_SUMMARY, LedgerSummaryRequested())
    if int(summary.payable_charged) < charged:
        return False
    listed = await ask(api, subjects.PAYMENTS, PaymentsRequested(limit=1_000))
    scans = await ask(api, subjects.SCANS, ScansRequested())
    outcomes = {scan.kind: scan.outcome for scan in scans.scans}
    is_open = any(each.phase in ("in_flight", "mined") for each in listed.payments)
    return not is_open and outcomes["payables"].startswith("nothing is due")


SETTINGS = """\
rpc_urls = ["{url}"]
confirmations = 2
payables_interval_s = 0.2
pending_interval_s = 0.2
receivables_interval_s = 0.5
"""


@pytest.mark.slow
@pytest.mark.timeout(90 + 6 * KILLS)
async def test_a_process_that_is_killed_again_and_again_pays_all_of_it_once(tmp_path):
    chance = random.Random(SEED)
    async with running_server(tmp_path) as server, running_evm("--block-time", "1") as evm:
        await evm.give(CONSUMING, tokens=10_000 * MASQ, coin=100 * COIN)
        config = make_node(tmp_path, bus_port=server.port, settings=SETTINGS.format(url=evm.url))
        router, api = await server.connect(Service.ROUTER), await server.connect(Service.API)
        gossip = await server.connect(Service.GOSSIP)
        process, feed = await start(config), Feed(router, chance)
        async with asyncio.TaskGroup() as tasks:
            routes = tasks.create_task(find_routes(gossip))
            feeding = tasks.create_task(feed.run())
            for _ in range(KILLS):
                await asyncio.sleep(chance.uniform(0, LIFE_MAX_S))
                assert process.returncode is None, (await process.communicate())[1].decode()
                process.kill()
                await process.wait()
                process = await start(config)
            feed.is_over = True
            await feeding
            async with asyncio.timeout(60):
                for _ in range(2):  # the second time after another scan for debts
                    while not await settled(api, sum(feed.owed.values())):
                        await asyncio.sleep(0.3)
                    await asyncio.sleep(0.5)
            routes.cancel()
        balances = await ask(api, subjects.BALANCES, BalancesRequested())
        payments = (await ask(api, subjects.PAYMENTS, PaymentsRequested(limit=1_000))).payments
        process.send_signal(signal.SIGTERM)
        _, log = await asyncio.wait_for(process.communicate(), 20)
        assert process.returncode == 0, log.decode()
        for bus in (router, api, gossip):
            await bus.close()
        ledger = await open_books(tmp_path)
        assert await ledger.verify() is None
        left = 0
        for wallet, owed in feed.owed.items():
            debt = -ledger.standings()[Account(Kind.PAYABLE, wallet)].balance
            assert debt + await evm.tokens(wallet) == owed, "each debt is owed or paid, once"
            assert 0 <= debt <= MASQ // 2, "what is below the curve waits"
            left += debt
        await ledger.close()
        paid = sum(feed.owed.values()) - left
        assert int(balances.paid) == paid
        assert await evm.tokens(CONSUMING) == 10_000 * MASQ - paid
        assert await evm.transactions(CONSUMING) == len(payments) > KILLS // 2
        assert {each.phase for each in payments} == {"confirmed"}
    print(f"\n{KILLS} kills, {len(payments)} payments, {paid} wei, seed {SEED}")

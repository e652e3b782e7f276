"""The accountant and the bus are killed at random moments under load; the books stay whole.

`make chaos` does it 200 times; MASQ_CHAOS_KILLS and MASQ_CHAOS_SEED choose.
"""

import asyncio
import os
import random
import signal
from collections import Counter
from contextlib import suppress

import pytest

from masq_accountant.ledger import Account, Kind
from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusError
from masq_kernel.bus.messages.accountant import LedgerSummaryRequested
from masq_kernel.bus.subjects import Service
from support.accountant_process import append, make_node, open_books, start
from support.nats_server import running_server
from support.usage_builders import NOW, WALLETS, make_report, make_usage

KILLS = int(os.environ.get("MASQ_CHAOS_KILLS", "15"))
SEED = int(os.environ.get("MASQ_CHAOS_SEED", "1"))
LIFE_MAX_S = 2.0
"""An accountant opens its books within the first second; some are killed before that."""

PAUSE_S = 0.004
BUS_SHARE = 0.2
TOLD_AGAIN = 0.1


class Feed:
    """A router that reports until it is told to stop, and knows what was acknowledged."""

    def __init__(self, bus, chance):
        self._bus, self._chance, self._number = bus, chance, 0
        self.owed, self.reports, self.is_over = Counter(), 0, False

    async def run(self):
        while not self.is_over:
            await self._report()
            await asyncio.sleep(PAUSE_S)

    async def _report(self):
        self._number += 1
        wallets = self._chance.sample(WALLETS, self._chance.randint(1, 3))
        amounts = [self._chance.randint(1, 10**24) for _ in wallets]
        usages = [
            make_usage(wallet=wallet, amount=str(amount))
            for wallet, amount in zip(wallets, amounts, strict=True)
        ]
        report = make_report(str(self._number), *usages, at=NOW + self._number)
        times = 2 if self._chance.random() < TOLD_AGAIN else 1
        for time in range(times):  # under another id, so that only the books can tell
            await append(self._bus, report, f"{self._number}-{time}")
        self.reports += 1
        self.owed.update(dict(zip(wallets, amounts, strict=True)))


async def booked(api):
    with suppress(BusError):
        summary = await api.request(subjects.LEDGER_SUMMARY, LedgerSummaryRequested())
        return summary.transactions
    return -1


@pytest.mark.slow
@pytest.mark.timeout(60 + 4 * KILLS)
async def test_nothing_acknowledged_is_lost_and_nothing_counts_twice(tmp_path):
    chance = random.Random(SEED)
    async with running_server(tmp_path) as server:
        config = make_node(tmp_path, bus_port=server.port, settings="scan_interval_s = 0.2\n")
        router, api = await server.connect(Service.ROUTER), await server.connect(Service.API)
        process, feed = await start(config), Feed(router, chance)
        async with asyncio.TaskGroup() as tasks:
            feeding = tasks.create_task(feed.run())
            for _ in range(KILLS):
                await asyncio.sleep(chance.uniform(0, LIFE_MAX_S))
                if chance.random() < BUS_SHARE:
                    await server.kill()
                    await server.start()
                else:
                    assert process.returncode is None, (await process.communicate())[1].decode()
                    process.kill()
                    await process.wait()
                    process = await start(config)
            feed.is_over = True
            await feeding
        async with asyncio.timeout(60):
            while await booked(api) < feed.reports:
                await asyncio.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        _, log = await asyncio.wait_for(process.communicate(), 20)
        assert process.returncode == 0, log.decode()
        await router.close()
        await api.close()
    ledger = await open_books(tmp_path)
    assert ledger.fault is None
    assert await ledger.verify() is None
    assert ledger.count == feed.reports > 20 * KILLS
    assert ledger.checkpoint.number == ledger.count
    for wallet, owed in feed.owed.items():
        assert ledger.standings()[Account(Kind.RECEIVABLE, wallet)].balance == owed
    await ledger.close()

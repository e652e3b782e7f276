"""How fast the books are: posting, scanning, verifying, starting; SQLite on this machine's disk.

The same code as in the service, without the bus. Reports are as a busy router makes them: 2,000
usage records each, of 400 wallets in turn. The references are the goals of the design.
"""

import sys
import tempfile
import time
from pathlib import Path

import uvloop

from bench.figures import Figure, report
from masq_accountant.ledger import Account, Kind, Standing
from masq_accountant.ledger.unpaid import NOTHING
from masq_accountant.store.stances import stance_drawer
from masq_accountant.store.threshold_log import ThresholdLog
from masq_accountant.warden import Warden
from masq_kernel.bus.memory import MemoryBroker
from masq_kernel.bus.subjects import Service
from masq_kernel.clock import ManualClock
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.units import ByteCount, Wei
from support.ledgers import make_bookkeeper, make_notary, open_ledger
from support.usage_builders import NOW, make_report, make_usage

RECORDS = 2_000
WALLETS = 400
ENTRIES = 1_000_000
ACCOUNTS = 100_000
BANNED = 1_000_000
LOOKUPS = 1_000_000

POSTING_GOAL, SCAN_GOAL_S, VERIFY_GOAL_S, START_GOAL_S = 50_000.0, 1.0, 20.0, 3.0
LOOKUP_GOAL_US = 1.0
"""A SETUP costs some hundred microseconds of signature checks."""


def wallet(number):
    return WalletAddress(number.to_bytes(20, "big"))


async def post(ledger, entries_wanted):
    """Book reports until there are so many entries; return records per second."""
    bookkeeper = make_bookkeeper(ledger)
    usages = [
        make_usage(wallet=wallet(number % WALLETS), amount=str(53_844_000 + number))
        for number in range(RECORDS)
    ]
    count = -(-entries_wanted // (WALLETS + 1))
    began = time.perf_counter()
    for number in range(count):
        await bookkeeper.on_usage(make_report(str(number), *usages, at=NOW + number // 4))
    return count * RECORDS / (time.perf_counter() - began)


async def scan(folder):
    """Return the seconds of one scan of many accounts, a hundredth of them delinquent."""
    ledger = await open_ledger(folder)
    old = NOTHING.charged(NOW, Wei(0))
    for number in range(ACCOUNTS):
        owed = Wei(8 * 10**17 if number % 100 == 0 else 10**15)
        ledger.standings()[Account(Kind.RECEIVABLE, wallet(number))] = Standing(
            owed, 1, ByteCount(1), owed, old, NOW
        )
    bus = MemoryBroker().connect(Service.ACCOUNTANT)
    log = ThresholdLog(ledger)
    clock = ManualClock(int(NOW) + 100_000)
    stances, notary = stance_drawer(ledger), make_notary(ledger, clock)
    warden = Warden(ledger, stances, log, notary, bus, clock)
    began = time.perf_counter()
    done = await warden.scan()
    seconds = time.perf_counter() - began
    assert (done.accounts, done.banned) == (ACCOUNTS, ACCOUNTS // 100)
    await ledger.close()
    return seconds


def look_up():
    """Return the microseconds of one look-up among many refused wallets."""
    refused = {wallet(number): 3 for number in range(BANNED)}
    wanted = [wallet(number) for number in range(BANNED, BANNED + 1_000)]
    began = time.perf_counter()
    for _ in range(LOOKUPS // len(wanted)):
        for each in wanted:
            refused.get(each)
    return (time.perf_counter() - began) / LOOKUPS * 1e6


async def main(entries):
    with tempfile.TemporaryDirectory(prefix="masq-bench-") as name:
        folder = Path(name)
        (folder / "scan").mkdir()
        ledger = await open_ledger(folder)
        posting = await post(ledger, entries)
        began = time.perf_counter()
        assert await ledger.verify() is None
        verify_s = (time.perf_counter() - began) * 1_000_000 / entries
        await ledger.close()
        began = time.perf_counter()
        ledger = await open_ledger(folder)
        start_s = time.perf_counter() - began
        assert ledger.fault is None
        await ledger.close()
        scan_s = await scan(folder / "scan")
    lookup_us = look_up()
    report(
        "ledger",
        [
            Figure(
                "usage_posting_per_s", posting, "records/s", POSTING_GOAL, posting / POSTING_GOAL
            ),
            Figure("scan_100k_s", scan_s, "s", SCAN_GOAL_S, SCAN_GOAL_S / scan_s),
            Figure("verify_1m_s", verify_s, "s", VERIFY_GOAL_S, VERIFY_GOAL_S / verify_s),
            Figure("start_1m_s", start_s, "s", START_GOAL_S, START_GOAL_S / start_s),
            Figure(
                "ban_lookup_us, 1 million wallets",
                lookup_us,
                "us",
                LOOKUP_GOAL_US,
                LOOKUP_GOAL_US / lookup_us,
            ),
        ],
    )


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else ENTRIES))

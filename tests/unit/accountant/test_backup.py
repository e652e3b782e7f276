"""Copies of the books: made while they are in use, verified, put back, and nothing readable."""

import asyncio
import shutil
import sqlite3
import stat

import pytest

from masq_accountant.custody import Custody
from masq_accountant.ledger import Account, Kind
from masq_accountant.store.backup import back_up
from masq_kernel.bus.messages.accountant import BackupRequested
from masq_kernel.clock import ManualClock
from masq_kernel.errors import OperatorError
from masq_kernel.runtime.health import HealthBoard
from support.ledgers import DATA_KEY, make_bookkeeper, open_ledger
from support.usage_builders import NOW, WALLETS, make_report, make_usage

AMOUNT = 987_654_321_012_345_678


def reports(first, last):
    return [
        make_report(str(number), make_usage(amount=str(AMOUNT + number)), at=NOW + number)
        for number in range(first, last)
    ]


async def book(ledger, first, last):
    bookkeeper = make_bookkeeper(ledger)
    for report in reports(first, last):
        await bookkeeper.on_usage(report)
        await asyncio.sleep(0)


@pytest.fixture
async def ledger(tmp_path):
    opened = await open_ledger(tmp_path)
    yield opened
    await opened.close()


async def test_a_copy_made_under_load_is_whole_and_goes_on(ledger, tmp_path):
    await book(ledger, 0, 50)
    async with asyncio.TaskGroup() as tasks:
        booking = tasks.create_task(book(ledger, 50, 250))
        while ledger.count < 80:
            await asyncio.sleep(0.001)
        count = await back_up(ledger, tmp_path / "copy", NOW)
        assert not booking.done()
    assert 80 <= count < ledger.count == 250

    copy = await open_ledger(tmp_path / "copy")
    assert copy.fault is None
    assert copy.count == count
    balance = sum(AMOUNT + number for number in range(count))
    assert copy.standings()[Account(Kind.RECEIVABLE, WALLETS[0])].balance == balance
    await book(copy, count, 250)  # as the stream would tell what is not in the copy
    assert await copy.verify() is None
    assert copy.standings() == ledger.standings()
    await copy.close()


async def test_a_copy_is_private_and_nothing_in_it_can_be_read(ledger, tmp_path):
    await book(ledger, 0, 3)
    await back_up(ledger, tmp_path / "copy", NOW)
    files = sorted((tmp_path / "copy").iterdir())
    assert [path.name for path in files] == ["ledger.anchor", "ledger.db"]
    secrets = [WALLETS[0].raw, WALLETS[0].text.encode(), b"receivable", DATA_KEY]
    secrets += [str(AMOUNT).encode(), AMOUNT.to_bytes(8, "big")]
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert [secret for secret in secrets if secret in path.read_bytes()] == []


async def test_an_older_copy_in_the_place_of_the_books_alone_is_noticed(ledger, tmp_path):
    await book(ledger, 0, 3)
    await back_up(ledger, tmp_path / "copy", NOW)
    await book(ledger, 3, 5)
    await ledger.make_checkpoint(NOW)
    await ledger.close()
    for name in ("ledger.db", "ledger.anchor"):
        shutil.copy(tmp_path / "copy" / name, tmp_path / name)
        again = await open_ledger(tmp_path)
        assert (again.fault is None) is (name == "ledger.anchor")  # whole once both are there
        await again.close()


async def test_books_that_are_not_whole_give_no_copy(ledger, tmp_path):
    """Changed while the accountant runs, so that only reading the copy can tell."""
    await book(ledger, 0, 3)
    with sqlite3.connect(tmp_path / "ledger.db") as database:
        database.execute("UPDATE ledger_transaction SET at = at + 1 WHERE number = 2")
    database.close()
    with pytest.raises(OperatorError, match="ledger_transaction 2"):
        await back_up(ledger, tmp_path / "copy", NOW)
    await ledger.verify()
    with pytest.raises(OperatorError, match="read-only"):
        await back_up(ledger, tmp_path / "other", NOW)
    assert not (tmp_path / "other").exists()


async def test_a_server_has_its_own_tools_for_copies(postgres, tmp_path):
    ledger = await open_ledger(tmp_path, postgres.create_database())
    with pytest.raises(OperatorError, match="pg_dump"):
        await back_up(ledger, tmp_path / "copy", NOW)
    await ledger.close()


async def finished(custody):
    async with asyncio.timeout(10):
        while (state := await custody.on_back_up(BackupRequested())).is_running:
            await asyncio.sleep(0.01)
    return state


async def test_who_asks_is_told_where_the_copy_is_or_why_there_is_none(ledger, tmp_path):
    custody = Custody(ledger, HealthBoard(), ManualClock(int(NOW)), tmp_path / "backups")
    await book(ledger, 0, 3)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(custody.copy_on_demand())
        assert not (await custody.on_back_up(BackupRequested())).is_running
        assert (await custody.on_back_up(BackupRequested(start=True))).is_running
        assert (await custody.on_back_up(BackupRequested(start=True))).is_running
        made = await finished(custody)
        assert made.folder == str(tmp_path / "backups" / "20270115T080000Z")
        assert (made.transactions, made.problem, made.finished_at) == (3, "", NOW)
        await custody.on_back_up(BackupRequested(start=True))  # within the same second
        again = await finished(custody)
        assert again.folder == ""
        assert "exists" in again.problem
        task.cancel()

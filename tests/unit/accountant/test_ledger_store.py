"""The books on disk: real SQLite files, and a real PostgreSQL server."""

import sqlite3
import stat

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import SQLModel

from masq_accountant.ledger import Account, Entry, Kind
from masq_accountant.store import open_engine
from masq_kernel.errors import OperatorError
from masq_kernel.units import UnixSeconds, Wei
from support.ledgers import make_bookkeeper, open_ledger
from support.nats_server import free_port
from support.postgres import PostgresCluster, require_programs
from support.usage_builders import NOW, WALLETS, make_report, make_usage

HUGE = (1 << 200) + 1
RECEIVABLE = Account(Kind.RECEIVABLE, WALLETS[0])


@pytest.fixture
async def ledger(tmp_path, books_url):
    opened = await open_ledger(tmp_path, books_url)
    yield opened
    await opened.close()


@pytest.fixture
async def file_ledger(tmp_path):
    opened = await open_ledger(tmp_path)
    yield opened
    await opened.close()


def entries_of(amount, wallet=WALLETS[0]):
    return [
        Entry(account=Account(Kind.RECEIVABLE, wallet), amount=Wei(amount)),
        Entry(account=Account(Kind.INCOME_ROUTING), amount=Wei(-amount)),
    ]


async def reopened(ledger, tmp_path, books_url):
    await ledger.close()
    return await open_ledger(tmp_path, books_url)


async def test_what_was_booked_is_there_after_a_restart(ledger, tmp_path, books_url):
    assert await ledger.book("a", entries_of(HUGE), NOW)
    assert await ledger.book("b", entries_of(1, WALLETS[1]), NOW)
    again = await reopened(ledger, tmp_path, books_url)
    assert again.standings() == ledger.standings()
    assert again.standings()[RECEIVABLE].balance == HUGE
    assert again.count == 2
    assert await again.book("c", entries_of(5), NOW)
    assert await again.verify() is None
    await again.close()


async def test_a_cause_is_booked_once_also_after_a_restart(ledger, tmp_path, books_url):
    assert await ledger.book("a", entries_of(7), NOW)
    assert not await ledger.book("a", entries_of(7), NOW)
    again = await reopened(ledger, tmp_path, books_url)
    assert not await again.book("a", entries_of(7), NOW)
    assert again.standings()[RECEIVABLE].balance == 7
    await again.close()


async def run(ledger, *statements):
    async with ledger.engine.begin() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)


async def number(ledger, query):
    async with ledger.engine.connect() as connection:
        return (await connection.exec_driver_sql(query)).scalar()


BREAK = {
    "sqlite": (
        """CREATE TRIGGER broken BEFORE UPDATE ON ledger_account
        BEGIN SELECT RAISE(ABORT, 'the disk is full'); END""",
    ),
    "postgresql": (
        """CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN RAISE 'the disk is full'; END $$""",
        "CREATE TRIGGER broken BEFORE UPDATE ON ledger_account EXECUTE FUNCTION fail()",
    ),
}
MEND = {
    "sqlite": "DROP TRIGGER broken",
    "postgresql": "DROP TRIGGER broken ON ledger_account",
}


async def test_a_failure_half_way_leaves_nothing(ledger):
    """A late statement of the transaction fails, after others have been executed."""
    dialect = ledger.engine.dialect.name
    await ledger.book("a", entries_of(7), NOW)
    await run(ledger, *BREAK[dialect])
    before = dict(ledger.standings())
    with pytest.raises(SQLAlchemyError):
        await ledger.book("b", entries_of(3), NOW)
    assert ledger.standings() == before
    assert await number(ledger, "SELECT count(*) FROM ledger_transaction") == 1
    assert await number(ledger, "SELECT count(*) FROM ledger_entry") == 2
    await run(ledger, MEND[dialect])
    assert await ledger.book("b", entries_of(3), NOW)
    assert ledger.standings()[RECEIVABLE].balance == 10
    assert await ledger.verify() is None


@pytest.mark.parametrize(
    ("statement", "row"),
    [
        ("UPDATE ledger_transaction SET at = at + 1 WHERE number = 2", "ledger_transaction 2"),
        (
            """UPDATE ledger_entry SET sealed = (SELECT sealed FROM ledger_entry
            WHERE transaction_number = 3 AND position = 1)
            WHERE transaction_number = 2 AND position = 1""",
            "ledger_entry 2/1",
        ),
        ("DELETE FROM ledger_entry WHERE transaction_number = 4", "ledger_transaction 4"),
        ("UPDATE ledger_account SET as_of = 1 WHERE id = 1", "ledger_account 1"),
        ("DELETE FROM ledger_checkpoint", "ledger_checkpoint 3"),
    ],
)
async def test_what_is_changed_is_named(ledger, tmp_path, books_url, statement, row):
    for count in range(3):
        await ledger.book(str(count), entries_of(10 + count), NOW)
    await ledger.make_checkpoint(NOW)
    await ledger.book("3", entries_of(13), NOW)
    await run(ledger, statement)
    again = await reopened(ledger, tmp_path, books_url)
    assert (await again.verify()).row == row
    assert again.fault is not None
    await again.close()


def rows(tmp_path, query):
    with sqlite3.connect(tmp_path / "ledger.db") as database:
        return database.execute(query).fetchall()


async def test_the_file_is_private_and_keeps_what_was_committed(file_ledger, tmp_path):
    assert stat.S_IMODE((tmp_path / "ledger.db").stat().st_mode) == 0o600
    assert rows(tmp_path, "PRAGMA journal_mode") == [("wal",)]
    async with file_ledger.engine.connect() as connection:
        result = await connection.exec_driver_sql("PRAGMA synchronous")
        assert result.scalar() == 2  # FULL


async def test_the_migrations_lead_to_the_tables_of_the_code(ledger):
    def differences(connection):
        return compare_metadata(MigrationContext.configure(connection), SQLModel.metadata)

    async with ledger.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_a_file_that_is_no_database_is_a_sentence(tmp_path):
    (tmp_path / "ledger.db").write_text("these are not the books")
    with pytest.raises(OperatorError, match="ledger"):
        await open_engine(tmp_path / "ledger.db")


@pytest.mark.parametrize("wrong", ["no-such-database", "nobody-listens"])
async def test_a_server_that_cannot_be_used_is_a_sentence_without_the_password(postgres, wrong):
    url = postgres.url("absent").replace("masq@", "masq:secret@")
    if wrong == "nobody-listens":
        url = url.replace(str(postgres.port), str(free_port()))
    with pytest.raises(OperatorError, match="cannot be opened") as caught:
        await open_engine(url)
    assert "secret" not in str(caught.value)
    assert "ledger_url" in caught.value.remedy


async def test_nothing_readable_is_on_the_server(postgres, tmp_path):
    url = postgres.create_database()
    ledger = await open_ledger(tmp_path, url)
    await ledger.book("a", entries_of(987_654_321_012_345_678), NOW)
    await ledger.close()
    dump = postgres.dump(url.rpartition("/")[2])
    assert b"ledger_entry" in dump
    for secret in (WALLETS[0].raw, WALLETS[0].text.encode(), b"receivable"):
        assert secret not in dump
        assert secret.hex().encode() not in dump
    assert b"987654321012345678" not in dump


async def test_books_survive_a_crash_of_the_server(tmp_path):
    """What was committed before it is there, and booking goes on without a new start."""
    cluster = PostgresCluster(require_programs())
    try:
        cluster.start()
        ledger = await open_ledger(tmp_path, cluster.create_database())
        await ledger.book("a", entries_of(7), NOW)
        cluster.stop()
        with pytest.raises((SQLAlchemyError, OSError)):
            await ledger.book("b", entries_of(3), NOW)
        cluster.start()
        assert await ledger.book("b", entries_of(3), NOW)
        assert not await ledger.book("a", entries_of(7), NOW)
        assert ledger.standings()[RECEIVABLE].balance == 10
        assert await ledger.verify() is None
        await ledger.close()
    finally:
        cluster.remove()


async def test_history_is_newest_first_in_pages(ledger):
    for number in range(5):
        await ledger.book(f"usage:{number}", entries_of(number + 1), UnixSeconds(NOW + number))
    first = await ledger.history(RECEIVABLE, before=None, limit=2)
    assert [line.amount for line in first] == [5, 4]
    second = await ledger.history(RECEIVABLE, before=first[-1].transaction, limit=10)
    assert [line.amount for line in second] == [3, 2, 1]
    assert first[0].at == NOW + 4


class TestBookkeeper:
    @pytest.fixture
    def bookkeeper(self, ledger):
        return make_bookkeeper(ledger, {WALLETS[5]})

    async def test_each_report_counts_once_however_often_it_is_told(self, ledger, bookkeeper):
        for event_id in ("1", "2", "1", "1", "2"):
            await bookkeeper.on_usage(make_report(event_id))
        assert ledger.standings()[RECEIVABLE].balance == 2 * 53_844
        assert ledger.standings()[RECEIVABLE].packages == 2
        assert bookkeeper.repeated == 3

    async def test_a_report_that_cannot_be_is_kept_aside_and_the_next_is_booked(
        self, ledger, bookkeeper
    ):
        for _ in range(2):
            await bookkeeper.on_usage(make_report("1", make_usage(), make_usage(amount="-1")))
        assert ledger.standings() == {}
        assert await ledger.refused_count() == 1
        await bookkeeper.on_usage(make_report("2"))
        assert ledger.standings()[RECEIVABLE].balance == 53_844

    async def test_our_own_wallets_are_never_charged(self, ledger, bookkeeper):
        await bookkeeper.on_usage(make_report("1", make_usage(wallet=WALLETS[5])))
        assert ledger.count == 0

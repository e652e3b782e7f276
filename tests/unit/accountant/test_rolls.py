"""Tables beside the books: a row that is removed, put back or older than the last is missed."""

from contextlib import asynccontextmanager

import pytest

from masq_accountant.errors import UnbalancedTransaction
from masq_accountant.ledger import Account, Entry, Kind
from masq_accountant.ledger.bans import Decision, Stance, Verdict
from masq_accountant.store.stances import stance_drawer
from masq_accountant.store.tables import STANCES
from masq_kernel.units import UnixSeconds, Wei
from support.ledgers import open_ledger
from support.usage_builders import NOW, WALLETS

TABLE = "wallet_stance"


def stance(note):
    return Stance(decision=Decision(Verdict.BAN, UnixSeconds(NOW), "token", note))


def noted(stances):
    return {name: each.decision.note for name, each in stances.items()}


class Store:
    """Stances in a ledger, with a back door."""

    def __init__(self, folder, ledger):
        self.folder, self.ledger, self.drawer = folder, ledger, stance_drawer(ledger)

    async def keep(self, **notes):
        """wallet number -> note; None: nothing is kept."""
        await self.drawer.save(
            {
                WALLETS[int(number[1:])].raw: None if note is None else stance(note)
                for number, note in notes.items()
            }
        )

    async def rows(self, table=TABLE):
        async with self.ledger.engine.connect() as connection:
            rows = await connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1")
            return [tuple(row) for row in rows]

    async def put_back(self, rows, table=TABLE):
        """Make a table have just these rows, as somebody with the file could."""
        async with self.ledger.engine.begin() as connection:
            await connection.exec_driver_sql(f"DELETE FROM {table}")
            for row in rows:
                await connection.exec_driver_sql(f"INSERT INTO {table} VALUES (?, ?, ?)", row)

    async def faults(self):
        """What a running service finds, and what one that starts does."""
        running = await self.ledger.verify()
        async with self.reopened() as again:
            _, starting = await again.load()
        assert str(running) == str(starting)
        return None if running is None else str(running)

    @asynccontextmanager
    async def reopened(self):
        """The same stances, read anew."""
        ledger = await open_ledger(self.folder)
        yield stance_drawer(ledger)
        await ledger.close()


@pytest.fixture
async def store(tmp_path):
    made = Store(tmp_path, await open_ledger(tmp_path))
    await made.keep(w0="a", w1="b", w2="c")
    assert await made.faults() is None
    yield made
    await made.ledger.close()


async def test_what_is_kept_is_whole_after_every_change(store):
    for notes in ({"w0": None}, {"w0": "again", "w1": "other"}, {"w1": None, "w2": None}, {}):
        await store.keep(**notes)
        assert await store.faults() is None
    async with store.reopened() as again:
        stances, fault = await again.load()
        assert (noted(stances), fault) == ({WALLETS[0].raw: "again"}, None)
        await again.save({WALLETS[3].raw: stance("d")})
        stances, fault = await again.load()
        assert (len(stances), fault) == (2, None)


@pytest.mark.parametrize("kept", [0, 1, 2])
async def test_removed_rows_are_missed(store, kept):
    await store.put_back((await store.rows())[:kept])
    assert await store.faults() == f"wallet_stance: has {kept} rows and not 3"


async def test_an_older_row_is_not_the_one_that_was_written(store):
    before = await store.rows()
    await store.keep(w0="b", w1="c", w2="d")
    after = await store.rows()
    await store.put_back([before[0], *after[1:]])
    assert await store.faults() == "wallet_stance: has a row that is not the one that was written"


async def test_a_row_that_was_removed_cannot_stand_for_another(store):
    before = await store.rows()
    await store.keep(w0=None)
    left = await store.rows()
    [gone] = [row for row in before if row not in left]
    await store.put_back([left[0], gone])
    assert await store.faults() == "wallet_stance: has a row that is not the one that was written"


async def test_the_roll_cannot_be_removed_or_changed(store):
    rows = [row for row in await store.rows("roll") if row[0] == TABLE]
    await store.put_back([], "roll")
    assert await store.faults() == "roll wallet_stance: is missing"
    [(name, version, sealed)] = rows
    await store.put_back([(name, version + 1, sealed)], "roll")
    assert await store.faults() == "roll wallet_stance: is not what was written"


async def test_a_running_service_knows_an_old_roll(store):
    rows, roll = await store.rows(), await store.rows("roll")
    await store.keep(w0="other")
    await store.put_back(rows)
    await store.put_back(roll, "roll")
    assert str(await store.ledger.verify()) == "roll wallet_stance: is an old one"


async def test_a_change_that_fails_leaves_rows_and_roll_as_they_were(store):
    names = [store.ledger.keys.vault.name(wallet.raw) for wallet in WALLETS[:3]]

    async def remove_and_fail(connection, change):
        await change.remove(connection, names)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await store.ledger.roll(STANCES).change(remove_and_fail)
    assert await store.faults() is None
    await store.keep(w0="after")
    assert await store.faults() is None


async def test_rows_beside_a_booking_are_kept_with_it_or_not_at_all(store):
    entries = [
        Entry(account=Account(Kind.RECEIVABLE, WALLETS[0]), amount=Wei(5)),
        Entry(account=Account(Kind.INCOME_EXIT), amount=Wei(-5)),
    ]
    for note in ("first", "told again"):
        beside = store.drawer.saving({WALLETS[0].raw: stance(note)})
        booked = await store.ledger.book("once", entries, UnixSeconds(NOW), beside=beside)
        assert booked is (note == "first")
        assert await store.faults() is None
    unbalanced = store.drawer.saving({WALLETS[0].raw: stance("never")})
    with pytest.raises(UnbalancedTransaction):
        await store.ledger.book("bad", entries[:1], UnixSeconds(NOW), beside=unbalanced)
    stances, fault = await store.drawer.load()
    assert (noted(stances)[WALLETS[0].raw], fault) == ("first", None)

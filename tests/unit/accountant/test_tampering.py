"""Whatever is changed in the books behind the accountant's back is found, and named."""

import random
import shutil
import sqlite3

import pytest

from masq_accountant.errors import LedgerReadOnly, SealBroken
from masq_accountant.ledger import Account, Entry, Kind
from masq_accountant.store import Anchor
from masq_accountant.store.vault import Vault, place
from masq_kernel.entropy import OsEntropy, SeededEntropy
from masq_kernel.identity.keystore import LIGHT, KeyStore
from masq_kernel.units import UnixSeconds, Wei
from support.ledgers import DATA_KEY, IDENTITY, open_ledger
from support.usage_builders import NOW, WALLETS

TABLES = {
    "ledger_transaction": "number",
    "ledger_entry": "transaction_number",
    "ledger_account": "id",
    "ledger_checkpoint": "number",
}
AMOUNTS = [987_654_321_012_345_678 + number for number in range(8)]


def entries_of(amount, wallet):
    return [
        Entry(account=Account(Kind.RECEIVABLE, wallet), amount=Wei(amount)),
        Entry(account=Account(Kind.INCOME_ROUTING), amount=Wei(-amount)),
    ]


async def book(ledger, numbers):
    for number in numbers:
        wallet = WALLETS[number % 3]
        await ledger.book(f"usage:{number}", entries_of(AMOUNTS[number], wallet), NOW + number)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return tmp_path_factory.mktemp("books")


@pytest.fixture
async def books(template, tmp_path):
    """Eight transactions with a checkpoint after the fourth and one after the sixth."""
    if not (template / "ledger.db").exists():
        ledger = await open_ledger(template)
        await book(ledger, range(4))
        await ledger.make_checkpoint(UnixSeconds(NOW + 4))
        await book(ledger, range(4, 6))
        await ledger.make_checkpoint(UnixSeconds(NOW + 6))
        await book(ledger, range(6, 8))
        assert await ledger.verify() is None
        await ledger.close()
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    return tmp_path


def change(folder, *statements):
    with sqlite3.connect(folder / "ledger.db") as database:
        database.execute("PRAGMA foreign_keys = OFF")
        for statement, *values in statements:
            assert database.execute(statement, values).rowcount != 0
    database.close()


async def found(folder):
    """What an accountant that starts now and verifies everything finds."""
    ledger = await open_ledger(folder)
    try:
        return await ledger.verify() or ledger.fault
    finally:
        await ledger.close()


def cells():
    """Every column of every row of the template, by what names the row."""
    counts = {
        "ledger_transaction": [(n,) for n in range(1, 9)],
        "ledger_entry": [(n, p) for n in range(1, 9) for p in (0, 1)],
        "ledger_account": [(n,) for n in range(1, 5)],
        "ledger_checkpoint": [(4,), (6,)],
    }
    columns = {
        "ledger_transaction": ("number", "at", "cause", "previous", "hash"),
        "ledger_entry": ("transaction_number", "position", "account_id", "sealed"),
        "ledger_account": ("id", "name", "as_of", "sealed"),
        "ledger_checkpoint": ("number", "at", "hash", "balances", "signature"),
    }
    for table, keys in counts.items():
        for key in keys:
            for column in columns[table]:
                yield table, key, column


def flipped(value, chance):
    if isinstance(value, int):
        return value ^ (1 << chance.randrange(0, 40)) | 1 << 41
    raw = bytearray(value.encode() if isinstance(value, str) else value)
    raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(7)
    return raw.decode("latin-1") if isinstance(value, str) else bytes(raw)


@pytest.mark.parametrize(("table", "key", "column"), list(cells()), ids=str)
async def test_a_flipped_byte_is_found_and_its_row_named(books, table, key, column):
    chance = random.Random(f"{table}{key}{column}")
    where = f"{TABLES[table]} = ?" + (" AND position = ?" if len(key) == 2 else "")
    with sqlite3.connect(books / "ledger.db") as database:
        query = f"SELECT {column} FROM {table} WHERE {where}"
        (value,) = database.execute(query, key).fetchone()
    change(books, (f"UPDATE {table} SET {column} = ? WHERE {where}", flipped(value, chance), *key))
    fault = await found(books)
    assert fault is not None
    number = key[0]
    named = fault.row
    if table in ("ledger_transaction", "ledger_entry"):
        assert named == f"ledger_transaction {number}" or named.startswith(
            f"ledger_entry {number}/"
        )
    elif column not in ("id", "number"):
        assert named == f"{table} {number}"


async def test_each_removed_row_is_missed(books, tmp_path_factory):
    for number in range(1, 9):
        for table, key in TABLES.items():
            if table in ("ledger_account", "ledger_checkpoint"):
                continue
            folder = tmp_path_factory.mktemp("removed")
            shutil.copytree(books, folder, dirs_exist_ok=True)
            change(folder, (f"DELETE FROM {table} WHERE {key} = {number}",))
            fault = await found(folder)
            assert fault is not None
            assert fault.row in (f"ledger_transaction {number}", f"ledger_entry {number}")


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param(["DELETE FROM ledger_account WHERE id = 2"], id="an account"),
        pytest.param(["DELETE FROM ledger_checkpoint WHERE number = 6"], id="a checkpoint"),
        pytest.param(["DELETE FROM ledger_checkpoint"], id="all checkpoints"),
        pytest.param(
            [
                "DELETE FROM ledger_entry WHERE transaction_number = 8",
                "DELETE FROM ledger_transaction WHERE number = 8",
            ],
            id="the last transaction",
        ),
        pytest.param(
            [
                """INSERT INTO ledger_entry SELECT 9, position, account_id, sealed
                FROM ledger_entry WHERE transaction_number = 8"""
            ],
            id="entries added",
        ),
        pytest.param(
            [
                "UPDATE ledger_transaction SET number = -3 WHERE number = 3",
                "UPDATE ledger_transaction SET number = 3, cause = 'x' WHERE number = 4",
                "UPDATE ledger_transaction SET number = 4, cause = 'usage:2' WHERE number = -3",
                "UPDATE ledger_transaction SET cause = 'usage:3' WHERE number = 3",
            ],
            id="transactions swapped",
        ),
        pytest.param(
            [
                "UPDATE ledger_entry SET position = 9 - position WHERE transaction_number = 3",
                "UPDATE ledger_entry SET position = position - 8 WHERE transaction_number = 3",
            ],
            id="entries reordered",
        ),
    ],
)
async def test_rows_removed_added_or_reordered_are_found(books, statements):
    change(books, *((statement,) for statement in statements))
    assert await found(books) is not None


@pytest.mark.parametrize(
    ("table", "key", "one", "other"),
    [
        ("ledger_entry", "transaction_number", 3, 6),  # the same account, another amount
        ("ledger_account", "id", 2, 3),
    ],
)
async def test_cells_that_change_places_are_found(books, table, key, one, other):
    with sqlite3.connect(books / "ledger.db") as database:
        query = f"SELECT sealed FROM {table} WHERE {key} = ?"
        first, second = (database.execute(query, (row,)).fetchone()[0] for row in (one, other))
        if table == "ledger_entry":
            query += " AND position = 1"
    statement = f"UPDATE {table} SET sealed = ? WHERE {key} = ?"
    change(books, (statement, second, one), (statement, first, other))
    assert (await found(books)).row.startswith(f"{table} {one}")


async def test_an_old_state_of_one_account_is_found(books, template):
    """Each cell is as it was written once, in its own row: only the sum tells."""
    with sqlite3.connect(books / "ledger.db") as database:
        query = "SELECT as_of, sealed FROM ledger_account WHERE id = 2"
        old = database.execute(query).fetchone()
    ledger = await open_ledger(books)
    await book_more(ledger)
    await ledger.close()
    change(books, ("UPDATE ledger_account SET as_of = ?, sealed = ? WHERE id = 2", *old))
    ledger = await open_ledger(books)
    assert ledger.fault is not None  # the incremental check of a start is enough
    assert (await found(books)).row == "ledger_account 2"
    await ledger.close()


async def book_more(ledger):
    for number, wallet in enumerate(WALLETS[:3]):
        await ledger.book(f"more:{number}", entries_of(5, wallet), NOW + 100)


async def test_an_old_copy_of_the_books_is_found(books, tmp_path):
    """Its chain, cells and signatures are all good; only the note outside of it knows better."""
    shutil.copy(books / "ledger.db", tmp_path / "old.db")
    ledger = await open_ledger(books)
    await book_more(ledger)
    await ledger.make_checkpoint(UnixSeconds(NOW + 200))
    await ledger.close()
    shutil.copy(tmp_path / "old.db", books / "ledger.db")
    fault = await found(books)
    assert fault.row == "ledger_checkpoint 11"
    assert "old copy" in fault.reason


@pytest.mark.parametrize("tampering", ["removed", "changed"])
async def test_the_note_itself_cannot_be_forged(books, tampering):
    note = books / "ledger.anchor"
    if tampering == "removed":
        note.unlink()
    else:
        note.write_bytes(note.read_bytes()[:-1] + b"x")
    assert (await found(books)).row == "the note of the last checkpoint"


async def test_a_crash_between_a_checkpoint_and_its_note_is_no_fault(tmp_path, monkeypatch):
    ledger = await open_ledger(tmp_path)
    await book(ledger, range(2))
    monkeypatch.setattr(Anchor, "write", crash)
    with pytest.raises(SystemError):
        await ledger.make_checkpoint(UnixSeconds(NOW + 4))
    await ledger.close()
    monkeypatch.undo()
    assert await found(tmp_path) is None


def crash(*_arguments):
    raise SystemError


async def test_books_that_do_not_verify_are_only_read(books):
    change(books, ("UPDATE ledger_transaction SET at = at + 1 WHERE number = 8",))
    ledger = await open_ledger(books)
    before = ledger.standings().copy()
    with pytest.raises(LedgerReadOnly, match="ledger_transaction 8"):
        await ledger.book("usage:new", entries_of(1, WALLETS[0]), NOW)
    assert ledger.standings() == before
    last = ledger.checkpoint
    await ledger.make_checkpoint(NOW)
    assert ledger.checkpoint == last
    await ledger.close()


async def test_another_node_cannot_sign_a_checkpoint(books):
    with sqlite3.connect(books / "ledger.db") as database:
        query = "SELECT signature FROM ledger_checkpoint WHERE number = 4"
        (signature,) = database.execute(query).fetchone()
    change(books, ("UPDATE ledger_checkpoint SET signature = ? WHERE number = 6", signature))
    assert (await found(books)).row == "ledger_checkpoint 6"


async def test_nothing_readable_is_at_rest(books):
    """In the database, its log and a copy: no wallet, no amount, no NodeId, in any spelling."""
    ledger = await open_ledger(books)
    await book_more(ledger)  # leaves a write-ahead log while it is open
    files = [path for path in books.iterdir() if path.is_file()]
    assert {"ledger.db", "ledger.db-wal", "ledger.anchor"} <= {path.name for path in files}
    secrets = [IDENTITY.node_id.raw, IDENTITY.node_id.text.encode(), DATA_KEY]
    for wallet in WALLETS[:3]:
        secrets += [wallet.raw, wallet.text.encode(), wallet.raw.hex().encode()]
    for amount in AMOUNTS:
        secrets += [str(amount).encode(), amount.to_bytes(8, "big"), amount.to_bytes(8, "little")]
    secrets += [b"receivable", b"income"]
    for path in files:
        data = path.read_bytes()
        assert [secret for secret in secrets if secret in data] == [], path.name
    await ledger.close()


def test_a_cell_opens_only_in_its_place_and_its_epoch():
    vault = Vault(DATA_KEY, SeededEntropy(1))
    sealed = vault.seal(place("t", 1), 1, b"plain")
    assert vault.open(place("t", 1), 1, sealed) == b"plain"
    assert vault.seal(place("t", 1), 1, b"plain") != sealed
    for where, number in ((place("t", 2), 1), (place("u", 1), 1), (place("t", 1), 1 << 16)):
        with pytest.raises(SealBroken):
            vault.open(where, number, sealed)
    assert vault.name(b"wallet") == vault.name(b"wallet")
    with pytest.raises(SealBroken):
        vault.read_name(sealed)
    with pytest.raises(SealBroken):
        vault.open(place("t", 1), 1, b"short")


async def test_a_new_passphrase_opens_the_same_books_unchanged(books):
    store = KeyStore.create(books / "keystore.json", "old", OsEntropy(), work=LIGHT)
    store.put("ledger-key", DATA_KEY)
    content = (books / "ledger.db").read_bytes()
    store.change_passphrase("old", "new")
    again = KeyStore.open(books / "keystore.json", "new", OsEntropy())
    assert again.get("ledger-key") == DATA_KEY
    assert (books / "ledger.db").read_bytes() == content
    assert await found(books) is None

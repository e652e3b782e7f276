"""The books in memory and on disk, in step: stored first, then applied.

One database transaction holds everything that one usage report changes, and its cause is unique:
however often a report is told, it is booked once, and a crash at any point leaves all of it or
nothing.
"""

import asyncio
from dataclasses import dataclass

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from masq_accountant.errors import UnbalancedTransaction
from masq_accountant.ledger import Account, Books, Entry, Standing, Transaction, verify
from masq_accountant.store.rows import (
    account_of,
    read_standing,
    read_transaction,
    rows_of,
    wallet_bytes,
)
from masq_accountant.store.tables import (
    AccountRow,
    EntryRow,
    RefusedUsageRow,
    TransactionRow,
)
from masq_kernel.units import ByteCount, UnixSeconds, Wei

__all__ = ["HistoryLine", "Ledger"]

_VERIFY_BATCH = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    """One entry of one account's history.

    Args:
        transaction: its number.
        at: when.
        cause: what for.
        amount: wei, debit positive.
        packages, size: DATA packages and bytes.
    """

    transaction: int
    at: UnixSeconds
    cause: str
    amount: Wei
    packages: int
    size: ByteCount


class Ledger:
    """The books. Make one with `open`.

    Args:
        engine: the database, migrated.
        books: what it holds, in memory.
    """

    def __init__(self, engine: AsyncEngine, books: Books) -> None:
        self._engine, self._books = engine, books
        self._writing = asyncio.Lock()
        self.refused = 0

    @classmethod
    async def open(cls, engine: AsyncEngine) -> "Ledger":
        """Read how all accounts stand, and where the chain ends."""
        async with AsyncSession(engine) as session:
            accounts = (await session.exec(select(AccountRow))).all()
            newest = select(TransactionRow).order_by(col(TransactionRow.number).desc()).limit(1)
            last = (await session.exec(newest)).first()
        standings = {account_of(row.kind, row.wallet): read_standing(row) for row in accounts}
        books = Books(standings=standings)
        if last is not None:
            books.count, books.last_hash = last.number, last.hash
        return cls(engine, books)

    # -- questions ---------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """Transactions booked so far."""
        return self._books.count

    def standings(self) -> dict[Account, Standing]:
        """Return how all accounts stand now."""
        return self._books.standings

    async def history(
        self, account: Account, *, before: int | None, limit: int
    ) -> list[HistoryLine]:
        """Return the newest `limit` entries of an account, older than transaction `before`."""
        query = (
            select(EntryRow, TransactionRow)
            .where(EntryRow.transaction_number == TransactionRow.number)
            .where(EntryRow.kind == account.kind, EntryRow.wallet == wallet_bytes(account))
            .order_by(col(EntryRow.transaction_number).desc())
            .limit(limit)
        )
        if before is not None:
            query = query.where(EntryRow.transaction_number < before)
        async with AsyncSession(self._engine) as session:
            found = (await session.exec(query)).all()
        return [
            HistoryLine(
                transaction=entry.transaction_number,
                at=UnixSeconds(head.at),
                cause=head.cause,
                amount=Wei(entry.amount),
                packages=entry.packages,
                size=ByteCount(entry.size),
            )
            for entry, head in found
        ]

    async def refused_count(self) -> int:
        """Return how many usage reports could not be booked."""
        async with AsyncSession(self._engine) as session:
            counted = await session.exec(select(func.count()).select_from(RefusedUsageRow))
            return counted.one()

    async def verify(self) -> int | None:
        """Read everything again; return the first transaction that is not in its place, or None.

        Also an answer: one more than the last transaction, when the standings are not the sums.
        """
        transactions: list[Transaction] = []
        for first in range(1, self.count + 1, _VERIFY_BATCH):
            for head, lines in await self._read(first, first + _VERIFY_BATCH):
                transaction = _intact(head, lines)
                if transaction is None:
                    return head.number
                transactions.append(transaction)
        return verify(transactions, self._books.balances)

    # -- changes -----------------------------------------------------------------------------

    async def book(self, cause: str, entries: list[Entry], at: UnixSeconds) -> bool:
        """Store a transaction; False when this cause is booked already, and nothing changes.

        Raises:
            SQLAlchemyError: not stored, and nothing has changed; it may be tried again.
        """
        async with self._writing:
            if await self._is_booked(cause):
                return False
            posting = self._books.draft(cause, entries, at)
            head, lines, accounts = rows_of(posting)
            async with AsyncSession(self._engine) as session:
                session.add(head)
                await session.flush()  # before the entries that refer to it
                session.add_all(lines)
                for row in accounts:
                    await session.merge(row)
                await session.commit()
            self._books.apply(posting)
            return True

    async def refuse(self, event_id: str, reason: str, at: UnixSeconds) -> None:
        """Keep a report that cannot be booked, once."""
        async with AsyncSession(self._engine) as session:
            await session.merge(RefusedUsageRow(event_id=event_id, at=at, reason=reason))
            await session.commit()
        self.refused += 1

    async def close(self) -> None:
        """Let go of the database."""
        await self._engine.dispose()

    async def _is_booked(self, cause: str) -> bool:
        async with AsyncSession(self._engine) as session:
            found = select(TransactionRow.number).where(TransactionRow.cause == cause)
            return (await session.exec(found)).first() is not None

    async def _read(self, first: int, end: int) -> list[tuple[TransactionRow, list[EntryRow]]]:
        heads_query = (
            select(TransactionRow)
            .where(TransactionRow.number >= first, TransactionRow.number < end)
            .order_by(col(TransactionRow.number))
        )
        lines_query = select(EntryRow).where(
            EntryRow.transaction_number >= first, EntryRow.transaction_number < end
        )
        async with AsyncSession(self._engine) as session:
            heads = (await session.exec(heads_query)).all()
            lines: dict[int, list[EntryRow]] = {}
            for line in (await session.exec(lines_query)).all():
                lines.setdefault(line.transaction_number, []).append(line)
        return [(head, lines.get(head.number, [])) for head in heads]


def _intact(head: TransactionRow, lines: list[EntryRow]) -> Transaction | None:
    """Return a stored transaction; None when it is not what was hashed."""
    try:
        transaction = read_transaction(head, lines)
    except UnbalancedTransaction:
        return None
    return transaction if transaction.hash == head.hash else None

"""Read the books again and say which row is the first that is not what was written.

since the last checkpoint   at start: the chain from there, and balances minus what came after
everything                  on demand: the chain from its beginning, every cell, every sum
"""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from masq_accountant.errors import SealBroken
from masq_accountant.ledger import Account, Checkpoint, Fault, Head, Standing, Walk, balances_digest
from masq_accountant.store.keys import LedgerKeys
from masq_accountant.store.rows import open_entry
from masq_accountant.store.tables import CHECKPOINTS, ENTRIES, TRANSACTIONS
from masq_kernel.units import UnixSeconds

__all__ = ["Verification", "checkpoint_of"]

_BATCH = 500
"""Transactions read at once: some thousand entries, so that others get their turn in between."""

_HEAD = (
    TRANSACTIONS.c.number,
    TRANSACTIONS.c.at,
    TRANSACTIONS.c.cause,
    TRANSACTIONS.c.previous,
    TRANSACTIONS.c.hash,
)
_LINE = (
    ENTRIES.c.transaction_number,
    ENTRIES.c.position,
    ENTRIES.c.account_id,
    ENTRIES.c.sealed,
)


def checkpoint_of(row: object) -> Checkpoint:
    """Return a stored checkpoint."""
    fields = {each: getattr(row, each) for each in ("number", "at", "hash", "balances")}
    return Checkpoint(**fields, signature=bytes(getattr(row, "signature")))  # noqa: B009 - as above


class Verification:
    """One pass over the books; `walk` says how far it came.

    Args:
        engine: the database.
        keys: open its cells and know its signatures.
        accounts: the account of each id, canonical bytes; new ones may join meanwhile.
        after: begin behind this checkpoint; None: at the beginning.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        keys: LedgerKeys,
        accounts: Mapping[int, bytes],
        after: Checkpoint | None = None,
    ) -> None:
        self._engine, self._keys, self._accounts, self._after = engine, keys, accounts, after
        self.walk = Walk(number=after.number, hash=after.hash) if after else Walk()

    async def follow(self, count: int) -> Fault | None:
        """Walk on up to transaction `count`."""
        async with self._engine.connect() as connection:
            while self.walk.number < count:
                end = min(count, self.walk.number + _BATCH)
                fault = await self._batch(connection, end)
                if fault is not None:
                    return fault
        return None

    async def beyond(self, count: int) -> Fault | None:
        """Find rows that belong to no transaction that there is."""
        async with self._engine.connect() as connection:
            for table, column in (
                ("ledger_transaction", TRANSACTIONS.c.number),
                ("ledger_entry", ENTRIES.c.transaction_number),
            ):
                stray = select(column).where((column > count) | (column < 1)).limit(1)
                number = (await connection.execute(stray)).scalar()
                if number is not None:
                    return Fault(f"{table} {number}", "belongs to nothing that was booked")
        return None

    async def checkpoints(self) -> Fault | None:
        """Check every checkpoint's signature, and its hash against the chain."""
        query = (
            select(*CHECKPOINTS.c, TRANSACTIONS.c.hash.label("chain"))
            .join_from(
                CHECKPOINTS,
                TRANSACTIONS,
                TRANSACTIONS.c.number == CHECKPOINTS.c.number,
                isouter=True,
            )
            .order_by(CHECKPOINTS.c.number)
        )
        async with self._engine.connect() as connection:
            for row in await connection.execute(query):
                name = f"ledger_checkpoint {row.number}"
                if not self._keys.has_signed(checkpoint_of(row)):
                    return Fault(name, "is not what this node signed")
                if row.chain != row.hash:
                    return Fault(name, "does not fit the chain")
        return None

    def balances(
        self, standings: Mapping[Account, Standing], ids: Mapping[Account, int]
    ) -> Fault | None:
        """Check how accounts stand against what was walked."""
        begin = {
            account.to_bytes(): standing.balance - self.walk.sums.get(account.to_bytes(), 0)
            for account, standing in standings.items()
        }
        if self._after is not None:
            if balances_digest(begin) != self._after.balances:
                name = f"ledger_checkpoint {self._after.number}"
                return Fault(name, "does not fit how the accounts stand")
            return None
        for account in standings:
            if begin[account.to_bytes()]:
                return Fault(f"ledger_account {ids[account]}", "is not the sum of its entries")
        missing = self.walk.sums.keys() - begin.keys()
        return Fault("ledger_account", "one is missing") if missing else None

    async def _batch(self, connection: AsyncConnection, end: int) -> Fault | None:
        first = self.walk.number + 1
        heads = await connection.execute(
            select(*_HEAD)
            .where(TRANSACTIONS.c.number >= first, TRANSACTIONS.c.number <= end)
            .order_by(TRANSACTIONS.c.number)
        )
        lines = await connection.execute(
            select(*_LINE)
            .where(ENTRIES.c.transaction_number >= first, ENTRIES.c.transaction_number <= end)
            .order_by(ENTRIES.c.transaction_number, ENTRIES.c.position)
        )
        opened: dict[int, list[bytes]] = {}
        for number, position, account_id, sealed in lines.all():
            line = self._open(number, position, account_id, sealed)
            if isinstance(line, Fault):
                return self._first_fault(heads.all(), opened, number) or line
            opened.setdefault(number, []).append(line)
        return self._first_fault(heads.all(), opened, end + 1) or self._must_reach(end)

    def _first_fault(
        self, heads: object, opened: Mapping[int, list[bytes]], before: int
    ) -> Fault | None:
        for row in heads:  # type: ignore[attr-defined]  # a sequence of rows
            if row[0] >= before:
                break
            head = Head(row[0], UnixSeconds(row[1]), row[2], row[3], row[4])
            fault = self.walk.take(head, opened.get(head.number, ()))
            if fault is not None:
                return fault
        return None

    def _must_reach(self, end: int) -> Fault | None:
        if self.walk.number < end:
            return Fault(f"ledger_transaction {self.walk.number + 1}", "is missing")
        return None

    def _open(self, number: int, position: int, account_id: int, sealed: bytes) -> bytes | Fault:
        """Return an entry's canonical bytes, or what is wrong with its row."""
        try:
            line = open_entry(
                self._keys.vault,
                number=number,
                position=position,
                account_id=account_id,
                sealed=sealed,
            )
        except SealBroken:
            return _not_written(number, position)
        account = self._accounts.get(account_id)
        if account is None:
            return Fault(f"ledger_account {account_id}", "is missing")
        return line if line[1 : line[0] + 1] == account else _not_written(number, position)


def _not_written(number: int, position: int) -> Fault:
    return Fault(f"ledger_entry {number}/{position}", "is not what was written there")

"""How many rows a table has and a sum over all of them, sealed beside them, so that none can go.

Every cell is sealed, but a row that is removed leaves nothing that could be opened. The roll of a
table is changed in the transaction that changes its rows, and adds up their SHA-256 modulo 2**256,
so that a change costs as much as its own rows (MSet-Add-Hash: Clarke and others, "Incremental
multiset hash functions", 2003; what an adversary could solve for is sealed here).
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Table, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from masq_accountant.errors import SealBroken
from masq_accountant.ledger import Fault
from masq_accountant.store.tables import ROLLS
from masq_accountant.store.vault import Vault, place

__all__ = ["Roll", "RollChange", "Work", "Write"]

Write = Callable[[AsyncConnection], Awaitable[None]]
"""Writes rows within a transaction."""

_MODULUS = 1 << 256
_AT_ONCE = 500


class RollChange:
    """Rows of one table that come and go in one database transaction.

    Args:
        table: whose rows.
        count, total: of the rows before.
    """

    def __init__(self, table: Table, count: int, total: int) -> None:
        self._table, self.count, self.total = table, count, total

    async def remove(self, connection: AsyncConnection, keys: Sequence[Any]) -> None:
        """Delete the rows with these primary keys, if they are there."""
        [key] = self._table.primary_key.columns
        for first in range(0, len(keys), _AT_ONCE):
            chosen = key.in_(keys[first : first + _AT_ONCE])
            rows = (await connection.execute(select(*self._table.c).where(chosen))).all()
            self.add(rows, -1)
            await connection.execute(delete(self._table).where(chosen))

    async def insert(self, connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
        """Write rows, each with all columns in the table's order."""
        if rows:
            self.add((tuple(row.values()) for row in rows), 1)
            await connection.execute(insert(self._table), rows)

    def add(self, rows: Iterable[Sequence[Any]], sign: int) -> None:
        """Count rows."""
        for row in rows:
            self.count += sign
            self.total = (self.total + sign * _mark(self._table.name, row)) % _MODULUS


Work = Callable[[AsyncConnection, RollChange], Awaitable[None]]
"""Changes rows within a transaction."""


class Roll:
    """Keeps the roll of one table, and is the only way to change its rows.

    Args:
        engine: the database, migrated.
        vault: seals the roll.
        table: with one primary key, and columns of integers and bytes.
    """

    def __init__(self, engine: AsyncEngine, vault: Vault, table: Table) -> None:
        self._engine, self._vault, self._table = engine, vault, table
        self.name = str(table.name)  # SQLAlchemy's is a kind of string that nobody else writes
        self._count = self._total = self._version = 0
        self._changing = asyncio.Lock()

    async def change(self, work: Work) -> None:
        """Change rows and roll in a transaction of their own."""
        async with self.changing(work) as write, self._engine.begin() as connection:
            await write(connection)

    @asynccontextmanager
    async def changing(self, work: Work) -> AsyncIterator[Write]:
        """Give what changes rows and roll within a transaction that ends before this context."""
        async with self._changing:
            change, version = RollChange(self._table, self._count, self._total), self._version + 1
            written: list[int] = []

            async def write(connection: AsyncConnection) -> None:
                await work(connection, change)
                await self._note(connection, change, version)
                written.append(version)

            yield write
            if written:
                self._version, self._count, self._total = version, change.count, change.total

    async def _note(self, connection: AsyncConnection, change: RollChange, version: int) -> None:
        await connection.execute(delete(ROLLS).where(ROLLS.c.name == self.name))
        cell = _cell(change.count, change.total)
        sealed = self._vault.seal(self._place(version), version, cell)
        row = {"name": self.name, "version": version, "sealed": sealed}
        await connection.execute(insert(ROLLS), row)

    async def rows(self) -> tuple[Sequence[Any], Fault | None]:
        """Return all rows, by primary key, and what is wrong with them together."""
        async with self._changing, self._engine.connect() as connection:
            query = select(*self._table.c).order_by(*self._table.primary_key.columns)
            rows = (await connection.execute(query)).all()
            noted = (
                await connection.execute(select(*ROLLS.c).where(ROLLS.c.name == self.name))
            ).first()
        found = RollChange(self._table, 0, 0)
        found.add(rows, 1)
        return rows, self._compare(found, noted)

    async def check(self) -> Fault | None:
        """Read all rows again, and say whether they are those that were written."""
        _, fault = await self.rows()
        return fault

    def _compare(self, found: RollChange, noted: Any) -> Fault | None:
        if noted is None:
            return Fault(f"roll {self.name}", "is missing") if found.count else None
        try:
            cell = self._vault.open(self._place(noted.version), noted.version, noted.sealed)
        except SealBroken:
            return Fault(f"roll {self.name}", "is not what was written")
        if noted.version < self._version:
            return Fault(f"roll {self.name}", "is an old one")
        self._version = noted.version
        self._count, self._total = int.from_bytes(cell[:8], "big"), int.from_bytes(cell[8:], "big")
        if found.count != self._count:
            return Fault(self.name, f"has {found.count} rows and not {self._count}")
        if found.total != self._total:
            return Fault(self.name, "has a row that is not the one that was written")
        return None

    def _place(self, version: int) -> bytes:
        return place("roll", self.name.encode("ascii"), version)


def _cell(count: int, total: int) -> bytes:
    return count.to_bytes(8, "big") + total.to_bytes(32, "big")


def _mark(table: str, row: Sequence[Any]) -> int:
    return int.from_bytes(hashlib.sha256(place(table, *row)).digest(), "big")

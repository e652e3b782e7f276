"""Sealed things by name on disk, the latest of each: vouchers and disputes."""

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from sqlalchemy import Table, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from masq_accountant.errors import SealBroken
from masq_accountant.ledger import Fault
from masq_accountant.store.vault import Vault, place
from masq_kernel.errors import MalformedError

__all__ = ["Drawer"]

_WRITE_AT_ONCE = 500

T = TypeVar("T")


class Drawer(Generic[T]):
    """Keeps the latest thing of each name in one table of (name, version, sealed).

    Args:
        engine: the database, migrated.
        vault: seals names and things.
        table: where.
        to_bytes, from_bytes: how a thing is written; the second may raise ValueError.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        vault: Vault,
        table: Table,
        to_bytes: Callable[[T], bytes],
        from_bytes: Callable[[bytes], T],
    ) -> None:
        self._engine, self._vault, self._table = engine, vault, table
        self._to_bytes, self._from_bytes = to_bytes, from_bytes
        self._versions: dict[bytes, int] = {}

    async def load(self) -> tuple[dict[bytes, T], Fault | None]:
        """Return all that can be read, and the first row that cannot."""
        things: dict[bytes, T] = {}
        fault = None
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(*self._table.c))
            for number, row in enumerate(rows, start=1):
                try:
                    name = self._vault.read_name(row.name)
                    where = place(self._table.name, row.name, row.version)
                    thing = self._from_bytes(self._vault.open(where, row.version, row.sealed))
                except (SealBroken, ValueError, MalformedError):
                    fault = fault or Fault(
                        f"{self._table.name} {number}", "is not what was written"
                    )
                    continue
                things[name], self._versions[name] = thing, row.version
        return things, fault

    async def save(self, things: Mapping[bytes, T]) -> None:
        """Keep these instead of what was kept under their names, all or none."""
        rows = [self._row(name, thing) for name, thing in things.items()]
        names = [row["name"] for row in rows]
        async with self._engine.begin() as connection:
            for first in range(0, len(names), _WRITE_AT_ONCE):
                some = names[first : first + _WRITE_AT_ONCE]
                await connection.execute(delete(self._table).where(self._table.c.name.in_(some)))
            if rows:
                await connection.execute(insert(self._table), rows)

    def _row(self, name: bytes, thing: T) -> dict[str, object]:
        version = self._versions.get(name, 0) + 1
        self._versions[name] = version
        sealed_name = self._vault.name(name)
        where = place(self._table.name, sealed_name, version)
        sealed = self._vault.seal(where, version, self._to_bytes(thing))
        return {"name": sealed_name, "version": version, "sealed": sealed}

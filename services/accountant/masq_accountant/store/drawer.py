"""Sealed things by name on disk, the latest of each: bans, vouchers and disputes."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from masq_accountant.errors import SealBroken
from masq_accountant.ledger import Fault
from masq_accountant.store.roll import Roll, RollChange, Work, Write
from masq_accountant.store.vault import Vault, place
from masq_kernel.errors import MalformedError

__all__ = ["Drawer"]

T = TypeVar("T")


class Drawer(Generic[T]):
    """Keeps the latest thing of each name in one table of (name, version, sealed).

    Args:
        roll: of the table.
        vault: seals names and things.
        to_bytes, from_bytes: how a thing is written; the second may raise ValueError.
    """

    def __init__(
        self,
        roll: Roll,
        vault: Vault,
        to_bytes: Callable[[T], bytes],
        from_bytes: Callable[[bytes], T],
    ) -> None:
        self._roll, self._vault, self._table = roll, vault, roll.name
        self._to_bytes, self._from_bytes = to_bytes, from_bytes
        self._versions: dict[bytes, int] = {}

    async def load(self) -> tuple[dict[bytes, T], Fault | None]:
        """Return all that can be read, and the first row that cannot or that all do not fit."""
        things: dict[bytes, T] = {}
        rows, missing = await self._roll.rows()
        fault = None
        for number, row in enumerate(rows, start=1):
            try:
                name = self._vault.read_name(row.name)
                where = place(self._table, row.name, row.version)
                thing = self._from_bytes(self._vault.open(where, row.version, row.sealed))
            except (SealBroken, ValueError, MalformedError):
                fault = fault or Fault(f"{self._table} {number}", "is not what was written")
                continue
            things[name], self._versions[name] = thing, row.version
        return things, fault or missing

    async def save(self, things: Mapping[bytes, T | None]) -> None:
        """Keep these instead of what was kept under their names (None: nothing), all or none."""
        await self._roll.change(self._work(things))

    def saving(self, things: Mapping[bytes, T | None]) -> AbstractAsyncContextManager[Write]:
        """Do the same within a transaction that ends before this context."""
        return self._roll.changing(self._work(things))

    def _work(self, things: Mapping[bytes, T | None]) -> Work:
        async def work(connection: AsyncConnection, change: RollChange) -> None:
            await change.remove(connection, [self._vault.name(name) for name in things])
            rows = [self._row(name, thing) for name, thing in things.items() if thing is not None]
            await change.insert(connection, rows)

        return work

    def _row(self, name: bytes, thing: T) -> dict[str, Any]:
        version = self._versions.get(name, 0) + 1
        self._versions[name] = version
        sealed_name = self._vault.name(name)
        where = place(self._table, sealed_name, version)
        sealed = self._vault.seal(where, version, self._to_bytes(thing))
        return {"name": sealed_name, "version": version, "sealed": sealed}

"""What is held against wallets, on disk: one sealed row for each that anything is held against."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from masq_accountant.errors import SealBroken
from masq_accountant.ledger import Fault
from masq_accountant.ledger.bans import NEUTRAL, Automatic, Cause, Decision, Stance, Verdict
from masq_accountant.store.tables import STANCES
from masq_accountant.store.vault import Vault, place
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.units import UnixSeconds, Wei

__all__ = ["StanceStore"]

_WRITE_AT_ONCE = 500


class _Cell(msgspec.Struct):
    """A stance as it is kept."""

    cause: str = ""
    since: int = 0
    owed: str = "0"
    verdict: str = ""
    at: int = 0
    by: str = ""
    note: str = ""


class StanceStore:
    """Loads and saves stances.

    Args:
        engine: the database, migrated.
        vault: seals them.
    """

    def __init__(self, engine: AsyncEngine, vault: Vault) -> None:
        self._engine, self._vault = engine, vault
        self._versions: dict[WalletAddress, int] = {}

    async def load(self) -> tuple[dict[WalletAddress, Stance], Fault | None]:
        """Return all stances that can be read, and the first row that cannot."""
        stances: dict[WalletAddress, Stance] = {}
        fault = None
        async with self._engine.connect() as connection:
            for number, row in enumerate(await connection.execute(select(*STANCES.c)), start=1):
                try:
                    wallet, stance = self._open(row.name, row.version, row.sealed)
                except SealBroken:
                    fault = fault or Fault(f"wallet_stance {number}", "is not what was written")
                    continue
                stances[wallet], self._versions[wallet] = stance, row.version
        return stances, fault

    async def save(self, changes: Mapping[WalletAddress, Stance]) -> None:
        """Keep these instead of what was kept for their wallets, all or none."""
        names = [self._vault.name(wallet.raw) for wallet in changes]
        rows = [
            self._row(wallet, stance) for wallet, stance in changes.items() if stance != NEUTRAL
        ]
        async with self._engine.begin() as connection:
            for first in range(0, len(names), _WRITE_AT_ONCE):
                some = names[first : first + _WRITE_AT_ONCE]
                await connection.execute(delete(STANCES).where(STANCES.c.name.in_(some)))
            if rows:
                await connection.execute(insert(STANCES), rows)

    def _row(self, wallet: WalletAddress, stance: Stance) -> dict[str, object]:
        version = self._versions.get(wallet, 0) + 1
        self._versions[wallet] = version
        name = self._vault.name(wallet.raw)
        where = place("wallet_stance", name, version)
        cell = msgspec.json.encode(_cell(stance))
        return {"name": name, "version": version, "sealed": self._vault.seal(where, version, cell)}

    def _open(self, name: bytes, version: int, sealed: bytes) -> tuple[WalletAddress, Stance]:
        plain = self._vault.open(place("wallet_stance", name, version), version, sealed)
        return WalletAddress(self._vault.read_name(name)), _stance(
            msgspec.json.decode(plain, type=_Cell)
        )


def _cell(stance: Stance) -> _Cell:
    cell = _Cell()
    if stance.automatic is not None:
        cell.cause, cell.since = stance.automatic.cause, stance.automatic.since
        cell.owed = str(stance.automatic.owed)
    if stance.decision is not None:
        cell.verdict, cell.at = stance.decision.verdict, stance.decision.at
        cell.by, cell.note = stance.decision.by, stance.decision.note
    return cell


def _stance(cell: _Cell) -> Stance:
    automatic = decision = None
    if cell.cause:
        automatic = Automatic(Cause(cell.cause), UnixSeconds(cell.since), Wei(int(cell.owed)))
    if cell.verdict:
        decision = Decision(Verdict(cell.verdict), UnixSeconds(cell.at), cell.by, cell.note)
    return Stance(automatic, decision)

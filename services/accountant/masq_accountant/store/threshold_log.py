"""The thresholds on disk: every change that was ever made, sealed; the newest is in force."""

from dataclasses import asdict, dataclass

import msgspec

from masq_accountant.errors import SealBroken, ThresholdsRefused
from masq_accountant.ledger import Fault
from masq_accountant.ledger.thresholds import DEFAULT_THRESHOLDS, Thresholds
from masq_accountant.store.ledger import Ledger
from masq_accountant.store.tables import THRESHOLDS
from masq_accountant.store.vault import place
from masq_kernel.units import UnixSeconds

__all__ = ["Change", "ThresholdLog"]


@dataclass(frozen=True, slots=True)
class Change:
    """What was in force from some moment on.

    Args:
        revision: 1 for the first change.
        at: when.
        by: who; a token's id.
        after: the values.
    """

    revision: int
    at: UnixSeconds
    by: str
    after: Thresholds


class _Cell(msgspec.Struct):
    by: str
    values: dict[str, int | None]


class ThresholdLog:
    """Loads and adds changes.

    Args:
        ledger: beside whose books they are kept.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._roll, self._vault = ledger.roll(THRESHOLDS), ledger.keys.vault
        self.changes: list[Change] = []

    @property
    def revision(self) -> int:
        """How often the thresholds were changed."""
        return len(self.changes)

    @property
    def in_force(self) -> Thresholds:
        """The newest values; MASQ's until somebody changes them."""
        return self.changes[-1].after if self.changes else DEFAULT_THRESHOLDS

    async def load(self) -> Fault | None:
        """Read all changes; return the first row that cannot be read, where reading ends."""
        rows, fault = await self._roll.rows()
        for row in rows:
            expected = self.revision + 1
            if row.number != expected:
                return Fault(f"threshold_change {expected}", "is missing")
            try:
                self.changes.append(self._open(row.number, row.at, row.sealed))
            except SealBroken:
                return Fault(f"threshold_change {row.number}", "is not what was written")
        return fault

    async def add(self, after: Thresholds, by: str, at: UnixSeconds) -> None:
        """Put values in force."""
        number = self.revision + 1
        cell = msgspec.json.encode(_Cell(by, asdict(after)))
        where = place("threshold_change", number, int(at))
        row = {"number": number, "at": at, "sealed": self._vault.seal(where, number, cell)}
        await self._roll.change(lambda connection, change: change.insert(connection, [row]))
        self.changes.append(Change(number, at, by, after))

    def _open(self, number: int, at: int, sealed: bytes) -> Change:
        plain = self._vault.open(place("threshold_change", number, at), number, sealed)
        try:
            cell = msgspec.json.decode(plain, type=_Cell)
            after = Thresholds(**cell.values)  # type: ignore[arg-type]  # checked by the class
        except (msgspec.MsgspecError, TypeError, ThresholdsRefused):
            raise SealBroken from None
        return Change(number, UnixSeconds(at), cell.by, after)

"""What is held against wallets, on disk: one sealed row for each that anything is held against."""

import msgspec

from masq_accountant.ledger.bans import Automatic, Cause, Decision, Stance, Verdict
from masq_accountant.store.drawer import Drawer
from masq_accountant.store.ledger import Ledger
from masq_accountant.store.tables import STANCES
from masq_kernel.units import UnixSeconds, Wei

__all__ = ["stance_drawer"]


class _Cell(msgspec.Struct):
    """A stance as it is kept."""

    cause: str = ""
    since: int = 0
    owed: str = "0"
    verdict: str = ""
    at: int = 0
    by: str = ""
    note: str = ""


def stance_drawer(ledger: Ledger) -> Drawer[Stance]:
    """Return where stances are kept, by wallet."""
    return Drawer(ledger.roll(STANCES), ledger.keys.vault, _bytes, _stance)


def _bytes(stance: Stance) -> bytes:
    cell = _Cell()
    if stance.automatic is not None:
        cell.cause, cell.since = stance.automatic.cause, stance.automatic.since
        cell.owed = str(stance.automatic.owed)
    if stance.decision is not None:
        cell.verdict, cell.at = stance.decision.verdict, stance.decision.at
        cell.by, cell.note = stance.decision.by, stance.decision.note
    return msgspec.json.encode(cell)


def _stance(data: bytes) -> Stance:
    cell = msgspec.json.decode(data, type=_Cell)
    automatic = decision = None
    if cell.cause:
        automatic = Automatic(Cause(cell.cause), UnixSeconds(cell.since), Wei(int(cell.owed)))
    if cell.verdict:
        decision = Decision(Verdict(cell.verdict), UnixSeconds(cell.at), cell.by, cell.note)
    return Stance(automatic, decision)

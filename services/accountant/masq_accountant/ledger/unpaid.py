"""Since when a debt is unpaid: what is charged first is paid first (accounting.md section 3). Pure.

What was charged before each *lot* began never changes, so a payment only has to look which lots
lie below all that was ever settled. Lots are a second long until there are LOTS_MAX of them; then
they become twice as long and half as many. A lot is as old as its first charge: a debt never looks
younger than it is, and after partial payments older by at most one lot.
"""

from dataclasses import dataclass

from masq_accountant.ledger.numbers import NumberReader, number_bytes
from masq_kernel.units import UnixSeconds, Wei

__all__ = ["LOTS_MAX", "NOTHING", "Lot", "Unpaid"]

LOTS_MAX = 32
"""At the end of the default curve (22,800 s) a lot is 1,024 s long: less than the grace period."""


@dataclass(frozen=True, slots=True)
class Lot:
    """A stretch of charges.

    Args:
        since: its first charge.
        before: wei ever charged to this account before it.
    """

    since: UnixSeconds
    before: Wei

    def to_bytes(self) -> bytes:
        """Return it for a cell."""
        return number_bytes(self.since) + number_bytes(self.before)


@dataclass(frozen=True, slots=True)
class Unpaid:
    """The unpaid lots of one account, oldest first.

    Args:
        lots: none when nothing is owed.
        step_s: how long a lot is, at least.
        raw: the lots as bytes, kept because accounts are stored far more often than lots begin.
    """

    lots: tuple[Lot, ...] = ()
    step_s: int = 1
    raw: bytes = b""

    @property
    def since(self) -> UnixSeconds | None:
        """When the oldest unpaid charge was made; None: nothing is owed."""
        return self.lots[0].since if self.lots else None

    def charged(self, at: UnixSeconds, before: Wei) -> "Unpaid":
        """Return it with a charge, which belongs to the last lot unless that one is full."""
        if self.lots and at < self.lots[-1].since + self.step_s:
            return self
        lot = Lot(at, before)
        if len(self.lots) < LOTS_MAX:
            return Unpaid((*self.lots, lot), self.step_s, self.raw + lot.to_bytes())
        return _thinned((*self.lots, lot), self.step_s)

    def settled(self, total: Wei) -> "Unpaid":
        """Return what is still unpaid.

        Args:
            total: wei ever settled; less than what was ever charged.
        """
        covered = 0
        while covered + 1 < len(self.lots) and self.lots[covered + 1].before <= total:
            covered += 1
        return _unpaid(self.lots[covered:], self.step_s) if covered else self

    def to_bytes(self) -> bytes:
        """Return it for a cell."""
        return number_bytes(self.step_s) + number_bytes(len(self.lots)) + self.raw

    @classmethod
    def read(cls, reader: NumberReader) -> "Unpaid":
        """Read a cell.

        Raises:
            ValueError: it is not one.
        """
        step_s, count = reader.next(), reader.next()
        lots = tuple(Lot(UnixSeconds(reader.next()), Wei(reader.next())) for _ in range(count))
        return _unpaid(lots, step_s)


NOTHING = Unpaid()
"""Nothing is owed."""


def _unpaid(lots: tuple[Lot, ...], step_s: int) -> Unpaid:
    return Unpaid(lots, step_s, b"".join(lot.to_bytes() for lot in lots))


def _thinned(lots: tuple[Lot, ...], step_s: int) -> Unpaid:
    while len(lots) > LOTS_MAX:
        step_s *= 2
        kept = [lots[0]]
        for lot in lots[1:]:
            if lot.since >= kept[-1].since + step_s:
                kept.append(lot)
        lots = tuple(kept)
    return _unpaid(lots, step_s)

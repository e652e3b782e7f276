"""Who owes how much, since when, and where on the curve (accounting.md 3 and 7). Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from masq_accountant.ledger.books import Standing
from masq_accountant.ledger.journal import Account, Kind
from masq_accountant.ledger.thresholds import Curve, Thresholds
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.units import UnixSeconds, Wei

__all__ = ["SIGNS", "Line", "Place", "Totals", "Wish", "lines_of", "select", "totals"]

SIGNS = {Kind.PAYABLE: -1, Kind.RECEIVABLE: 1}
"""A payable grows by credit, which the books count negative; people count debts upward."""

Place = Literal["settled", "owing", "over"]
"""Nothing is owed; something is; and more than the curve allows at its age: a payable is due then,
a receivable, after the grace period, delinquent."""


@dataclass(frozen=True, slots=True)
class Line:
    """One account.

    Args:
        wallet: whose.
        owed: wei; negative after an overpayment.
        age_s: of the oldest unpaid charge.
        allowed: wei that may be owed at this age; None: any amount, for it is too young.
        place: in short.
        standing: the rest.
    """

    wallet: WalletAddress
    owed: Wei
    age_s: int
    allowed: Wei | None
    place: Place
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which lines, in which order.

    Args:
        by: the largest balance first, or the oldest debt.
        owed_min: wei; None: any.
        age_min_s: seconds.
        place: None: any.
        wallet: None: all.
    """

    by: Literal["balance", "age"] = "balance"
    owed_min: Wei | None = None
    age_min_s: int = 0
    place: Place | None = None
    wallet: WalletAddress | None = None

    def fits(self, line: Line) -> bool:
        """Whether this line is wished for."""
        return (
            (self.owed_min is None or line.owed >= self.owed_min)
            and line.age_s >= self.age_min_s
            and self.place in (None, line.place)
            and self.wallet in (None, line.wallet)
        )


@dataclass(frozen=True, slots=True)
class Totals:
    """One book in short.

    Args:
        accounts: in the book.
        owed: wei, all balances.
        over: wei of the accounts that are over the curve.
        accounts_over: how many are.
        charged: wei that were ever charged.
        since: when the oldest unpaid charge was made; None: nothing is owed.
    """

    accounts: int
    owed: Wei
    over: Wei
    accounts_over: int
    charged: Wei
    since: UnixSeconds | None


def lines_of(
    standings: Mapping[Account, Standing], kind: Kind, thresholds: Thresholds, now: UnixSeconds
) -> list[Line]:
    """Return all accounts of one book."""
    grace_s, curve = thresholds.grace_s if kind is Kind.RECEIVABLE else 0, thresholds.curve()
    return [
        _line(account.wallet, standing, kind, curve, grace_s, now)
        for account, standing in standings.items()
        if account.kind is kind and account.wallet is not None
    ]


def select(lines: Iterable[Line], wish: Wish) -> list[Line]:
    """Return the lines that are wished for, in order; equal ones by wallet."""
    if wish.by == "balance":
        return sorted(filter(wish.fits, lines), key=lambda line: (-line.owed, line.wallet))
    return sorted(filter(wish.fits, lines), key=lambda line: (-line.age_s, line.wallet))


def totals(lines: list[Line]) -> Totals:
    """Sum a book up."""
    over = [line for line in lines if line.place == "over"]
    dates = [line.standing.open_since for line in lines]
    return Totals(
        accounts=len(lines),
        owed=Wei(sum(line.owed for line in lines)),
        over=Wei(sum(line.owed for line in over)),
        accounts_over=len(over),
        charged=Wei(sum(line.standing.charged for line in lines)),
        since=min((date for date in dates if date is not None), default=None),
    )


def _line(
    wallet: WalletAddress,
    standing: Standing,
    kind: Kind,
    curve: Curve,
    grace_s: int,
    now: UnixSeconds,
) -> Line:
    owed, age_s = Wei(standing.balance * SIGNS[kind]), standing.age_s(now)
    judged = age_s - grace_s
    place: Place = "settled" if owed <= 0 else "owing"
    if curve.is_above(owed, judged):
        place = "over"
    is_mature = owed > 0 and judged > curve.maturity_s
    allowed = Wei(max(curve.permanent, curve.at(judged))) if is_mature else None
    return Line(wallet, owed, age_s, allowed, place, standing)

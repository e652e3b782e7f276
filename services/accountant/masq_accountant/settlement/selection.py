"""Which debts to pay with what there is: never a transfer that must revert. Pure.

Who is nearest to ban us is paid first. What tokens or fees do not afford is left, with the reason;
the first debt that the tokens cover in part is paid in part.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from masq_accountant.ledger.thresholds import Thresholds
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.units import Wei

__all__ = ["PAYMENTS_MAX", "Debt", "Funds", "Selected", "Selection", "select"]

PAYMENTS_MAX = 50
"""In one scan; the rest are next."""

PART_MIN = Fraction(1, 10)
"""Of a debt; less is not worth its fee."""


@dataclass(frozen=True, slots=True)
class Debt:
    """What we owe one wallet.

    Args:
        wallet: to whom.
        owed: wei, without what is in flight already.
        age_s: of its oldest unpaid charge.
    """

    wallet: WalletAddress
    owed: Wei
    age_s: int


@dataclass(frozen=True, slots=True)
class Funds:
    """What our wallet has, without what is promised to payments in flight.

    Args:
        tokens: wei of MASQ.
        coin: wei of the chain's own coin.
        fee: what one transfer may cost, wei of the coin.
    """

    tokens: int
    coin: int
    fee: int


@dataclass(frozen=True, slots=True)
class Selected:
    """One payment to make."""

    wallet: WalletAddress
    amount: Wei


@dataclass(frozen=True, slots=True)
class Selection:
    """What came of it.

    Args:
        payments: to make, in this order.
        left: how many due debts wait, and why; "" when none does.
    """

    payments: tuple[Selected, ...]
    left: int = 0
    why: str = ""


def select(debts: Iterable[Debt], thresholds: Thresholds, funds: Funds) -> Selection:
    """Return what to pay now.

    Args:
        debts: any, in any order.
        thresholds: say which are due, and how near a creditor is to banning us.
        funds: what there is.
    """
    due = [debt for debt in debts if thresholds.qualifies(debt.owed, debt.age_s)]
    due.sort(key=lambda debt: (-_risk(debt, thresholds), -debt.owed, debt.wallet))
    affordable = len(due) if funds.fee == 0 else min(len(due), funds.coin // funds.fee)
    count = min(affordable, PAYMENTS_MAX)
    payments, tokens = _spend(due[:count], funds.tokens)
    left = len(due) - len(payments)
    if not left:
        return Selection(payments)
    if len(payments) < count:
        return Selection(payments, left, f"the wallet has {tokens} wei of MASQ left for them")
    if affordable < min(len(due), PAYMENTS_MAX):
        return Selection(payments, left, "the wallet has too little of the chain's coin for fees")
    return Selection(payments, left, "they are paid in the next scans")


def _spend(due: Sequence[Debt], tokens: int) -> tuple[tuple[Selected, ...], int]:
    """Return the payments that so many tokens afford, and how many are left."""
    payments: list[Selected] = []
    for debt in due:
        amount = min(debt.owed, tokens)
        if amount < debt.owed * PART_MIN or amount <= 0:
            break
        payments.append(Selected(debt.wallet, Wei(amount)))
        tokens -= amount
        if amount < debt.owed:
            break
    return tuple(payments), tokens


def _risk(debt: Debt, thresholds: Thresholds) -> Fraction:
    """Return how near a creditor with the same thresholds is to refuse us; 1 and more: it does."""
    curve, age_s = thresholds.curve(), debt.age_s - thresholds.grace_s
    if age_s <= curve.maturity_s:
        return Fraction(debt.owed, max(1, thresholds.credit_limit))
    return 1 + Fraction(debt.owed, max(1, curve.at(age_s)))

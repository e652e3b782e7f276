"""Who is refused service, and why (accounting.md section 4). Pure.

    automatic   delinquent: mature and above the curve; until it owes no more than unban_below
                credit: owes more than the credit limit; until it does no longer
                unvouchered: owns up to too little of what it was charged; until it does not
    decided     ban, pardon or whitelist by an operator; goes before the automatic one until it is
                withdrawn, a pardon also until the wallet has paid

A *stance* is both together, for one wallet.
"""

from dataclasses import dataclass
from enum import StrEnum

from masq_accountant.ledger.books import Standing
from masq_accountant.ledger.thresholds import Thresholds
from masq_kernel.units import UnixSeconds, Wei

__all__ = ["NEUTRAL", "Automatic", "Cause", "Decision", "Stance", "Uncovered", "Verdict", "judge"]


class Cause(StrEnum):
    """Why a wallet is refused."""

    DELINQUENT = "delinquent"
    CREDIT = "credit"
    UNVOUCHERED = "unvouchered"
    MANUAL = "manual"


class Verdict(StrEnum):
    """What an operator decided."""

    BAN = "ban"
    PARDON = "pardon"
    WHITELIST = "whitelist"


@dataclass(frozen=True, slots=True)
class Automatic:
    """A ban that the accounts call for.

    Args:
        cause: delinquent, credit or unvouchered.
        since: when it was found.
        owed: wei, at that time; if unvouchered, what it must own up to.
    """

    cause: Cause
    since: UnixSeconds
    owed: Wei


@dataclass(frozen=True, slots=True)
class Decision:
    """What an operator decided.

    Args:
        verdict: what.
        at: when.
        by: who; a token's id.
        note: why, in the operator's words.
    """

    verdict: Verdict
    at: UnixSeconds
    by: str
    note: str


@dataclass(frozen=True, slots=True)
class Stance:
    """All that is held against, or for, one wallet.

    Args:
        automatic: None: its accounts are in order.
        decision: None: nobody decided anything.
    """

    automatic: Automatic | None = None
    decision: Decision | None = None

    @property
    def refusal(self) -> Cause | None:
        """Why the wallet is refused; None: it is served."""
        if self.decision is not None:
            return Cause.MANUAL if self.decision.verdict is Verdict.BAN else None
        return None if self.automatic is None else self.automatic.cause

    @property
    def since(self) -> UnixSeconds:
        """When that began."""
        if self.decision is not None:
            return self.decision.at
        return UnixSeconds(0) if self.automatic is None else self.automatic.since


NEUTRAL = Stance()
"""Nothing is held against it."""


@dataclass(frozen=True, slots=True)
class Uncovered:
    """How far a wallet's word lags behind our books.

    Args:
        amount: wei charged beyond it.
        limit: how many may be.
    """

    amount: Wei
    limit: Wei


def judge(
    stance: Stance,
    standing: Standing,
    thresholds: Thresholds,
    now: UnixSeconds,
    uncovered: Uncovered | None = None,
) -> Stance:
    """Return what to think of a wallet from now on.

    Args:
        stance: what was thought so far.
        standing: of its receivable.
        thresholds: in force.
        now: the time.
        uncovered: by its word; None: nobody asked for that.
    """
    automatic = _automatic(stance.automatic, standing, thresholds, now)
    if automatic is None and uncovered is not None and uncovered.amount > uncovered.limit:
        automatic = _unvouchered(stance.automatic, standing, uncovered, now)
    decision = stance.decision
    if decision is not None and decision.verdict is Verdict.PARDON:
        has_paid = standing.balance <= thresholds.unban_below
        decision = None if has_paid else decision
    if automatic == stance.automatic and decision == stance.decision:
        return stance
    return Stance(automatic, decision)


def _automatic(
    before: Automatic | None, standing: Standing, thresholds: Thresholds, now: UnixSeconds
) -> Automatic | None:
    owed = standing.balance
    if before is not None and before.cause is Cause.DELINQUENT:
        return None if owed <= thresholds.unban_below else before
    is_welcome = owed <= thresholds.unban_below  # whatever the curve: or it would be banned again
    if not is_welcome and thresholds.is_delinquent(owed, standing.age_s(now)):
        return Automatic(Cause.DELINQUENT, now, owed)
    if owed > thresholds.limit_of(standing.received):
        is_known = before is not None and before.cause is Cause.CREDIT
        return before if is_known else Automatic(Cause.CREDIT, now, owed)
    return None


def _unvouchered(
    before: Automatic | None, standing: Standing, uncovered: Uncovered, now: UnixSeconds
) -> Automatic:
    """Refuse it until it owns up to what leaves half of the limit free."""
    if before is not None and before.cause is Cause.UNVOUCHERED:
        return before
    return Automatic(Cause.UNVOUCHERED, now, Wei(standing.charged - uncovered.limit // 2))

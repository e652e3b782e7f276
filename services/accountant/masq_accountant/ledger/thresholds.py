"""When a debt is due and when a debtor is refused: the curve (accounting.md section 3). Pure.

All in wei and whole seconds. The slope is truncated toward zero, as MASQ does.

    debt threshold  |----.
                    |     '-.            T(age) = slope * age + intercept
    permanent debt  |        '---------
                         ^      ^ maturity + interval
                         maturity
"""

from dataclasses import dataclass, fields

from masq_accountant.errors import ThresholdsRefused
from masq_kernel.units import WEI_PER_GWEI, Wei

__all__ = ["DEFAULT_THRESHOLDS", "Curve", "Thresholds"]

GWEI_MAX = 10**18
"""More than there are: 37,500,000 MASQ are 3.75 * 10**16 gwei."""

SECONDS_MAX = 10**9
"""MASQ's limit for the interval."""


@dataclass(frozen=True, slots=True)
class Curve:
    """The thresholds as lines.

    Args:
        maturity_s, end_s: ages at which it begins to fall and lies flat.
        slope, intercept: in between, wei per second and wei.
        permanent: wei, afterwards.
    """

    maturity_s: int
    end_s: int
    slope: int
    intercept: int
    permanent: Wei

    def at(self, age_s: int) -> Wei:
        """Return T(age)."""
        return self.permanent if age_s > self.end_s else Wei(self.slope * age_s + self.intercept)

    def is_above(self, balance: Wei, age_s: int) -> bool:
        """Whether a debt of this age is mature, not small, and above the curve."""
        return age_s > self.maturity_s and balance > self.permanent and balance > self.at(age_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """What an operator sets, with MASQ's names and defaults.

    Args:
        debt_threshold_gwei: height of the curve at maturity.
        maturity_threshold_sec: no payment before this age.
        payment_grace_period_sec: how much later a debtor is delinquent than a payer pays.
        permanent_debt_allowed_gwei: never paid and never delinquent at or below.
        threshold_interval_sec: how long the curve falls.
        unban_below_gwei: a delinquent wallet is welcome again at or below.
        credit_limit_gwei: no wallet may owe more, from the first byte; None: one and a half times
            the debt threshold.
        newcomer_limit_gwei: no wallet that has not yet paid as much may owe more; None: newcomers
            may owe as much as others.

    Raises:
        ThresholdsRefused: they do not fit together.
    """

    debt_threshold_gwei: int = 1_000_000_000
    maturity_threshold_sec: int = 1_200
    payment_grace_period_sec: int = 1_200
    permanent_debt_allowed_gwei: int = 500_000_000
    threshold_interval_sec: int = 21_600
    unban_below_gwei: int = 500_000_000
    credit_limit_gwei: int | None = None
    newcomer_limit_gwei: int | None = None

    def __post_init__(self) -> None:
        problems = _out_of_range(self) or _not_together(self)
        if problems:
            raise ThresholdsRefused(problems)

    @property
    def credit_limit(self) -> Wei:
        """What a wallet may owe at most."""
        gwei = self.credit_limit_gwei
        if gwei is None:
            return Wei(self.debt_threshold_gwei * WEI_PER_GWEI * 3 // 2)
        return Wei(gwei * WEI_PER_GWEI)

    def limit_of(self, paid: Wei) -> Wei:
        """Return what a wallet that has paid so much, in all, may owe at most."""
        if self.newcomer_limit_gwei is None:
            return self.credit_limit
        limit = Wei(self.newcomer_limit_gwei * WEI_PER_GWEI)
        return self.credit_limit if paid >= limit else min(self.credit_limit, limit)

    @property
    def unban_below(self) -> Wei:
        """At or below this a delinquent wallet is welcome again."""
        return Wei(self.unban_below_gwei * WEI_PER_GWEI)

    @property
    def grace_s(self) -> int:
        """How much later a debtor is delinquent than a payer pays."""
        return self.payment_grace_period_sec

    def curve(self) -> Curve:
        """Return the curve of these values."""
        debt = self.debt_threshold_gwei * WEI_PER_GWEI
        permanent = self.permanent_debt_allowed_gwei * WEI_PER_GWEI
        maturity = self.maturity_threshold_sec
        slope = -((debt - permanent) // self.threshold_interval_sec)
        return Curve(
            maturity_s=maturity,
            end_s=maturity + self.threshold_interval_sec,
            slope=slope,
            intercept=debt - maturity * slope,
            permanent=Wei(permanent),
        )

    def qualifies(self, owed: Wei, age_s: int) -> bool:
        """Whether a payable of this age is due."""
        return self.curve().is_above(owed, age_s)

    def is_delinquent(self, owed: Wei, age_s: int) -> bool:
        """Whether a receivable of this age has been due for the grace period."""
        return self.curve().is_above(owed, age_s - self.grace_s)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The names of all values."""
        return tuple(each.name for each in fields(cls))


def _out_of_range(thresholds: Thresholds) -> dict[str, str]:
    problems = {}
    for name in Thresholds.names():
        value = getattr(thresholds, name)
        if value is None:
            continue
        most = GWEI_MAX if name.endswith("_gwei") else SECONDS_MAX
        least = 1 if name == "threshold_interval_sec" else 0
        if not least <= value <= most:
            problems[name] = f"must be {least:,} to {most:,}"
    return problems


def _not_together(thresholds: Thresholds) -> dict[str, str]:
    problems = {}
    debt = thresholds.debt_threshold_gwei
    if debt <= thresholds.permanent_debt_allowed_gwei:
        problems["debt_threshold_gwei"] = "must be more than permanent_debt_allowed_gwei"
    if thresholds.unban_below_gwei > debt:
        problems["unban_below_gwei"] = "must not be more than debt_threshold_gwei"
    if thresholds.credit_limit_gwei is not None and thresholds.credit_limit_gwei < debt:
        problems["credit_limit_gwei"] = "must not be less than debt_threshold_gwei"
    return problems


DEFAULT_THRESHOLDS = Thresholds()

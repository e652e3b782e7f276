"""When debts are due and debtors refused."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from masq_api.views.values import Masq, WalletText, masq, moment
from masq_kernel.bus.messages.accountant import (
    ThresholdsChange,
    ThresholdsHistory,
    ThresholdsPreviewed,
    ThresholdValues,
)
from masq_kernel.rates import RatePack
from masq_kernel.units import WEI_PER_GWEI

__all__ = ["Meanings", "PreviewView", "ThresholdsHistoryView", "ThresholdsView"]

Gwei = Annotated[
    str, Field(pattern=r"^[0-9]{1,19}$", description="Gwei of MASQ, decimal", examples=["500000"])
]
Seconds = Annotated[int, Field(ge=0, le=10**9, strict=True)]


class ThresholdsView(BaseModel):
    """MASQ's six values, and limits of credit."""

    model_config = ConfigDict(extra="forbid")

    debt_threshold_gwei: Gwei = Field(description="A mature debt above it is due at once")
    maturity_threshold_sec: Seconds = Field(description="No debt is due before this age")
    payment_grace_period_sec: Seconds = Field(
        description="So much later than it was due an unpaid debt bans the debtor"
    )
    permanent_debt_allowed_gwei: Gwei = Field(description="Up to here no debt is ever due")
    threshold_interval_sec: Seconds = Field(
        description="From maturity on, the threshold falls to the permanent debt in this time"
    )
    unban_below_gwei: Gwei = Field(description="A delinquent wallet is served again at or below")
    credit_limit_gwei: Gwei | None = Field(
        default=None,
        description="Beyond it a wallet is refused, whatever the age of its debt; null: one and a "
        "half times the debt threshold",
    )
    newcomer_limit_gwei: Gwei | None = Field(
        default=None,
        description="Beyond it a wallet that has not yet paid as much is refused; null: as much "
        "as others",
    )

    @classmethod
    def of(cls, values: ThresholdValues) -> "ThresholdsView":
        """Show values."""
        return cls(
            debt_threshold_gwei=str(values.debt_threshold_gwei),
            maturity_threshold_sec=values.maturity_threshold_sec,
            payment_grace_period_sec=values.payment_grace_period_sec,
            permanent_debt_allowed_gwei=str(values.permanent_debt_allowed_gwei),
            threshold_interval_sec=values.threshold_interval_sec,
            unban_below_gwei=str(values.unban_below_gwei),
            credit_limit_gwei=_text(values.credit_limit_gwei),
            newcomer_limit_gwei=_text(values.newcomer_limit_gwei),
        )

    def to_message(self) -> ThresholdValues:
        """Return what the accountant is asked for."""
        return ThresholdValues(
            debt_threshold_gwei=int(self.debt_threshold_gwei),
            maturity_threshold_sec=self.maturity_threshold_sec,
            payment_grace_period_sec=self.payment_grace_period_sec,
            permanent_debt_allowed_gwei=int(self.permanent_debt_allowed_gwei),
            threshold_interval_sec=self.threshold_interval_sec,
            unban_below_gwei=int(self.unban_below_gwei),
            credit_limit_gwei=_number(self.credit_limit_gwei),
            newcomer_limit_gwei=_number(self.newcomer_limit_gwei),
        )


class PreviewView(BaseModel):
    """What other values would do at once."""

    bans: int
    unbans: int
    payments: int = Field(description="Debts of this node that would be due")
    would_ban: list[WalletText] = Field(description="The first 100")
    would_unban: list[WalletText] = Field(description="The first 100")

    @classmethod
    def of(cls, previewed: ThresholdsPreviewed) -> "PreviewView":
        """Show a preview."""
        return cls(
            bans=previewed.bans,
            unbans=previewed.unbans,
            payments=previewed.payments,
            would_ban=[wallet.text for wallet in previewed.would_ban],
            would_unban=[wallet.text for wallet in previewed.would_unban],
        )


class ThresholdsChangeView(BaseModel):
    """One change."""

    revision: int
    at: datetime
    by: str = Field(description="The id of the token that was used")
    before: ThresholdsView
    after: ThresholdsView

    @classmethod
    def of(cls, change: ThresholdsChange) -> "ThresholdsChangeView":
        """Show a change."""
        return cls(
            revision=change.revision,
            at=moment(change.at),
            by=change.by,
            before=ThresholdsView.of(change.before),
            after=ThresholdsView.of(change.after),
        )


class ThresholdsHistoryView(BaseModel):
    """One page of changes, newest first."""

    items: list[ThresholdsChangeView]
    next: str | None = Field(description="Send as `cursor` for the next page; null: the last")

    @classmethod
    def of(cls, history: ThresholdsHistory) -> "ThresholdsHistoryView":
        """Show a page."""
        items = [ThresholdsChangeView.of(change) for change in history.changes]
        return cls(items=items, next=str(items[-1].revision) if history.more else None)


class MeaningView(BaseModel):
    """One amount, and how much traffic it stands for."""

    name: str = Field(examples=["debt_threshold_gwei"])
    amount_masq: Masq
    routing_bytes: int | None = Field(
        description="What costs as much at this node's rate for routing; null: it asks nothing"
    )
    exit_bytes: int | None = Field(description="The same at its rate as an exit")


class Meanings(BaseModel):
    """All amounts among the thresholds."""

    items: list[MeaningView]
    next: None = None

    @classmethod
    def of(cls, values: ThresholdValues, rates: RatePack) -> "Meanings":
        """Show what the thresholds in force mean at our rates."""
        limit = values.credit_limit_gwei
        amounts = {
            "debt_threshold_gwei": values.debt_threshold_gwei,
            "permanent_debt_allowed_gwei": values.permanent_debt_allowed_gwei,
            "unban_below_gwei": values.unban_below_gwei,
            "credit_limit_gwei": values.debt_threshold_gwei * 3 // 2 if limit is None else limit,
            "newcomer_limit_gwei": values.newcomer_limit_gwei,
        }
        return cls(
            items=[
                MeaningView(
                    name=name,
                    amount_masq=masq(str(gwei * WEI_PER_GWEI)),
                    routing_bytes=_bytes(gwei, rates.routing_byte),
                    exit_bytes=_bytes(gwei, rates.exit_byte),
                )
                for name, gwei in amounts.items()
                if gwei is not None
            ]
        )


def _bytes(gwei: int, rate: int) -> int | None:
    return gwei * WEI_PER_GWEI // rate if rate else None


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)

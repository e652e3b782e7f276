"""Whom this node does not serve: nodes that misbehaved, and wallets that do not pay."""

import base64
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from masq_api.views.values import Masq, NodeIdText, WalletText, WeiText, masq, moment
from masq_kernel.bus.messages.accountant import BanCause, DecisionKind, WalletStance
from masq_kernel.bus.messages.gossip import BanState

__all__ = ["BanView", "Bans", "DecisionChange", "FinancialBanView"]


class BanView(BaseModel):
    """One ban: who, why, until when, and what was seen."""

    kind: Literal["misconduct"] = "misconduct"
    node_id: NodeIdText
    reason: str = Field(examples=["a record whose signature does not verify"])
    offences: int = Field(description="So far; each doubles the next ban, up to a day")
    since: datetime
    until: datetime
    evidence: str = Field(description="The beginning of the payload that gave offence, base64")

    @classmethod
    def of(cls, ban: BanState) -> "BanView":
        """Show a ban."""
        return cls(
            node_id=ban.node_id.text,
            reason=ban.reason,
            offences=ban.offences,
            since=moment(ban.since),
            until=moment(ban.until),
            evidence=base64.b64encode(ban.evidence).decode("ascii"),
        )


class FinancialBanView(BaseModel):
    """A wallet that is refused, or about which something was decided."""

    kind: Literal["financial"] = "financial"
    wallet: WalletText
    cause: BanCause | None = Field(
        description="delinquent: an overdue debt; credit: owes more than the limit; manual: decided"
        " by an operator; null: it is served"
    )
    since: datetime
    owed: WeiText
    owed_masq: Masq
    lifts_at: WeiText | None = Field(
        description="The ban ends when no more is owed; null: only a decision ends it"
    )
    decision: DecisionKind | None = Field(description="What an operator decided")
    decided_by: str = Field(description="The id of the token that was used")
    note: str

    @classmethod
    def of(cls, stance: WalletStance) -> "FinancialBanView":
        """Show what is held against a wallet."""
        return cls(
            wallet=stance.wallet.text,
            cause=stance.cause,
            since=moment(stance.since),
            owed=stance.owed,
            owed_masq=masq(stance.owed),
            lifts_at=stance.owed_max or None,
            decision=stance.decision,
            decided_by=stance.decided_by,
            note=stance.note,
        )


class DecisionChange(BaseModel):
    """What an operator decides about a wallet."""

    model_config = ConfigDict(extra="forbid")

    decision: DecisionKind = Field(
        description="ban: refuse it until this is withdrawn; pardon: serve it until it has paid; "
        "whitelist: serve it until this is withdrawn"
    )
    note: str = Field(default="", max_length=200, description="Why; for other operators")


class Bans(BaseModel):
    """One page: nodes first, the newest first, then wallets."""

    items: list[Annotated[BanView | FinancialBanView, Field(discriminator="kind")]]
    next: str | None = Field(description="Send as `cursor` for the next page; null: the last")

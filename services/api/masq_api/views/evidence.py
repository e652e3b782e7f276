"""What this node and others have signed about what is owed."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from masq_api.views.values import NodeIdText, WalletText, WeiText, moment
from masq_kernel.bus.messages.evidence import CreditorFinding, DisputeState, ReconciliationState

__all__ = ["DisputeView", "Disputes", "FindingView", "ReconciliationView"]


class DisputeView(BaseModel):
    """Two books that nothing makes agree; both words are here, signed."""

    node_id: NodeIdText = Field(description="The creditor")
    wallet: WalletText = Field(description="The debtor")
    side: Literal["debtor", "creditor"] = Field(description="Which of the two this node is")
    ours: WeiText = Field(description="By this node's books, for all time")
    theirs: WeiText = Field(description="By the other's word")
    since: datetime
    seen_at: datetime = Field(description="When it was last confirmed")
    closed_at: datetime | None = Field(description="When the books agreed again; null: they do not")
    ours_signed: str = Field(description="JSON, with the signature")
    theirs_signed: str = Field(description="JSON, with the signature")

    @classmethod
    def of(cls, state: DisputeState) -> "DisputeView":
        """Show a dispute."""
        return cls(
            node_id=state.node_id.text,
            wallet=state.wallet.text,
            side=state.side,
            ours=state.ours,
            theirs=state.theirs,
            since=moment(state.since),
            seen_at=moment(state.seen_at),
            closed_at=None if state.closed_at is None else moment(state.closed_at),
            ours_signed=state.ours_signed,
            theirs_signed=state.theirs_signed,
        )


class Disputes(BaseModel):
    """All of them, the newest first."""

    items: list[DisputeView]
    next: None = None


class FindingView(BaseModel):
    """What came of one creditor."""

    node_id: NodeIdText
    finding: Literal["agreed", "lower", "disputed", "silent"] = Field(
        description="lower: it asks for less, which is settled on; silent: it gave no statement"
    )
    ours: WeiText
    theirs: WeiText | None
    reason: str = Field(description="Why it gave no statement")

    @classmethod
    def of(cls, finding: CreditorFinding) -> "FindingView":
        """Show a finding."""
        return cls(
            node_id=finding.node_id.text,
            finding=finding.finding,
            ours=finding.ours,
            theirs=finding.theirs or None,
            reason=finding.reason,
        )


class ReconciliationView(BaseModel):
    """The comparison of our books with those of our creditors."""

    is_running: bool
    finished_at: datetime | None = Field(description="null: none since the accountant started")
    findings: list[FindingView] = Field(description="Of the last one, what is wrong first")

    @classmethod
    def of(cls, state: ReconciliationState) -> "ReconciliationView":
        """Show how far it is."""
        return cls(
            is_running=state.is_running,
            finished_at=None if state.finished_at is None else moment(state.finished_at),
            findings=[FindingView.of(each) for each in state.findings],
        )

"""What nodes have signed about what is owed: statements, disputes, reconciliation."""

from typing import Literal

from masq_kernel.bus.messages.base import BusMessage
from masq_kernel.identity.keys import NodeId, WalletAddress
from masq_kernel.units import UnixSeconds

__all__ = [
    "CreditorDisputed",
    "CreditorFinding",
    "DisputeState",
    "DisputesListed",
    "DisputesRequested",
    "ReconciliationRequested",
    "ReconciliationState",
    "StatementGiven",
    "StatementRequested",
]


class StatementRequested(BusMessage, frozen=True):
    """A debtor asks what it owes: a signed question, as it came through the mesh."""

    question: bytes


class StatementGiven(BusMessage, frozen=True):
    """The signed answer."""

    statement: bytes


class DisputesRequested(BusMessage, frozen=True):
    """Whose books do not agree with ours? The newest first."""

    is_open: bool = False  # only those that are not closed


class DisputeState(BusMessage, frozen=True):
    """One dispute. Amounts are wei in decimal, for all time."""

    node_id: NodeId  # the creditor
    wallet: WalletAddress  # the debtor
    side: Literal["debtor", "creditor"]  # which of the two we are
    ours: str
    theirs: str
    since: UnixSeconds
    seen_at: UnixSeconds
    closed_at: UnixSeconds | None
    ours_signed: str  # JSON with a signature
    theirs_signed: str


class DisputesListed(BusMessage, frozen=True):
    """All of them."""

    disputes: tuple[DisputeState, ...]


class ReconciliationRequested(BusMessage, frozen=True):
    """How far is the reconciliation? `start`: ask all creditors, or one, and compare."""

    start: bool = False
    node_id: NodeId | None = None


class CreditorFinding(BusMessage, frozen=True):
    """What came of one creditor. Amounts are wei in decimal, for all time."""

    node_id: NodeId
    finding: Literal["agreed", "lower", "disputed", "silent"]
    ours: str
    theirs: str  # "" when it gave no answer
    reason: str = ""  # why there is none


class ReconciliationState(BusMessage, frozen=True):
    """The reconciliation that goes on, or was the last."""

    is_running: bool
    finished_at: UnixSeconds | None  # None: none since the start
    findings: tuple[CreditorFinding, ...]  # of the last, what is wrong first


class CreditorDisputed(BusMessage, frozen=True):
    """A node asks for more than anything explains."""

    node_id: NodeId

"""The books."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from masq_api.views.values import Masq, WalletText, WeiText, masq, moment
from masq_kernel.bus.messages.accountant import (
    AccountState,
    BackupState,
    LedgerCheckpoint,
    LedgerEntry,
    LedgerSummary,
    ScanDone,
    VerificationState,
)

__all__ = [
    "AccountView",
    "Accounts",
    "BackupView",
    "CheckpointView",
    "Checkpoints",
    "Entries",
    "EntryView",
    "ScanView",
    "SummaryView",
    "VerificationView",
]


class AccountView(BaseModel):
    """What is owed to, or by, one wallet."""

    wallet: WalletText
    balance: WeiText
    balance_masq: Masq
    packages: int
    size: int = Field(description="Bytes, as they were charged")
    oldest_unpaid_at: datetime | None = Field(description="null: nothing is owed")
    age_s: int = Field(description="Seconds since then")
    updated_at: datetime
    place: Literal["settled", "owing", "over"] = Field(
        description="over: more than the curve allows at this age (due, or delinquent)"
    )
    allowed: WeiText | None = Field(
        description="What may be owed at this age; null: any amount, it is too young"
    )
    share: float | None = Field(description="balance / allowed; above 1 is over")
    charged: WeiText = Field(description="For all time")
    charged_masq: Masq

    @classmethod
    def of(cls, account: AccountState, now: int) -> "AccountView":
        """Show an account."""
        since = account.oldest_unpaid_at
        return cls(
            wallet=account.wallet.text,
            balance=account.balance,
            balance_masq=masq(account.balance),
            packages=account.packages,
            size=account.size,
            oldest_unpaid_at=None if since is None else moment(since),
            age_s=0 if since is None else max(0, now - since),
            updated_at=moment(account.updated_at),
            place=account.place,
            allowed=account.allowed,
            share=_share(account.balance, account.allowed),
            charged=account.charged,
            charged_masq=masq(account.charged),
        )


def _share(balance: str, allowed: str | None) -> float | None:
    if allowed is None or int(allowed) == 0:
        return None
    return round(int(balance) / int(allowed), 4)


class Accounts(BaseModel):
    """One page of a book."""

    items: list[AccountView]
    next: str | None = Field(description="Send as `cursor` for the next page; null: the last")


class EntryView(BaseModel):
    """One entry of an account."""

    transaction: int
    at: datetime
    service: str = Field(examples=["usage"])
    packages: int
    size: int
    amount: WeiText
    amount_masq: Masq

    @classmethod
    def of(cls, entry: LedgerEntry) -> "EntryView":
        """Show an entry."""
        return cls(
            transaction=entry.transaction,
            at=moment(entry.at),
            service=entry.service,
            packages=entry.packages,
            size=entry.size,
            amount=entry.amount,
            amount_masq=masq(entry.amount),
        )


class Entries(BaseModel):
    """One page of a history, newest first."""

    items: list[EntryView]
    next: str | None = Field(description="Send as `cursor` for the next page; null: the last")


class SummaryView(BaseModel):
    """How the books stand."""

    payable: WeiText
    payable_masq: Masq
    payable_accounts: int
    receivable: WeiText
    receivable_masq: Masq
    receivable_accounts: int
    transactions: int
    usage_events: int
    payable_over: WeiText = Field(description="Of the accounts that are due")
    payable_over_masq: Masq
    payable_accounts_over: int
    receivable_over: WeiText = Field(description="Of the accounts that are delinquent")
    receivable_over_masq: Masq
    receivable_accounts_over: int
    payable_charged: WeiText = Field(description="For all time")
    payable_charged_masq: Masq
    receivable_charged: WeiText = Field(description="For all time")
    receivable_charged_masq: Masq
    payable_since: datetime | None = Field(description="The oldest unpaid charge")
    receivable_since: datetime | None = Field(description="The oldest unpaid charge")

    @classmethod
    def of(cls, summary: LedgerSummary) -> "SummaryView":
        """Show the totals."""
        return cls(
            payable=summary.payable,
            payable_masq=masq(summary.payable),
            payable_accounts=summary.payable_accounts,
            receivable=summary.receivable,
            receivable_masq=masq(summary.receivable),
            receivable_accounts=summary.receivable_accounts,
            transactions=summary.transactions,
            usage_events=summary.usage_events,
            payable_over=summary.payable_over,
            payable_over_masq=masq(summary.payable_over),
            payable_accounts_over=summary.payable_accounts_over,
            receivable_over=summary.receivable_over,
            receivable_over_masq=masq(summary.receivable_over),
            receivable_accounts_over=summary.receivable_accounts_over,
            payable_charged=summary.payable_charged,
            payable_charged_masq=masq(summary.payable_charged),
            receivable_charged=summary.receivable_charged,
            receivable_charged_masq=masq(summary.receivable_charged),
            payable_since=_moment(summary.payable_since),
            receivable_since=_moment(summary.receivable_since),
        )


def _moment(at: int | None) -> datetime | None:
    return None if at is None else moment(at)


class CheckpointView(BaseModel):
    """The books at one moment, signed by the node's identity key."""

    number: int = Field(description="The last transaction that it covers")
    at: datetime
    hash: str = Field(description="Of that transaction, hexadecimal")
    balances: str = Field(description="Digest of how all accounts stood, hexadecimal")
    signature: str = Field(description="Ed25519, hexadecimal")

    @classmethod
    def of(cls, checkpoint: LedgerCheckpoint) -> "CheckpointView":
        """Show a checkpoint."""
        return cls(
            number=checkpoint.number,
            at=moment(checkpoint.at),
            hash=checkpoint.hash.hex(),
            balances=checkpoint.balances.hex(),
            signature=checkpoint.signature.hex(),
        )


class Checkpoints(BaseModel):
    """One page of them, the newest first."""

    items: list[CheckpointView]
    next: str | None = Field(description="Send as `cursor` for the next page; null: the last")


class VerificationView(BaseModel):
    """Whether the books are what was written."""

    is_running: bool
    is_read_only: bool = Field(description="A row is not what was written; nothing is booked")
    row: str | None = Field(description="The first such row", examples=["ledger_entry 12/0"])
    reason: str | None = Field(examples=["is not what was written there"])
    transactions: int = Field(description="Booked so far")
    verified: int = Field(description="Read again by the verification that runs, or ran last")
    finished_at: datetime | None = Field(description="null: none since the accountant started")
    checkpoint: int = Field(description="The last transaction that the node has signed; 0: none")

    @classmethod
    def of(cls, state: VerificationState) -> "VerificationView":
        """Show what is known."""
        return cls(
            is_running=state.is_running,
            is_read_only=state.is_read_only,
            row=state.row or None,
            reason=state.reason or None,
            transactions=state.transactions,
            verified=state.verified,
            finished_at=None if state.finished_at is None else moment(state.finished_at),
            checkpoint=state.checkpoint,
        )


class BackupView(BaseModel):
    """A copy of the books, made while they are in use, and verified."""

    is_running: bool
    folder: str | None = Field(
        description="On the accountant's machine; with ledger.db and ledger.anchor",
        examples=["/home/masq/.masq/backups/20270115T080000Z"],
    )
    transactions: int = Field(description="In the copy")
    problem: str | None = Field(description="Why there is no copy")
    finished_at: datetime | None = Field(description="null: none since the accountant started")

    @classmethod
    def of(cls, state: BackupState) -> "BackupView":
        """Show it."""
        return cls(
            is_running=state.is_running,
            folder=state.folder or None,
            transactions=state.transactions,
            problem=state.problem or None,
            finished_at=None if state.finished_at is None else moment(state.finished_at),
        )


class ScanView(BaseModel):
    """What a scan of the receivables did."""

    at: datetime
    accounts: int
    banned: int
    unbanned: int
    took_ms: float

    @classmethod
    def of(cls, done: ScanDone) -> "ScanView":
        """Show it."""
        return cls(
            at=moment(done.at),
            accounts=done.accounts,
            banned=done.banned,
            unbanned=done.unbanned,
            took_ms=done.took_ms,
        )

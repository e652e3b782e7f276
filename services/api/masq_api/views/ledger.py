"""The books."""

from datetime import datetime

from pydantic import BaseModel, Field

from masq_api.views.values import Masq, WalletText, WeiText, masq, moment
from masq_kernel.bus.messages.accountant import AccountState, LedgerEntry, LedgerSummary

__all__ = ["AccountView", "Accounts", "Entries", "EntryView", "SummaryView"]


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
        )


class Accounts(BaseModel):
    """One page of a book, largest balance first."""

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
        )

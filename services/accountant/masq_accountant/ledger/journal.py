"""Accounts, entries, transactions and the chain that joins them (accounting.md section 2). Pure.

A transaction is a set of entries that sum to zero. Balances are sums of entries. Each transaction
carries the SHA-256 of the one before it, so that a changed, removed or reordered one is found.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from masq_accountant.errors import UnbalancedTransaction
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.units import ByteCount, UnixSeconds, Wei

__all__ = [
    "FIRST_HASH",
    "Account",
    "Books",
    "Entry",
    "Kind",
    "Posting",
    "Standing",
    "Transaction",
    "verify",
]

FIRST_HASH = bytes(32)
"""What stands before the first transaction."""

_AMOUNT_SIZE = 40
"""Bytes of an amount in the hashed form: 2**256 and far beyond, with its sign."""


class Kind(StrEnum):
    """What an account counts. A positive balance of a payable is owed by us (credit)."""

    PAYABLE = "payable"
    RECEIVABLE = "receivable"
    EXPENSE_ROUTING = "expense:routing"
    EXPENSE_EXIT = "expense:exit"
    INCOME_ROUTING = "income:routing"
    INCOME_EXIT = "income:exit"


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """One account of the books.

    Args:
        kind: what it counts.
        wallet: whose payable or receivable it is; None for the others.
    """

    kind: Kind
    wallet: WalletAddress | None = None

    def to_bytes(self) -> bytes:
        """Return its canonical bytes, for hashing."""
        return self.kind.encode("ascii") + b"\0" + (self.wallet.raw if self.wallet else b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a transaction.

    Args:
        account: where.
        amount: wei, debit positive, credit negative.
        packages: DATA packages behind it; 0 for money without traffic.
        size: their bytes.
    """

    account: Account
    amount: Wei
    packages: int = 0
    size: ByteCount = ByteCount(0)

    def to_bytes(self) -> bytes:
        """Return its canonical bytes, for hashing."""
        account = self.account.to_bytes()
        return b"".join(
            (
                len(account).to_bytes(2, "big"),
                account,
                self.amount.to_bytes(_AMOUNT_SIZE, "big", signed=True),
                self.packages.to_bytes(8, "big"),
                self.size.to_bytes(16, "big"),
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """Entries that cancel, in their place in the chain.

    Args:
        number: 1 for the first, then one more each.
        at: when it was booked.
        cause: what it is for; the store refuses to keep one twice.
        entries: at least two, summing to zero, one for each account.
        previous: the hash of the transaction before it.

    Raises:
        UnbalancedTransaction: the entries do not cancel.
    """

    number: int
    at: UnixSeconds
    cause: str
    entries: tuple[Entry, ...]
    previous: bytes

    def __post_init__(self) -> None:
        if sum(entry.amount for entry in self.entries) != 0:
            raise UnbalancedTransaction("the entries do not sum to zero")
        if len({entry.account for entry in self.entries}) != len(self.entries):
            raise UnbalancedTransaction("an account stands twice in one transaction")

    @property
    def hash(self) -> bytes:
        """SHA-256 over the canonical bytes, 32 bytes."""
        cause = self.cause.encode("utf-8")
        digest = hashlib.sha256(b"masq/1/ledger-transaction\0" + self.previous)
        digest.update(self.number.to_bytes(8, "big") + self.at.to_bytes(8, "big"))
        digest.update(len(cause).to_bytes(4, "big") + cause)
        digest.update(len(self.entries).to_bytes(4, "big"))
        for entry in self.entries:
            digest.update(entry.to_bytes())
        return digest.digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one account stands: the sum of its entries.

    Args:
        balance: wei, debit positive.
        packages, size: DATA packages and bytes behind it, for all time.
        open_since: when the balance last left zero; None while it is zero.
        updated_at: its newest entry.
    """

    balance: Wei = Wei(0)
    packages: int = 0
    size: ByteCount = ByteCount(0)
    open_since: UnixSeconds | None = None
    updated_at: UnixSeconds = UnixSeconds(0)

    def plus(self, entry: Entry, at: UnixSeconds) -> "Standing":
        """Return the standing with one more entry."""
        balance = Wei(self.balance + entry.amount)
        open_since = at if self.open_since is None else self.open_since
        return Standing(
            balance=balance,
            packages=self.packages + entry.packages,
            size=ByteCount(self.size + entry.size),
            open_since=open_since if balance else None,
            updated_at=at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """A transaction and how its accounts stand afterwards; nothing has changed yet.

    Args:
        transaction: in its place in the chain.
        standings: of the accounts it touches.
    """

    transaction: Transaction
    standings: dict[Account, Standing]


@dataclass(slots=True)
class Books:
    """The state that all transactions so far add up to.

    A posting is drafted, stored, and only then applied: what the store could not keep never
    happened. That each cause is booked once is the store's business, which remembers them all.
    """

    standings: dict[Account, Standing] = field(default_factory=dict)
    count: int = 0
    last_hash: bytes = FIRST_HASH

    @property
    def balances(self) -> dict[Account, Wei]:
        """The balance of every account."""
        return {account: standing.balance for account, standing in self.standings.items()}

    def draft(self, cause: str, entries: Iterable[Entry], at: UnixSeconds) -> Posting:
        """Return the next transaction.

        Raises:
            UnbalancedTransaction: the entries do not cancel.
        """
        transaction = Transaction(
            number=self.count + 1,
            at=at,
            cause=cause,
            entries=tuple(sorted(entries, key=lambda entry: entry.account.to_bytes())),
            previous=self.last_hash,
        )
        standings = {
            entry.account: self.standings.get(entry.account, Standing()).plus(entry, at)
            for entry in transaction.entries
        }
        return Posting(transaction=transaction, standings=standings)

    def apply(self, posting: Posting) -> None:
        """Take a posting that is stored."""
        assert posting.transaction.number == self.count + 1
        self.standings.update(posting.standings)
        self.count += 1
        self.last_hash = posting.transaction.hash

    def book(self, cause: str, entries: Iterable[Entry], at: UnixSeconds) -> Transaction:
        """Draft and apply at once, for books that are kept nowhere else.

        Raises:
            UnbalancedTransaction: the entries do not cancel; nothing has changed.
        """
        posting = self.draft(cause, entries, at)
        self.apply(posting)
        return posting.transaction

    def owed_to(self, wallet: WalletAddress) -> Wei:
        """Return what we owe this wallet; a payable grows by credit."""
        return Wei(-self._balance(Account(Kind.PAYABLE, wallet)))

    def owed_by(self, wallet: WalletAddress) -> Wei:
        """Return what this wallet owes us; a receivable grows by debit."""
        return self._balance(Account(Kind.RECEIVABLE, wallet))

    def _balance(self, account: Account) -> Wei:
        return self.standings.get(account, Standing()).balance


def verify(
    transactions: Iterable[Transaction], balances: Mapping[Account, Wei] | None = None
) -> int | None:
    """Return the number of the first transaction that is not in its place; None when all are.

    Args:
        transactions: all of them, in order, as they were stored.
        balances: the stored balances; when they are not the sums, the answer is the number after
            the last transaction.
    """
    expected, previous = 1, FIRST_HASH
    sums: dict[Account, int] = {}
    for transaction in transactions:
        if transaction.number != expected or transaction.previous != previous:
            return expected
        for entry in transaction.entries:
            sums[entry.account] = sums.get(entry.account, 0) + entry.amount
        expected, previous = expected + 1, transaction.hash
    if balances is not None and sums != dict(balances):
        return expected
    return None

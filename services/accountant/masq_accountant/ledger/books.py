"""The state that all transactions add up to (accounting.md section 2). Pure.

A posting is drafted, stored, and only then applied: what the store could not keep never happened.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from masq_accountant.ledger.journal import (
    FIRST_HASH,
    Account,
    Entry,
    Kind,
    Transaction,
    transaction_hash,
)
from masq_accountant.ledger.numbers import NumberReader, number_bytes
from masq_accountant.ledger.unpaid import NOTHING, Unpaid
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.units import ByteCount, UnixSeconds, Wei

__all__ = ["Books", "Posting", "Standing"]


@dataclass(frozen=True, slots=True)
class Standing:
    """How one account stands: the sum of its entries.

    Args:
        balance: wei, debit positive.
        packages, size: DATA packages and bytes behind it, for all time.
        charged: wei that ever raised the debt of a payable or a receivable.
        unpaid: since when it owes.
        updated_at: its newest entry.
    """

    balance: Wei = Wei(0)
    packages: int = 0
    size: ByteCount = ByteCount(0)
    charged: Wei = Wei(0)
    unpaid: Unpaid = NOTHING
    updated_at: UnixSeconds = UnixSeconds(0)

    @property
    def open_since(self) -> UnixSeconds | None:
        """When the oldest unpaid charge was made; None while nothing is owed."""
        return self.unpaid.since

    @property
    def received(self) -> Wei:
        """What was ever paid to a receivable."""
        return Wei(self.charged - self.balance)

    def age_s(self, now: UnixSeconds) -> int:
        """Return for how long the oldest charge has been unpaid; 0 when nothing is owed."""
        since = self.unpaid.since
        return 0 if since is None else max(0, now - since)

    def plus(self, entry: Entry, at: UnixSeconds) -> "Standing":
        """Return the standing with one more entry."""
        sign = entry.account.kind.debt_sign
        balance = Wei(self.balance + entry.amount)
        charged, unpaid = self.charged, self.unpaid
        if sign:
            change, debt = entry.amount * sign, balance * sign
            if change > 0:
                unpaid = unpaid.charged(at, charged) if debt > 0 else unpaid
                charged = Wei(charged + change)
            else:
                unpaid = unpaid.settled(Wei(charged - debt)) if debt > 0 else NOTHING
        return Standing(
            balance,
            self.packages + entry.packages,
            ByteCount(self.size + entry.size),
            charged,
            unpaid,
            at,
        )

    def to_bytes(self) -> bytes:
        """Return it for a cell."""
        numbers = (self.balance, self.packages, self.size, self.charged, self.updated_at)
        return b"".join(map(number_bytes, numbers)) + self.unpaid.to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Standing":
        """Read a cell.

        Raises:
            ValueError: it is not one.
        """
        reader = NumberReader(data)
        balance, packages, size = reader.next(), reader.next(), reader.next()
        charged, updated_at = reader.next(), reader.next()
        return cls(
            Wei(balance),
            packages,
            ByteCount(size),
            Wei(charged),
            Unpaid.read(reader),
            UnixSeconds(updated_at),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """A transaction and how its accounts stand afterwards; nothing has changed yet.

    Args:
        transaction: in its place in the chain.
        lines: the canonical bytes of its entries.
        hash: of the transaction.
        standings: of the accounts it touches.
    """

    transaction: Transaction
    lines: tuple[bytes, ...]
    hash: bytes
    standings: dict[Account, Standing]


@dataclass(slots=True)
class Books:
    """All accounts, and where the chain ends.

    That each cause is booked once is the store's business, which remembers them all.
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
        written = sorted(((entry.to_bytes(), entry) for entry in entries), key=lambda pair: pair[0])
        lines = tuple(line for line, _ in written)
        transaction = Transaction(
            number=self.count + 1,
            at=at,
            cause=cause,
            entries=tuple(entry for _, entry in written),
            previous=self.last_hash,
        )
        digest = transaction_hash(
            number=transaction.number,
            at=at,
            cause=cause,
            entries=lines,
            previous=self.last_hash,
        )
        none = Standing()
        standings = {
            entry.account: self.standings.get(entry.account, none).plus(entry, at)
            for entry in transaction.entries
        }
        return Posting(transaction=transaction, lines=lines, hash=digest, standings=standings)

    def apply(self, posting: Posting) -> None:
        """Take a posting that is stored."""
        assert posting.transaction.number == self.count + 1
        self.standings.update(posting.standings)
        self.count += 1
        self.last_hash = posting.hash

    def book(self, cause: str, entries: Iterable[Entry], at: UnixSeconds) -> Posting:
        """Draft and apply at once, for books that are kept nowhere else.

        Raises:
            UnbalancedTransaction: the entries do not cancel; nothing has changed.
        """
        posting = self.draft(cause, entries, at)
        self.apply(posting)
        return posting

    def owed_to(self, wallet: WalletAddress) -> Wei:
        """Return what we owe this wallet; a payable grows by credit."""
        return Wei(-self._balance(Account(Kind.PAYABLE, wallet)))

    def owed_by(self, wallet: WalletAddress) -> Wei:
        """Return what this wallet owes us; a receivable grows by debit."""
        return self._balance(Account(Kind.RECEIVABLE, wallet))

    def _balance(self, account: Account) -> Wei:
        return self.standings.get(account, Standing()).balance

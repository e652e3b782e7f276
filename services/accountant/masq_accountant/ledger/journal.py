"""Accounts, entries, transactions and the chain that joins them (accounting.md section 2). Pure.

A transaction is a set of entries that sum to zero. Balances are sums of entries. Each transaction
carries the SHA-256 of the one before it, so that a changed, removed or reordered one is found.

    entry    account length (1 byte)  account  amount  packages  size       (numbers.py)
    hash     SHA-256(context, previous, number, at, cause, entries)
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from masq_accountant.errors import UnbalancedTransaction
from masq_accountant.ledger.numbers import NumberReader, number_bytes
from masq_kernel.identity.keys import WALLET_ADDRESS_SIZE, NodeId, WalletAddress
from masq_kernel.units import ByteCount, UnixSeconds, Wei

__all__ = ["FIRST_HASH", "Account", "Entry", "Kind", "Transaction", "transaction_hash"]

FIRST_HASH = bytes(32)
"""What stands before the first transaction."""


class Kind(StrEnum):
    """What an account counts."""

    PAYABLE = "payable"
    RECEIVABLE = "receivable"
    EXPENSE_ROUTING = "expense:routing"
    EXPENSE_EXIT = "expense:exit"
    INCOME_ROUTING = "income:routing"
    INCOME_EXIT = "income:exit"
    OWED_TO_NODE = "owed-to-node"  # memorandum: which node a payable is for (docs/adr/0021)
    OWED_TO_NODES = "owed-to-nodes"  # and the other side of that
    TOKENS_SPENT = "tokens:spent"
    TOKENS_RECEIVED = "tokens:received"
    SUSPENSE = "suspense"  # received from a wallet that never owed us anything
    IN_FLIGHT = "in-flight"  # memorandum: what payments under way will pay of a payable
    IN_FLIGHTS = "in-flights"  # and the other side of that

    @property
    def debt_sign(self) -> int:
        """1 where a debt is a debit, -1 where it is a credit, 0 where there are no debts."""
        return _DEBT_SIGNS.get(self, 0)


_DEBT_SIGNS = {Kind.RECEIVABLE: 1, Kind.PAYABLE: -1, Kind.OWED_TO_NODE: -1}


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """One account of the books.

    Args:
        kind: what it counts.
        wallet: whose payable or receivable it is; None for the others.
        node: for OWED_TO_NODE, which one earns with that wallet.
    """

    kind: Kind
    wallet: WalletAddress | None = None
    node: NodeId | None = None

    def to_bytes(self) -> bytes:
        """Return its canonical bytes."""
        wallet = self.wallet.raw if self.wallet else b""
        node = self.node.raw if self.node else b""
        return self.kind.encode("ascii") + b"\0" + wallet + node

    @classmethod
    def from_bytes(cls, data: bytes) -> "Account":
        """Read canonical bytes.

        Raises:
            ValueError: they are none.
        """
        kind, _, names = data.partition(b"\0")
        wallet, node = names[:WALLET_ADDRESS_SIZE], names[WALLET_ADDRESS_SIZE:]
        return cls(
            Kind(kind.decode("ascii")),
            WalletAddress(wallet) if wallet else None,
            NodeId(node) if node else None,
        )


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
        """Return its canonical bytes."""
        account = self.account.to_bytes()
        return b"".join(
            (
                len(account).to_bytes(1, "big"),
                account,
                number_bytes(self.amount),
                number_bytes(self.packages),
                number_bytes(self.size),
            )
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> "Entry":
        """Read canonical bytes.

        Raises:
            ValueError: they are none.
        """
        end = data[0] + 1
        reader = NumberReader(data, end)
        account = Account.from_bytes(data[1:end])
        amount, packages, size = reader.next(), reader.next(), reader.next()
        return cls(account=account, amount=Wei(amount), packages=packages, size=ByteCount(size))


def transaction_hash(
    *, number: int, at: UnixSeconds, cause: str, entries: Sequence[bytes], previous: bytes
) -> bytes:
    """Return what the next transaction carries, 32 bytes; `entries` are canonical bytes."""
    text = cause.encode("utf-8")
    parts = [
        b"masq/1/ledger-transaction\0",
        previous,
        number_bytes(number),
        number_bytes(at),
        number_bytes(len(text)),
        text,
        number_bytes(len(entries)),
        *entries,
    ]
    return hashlib.sha256(b"".join(parts)).digest()


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

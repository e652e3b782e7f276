"""Walk the chain and add it up again (accounting.md section 2). Pure.

Walk.take(head, lines)  for each transaction  ->  None, or a Fault that names the first bad row
balances_digest(sums)   what a checkpoint signs of all balances
Checkpoint              chain and balances at one transaction, signed by the node
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from masq_accountant.ledger.journal import FIRST_HASH, transaction_hash
from masq_accountant.ledger.numbers import NumberReader, number_bytes
from masq_kernel.chains import Chain
from masq_kernel.identity.keys import IdentityKey, NodeId
from masq_kernel.units import UnixSeconds

__all__ = ["Checkpoint", "Fault", "Head", "Walk", "balances_digest"]


@dataclass(frozen=True, slots=True)
class Fault:
    """The first row that is not what was written.

    Args:
        row: its table and key.
        reason: what is wrong with it.
    """

    row: str
    reason: str

    def __str__(self) -> str:
        return f"{self.row}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Head:
    """A transaction as it is stored, without its entries."""

    number: int
    at: UnixSeconds
    cause: str
    previous: bytes
    hash: bytes


@dataclass(slots=True)
class Walk:
    """Where a verification has come.

    Args:
        number: the last transaction that was in its place.
        hash: its hash.
        sums: wei by account (canonical bytes), of all that was walked.
    """

    number: int = 0
    hash: bytes = FIRST_HASH
    sums: dict[bytes, int] = field(default_factory=dict)

    def take(self, head: Head, lines: Sequence[bytes]) -> Fault | None:
        """Check the next transaction; nothing changes if it has a fault."""
        if head.number != self.number + 1:
            return Fault(f"ledger_transaction {self.number + 1}", "is missing")
        row = f"ledger_transaction {head.number}"
        if head.previous != self.hash:
            return Fault(row, "does not follow the one before it")
        found = transaction_hash(
            number=head.number,
            at=head.at,
            cause=head.cause,
            entries=lines,
            previous=head.previous,
        )
        if found != head.hash:
            return Fault(row, "is not what was hashed, or an entry of it is missing")
        total, sums = 0, self.sums
        for line in lines:
            end = line[0] + 1
            account, amount = line[1:end], NumberReader(line, end).next()
            total += amount
            sums[account] = sums.get(account, 0) + amount
        self.number, self.hash = head.number, head.hash
        return None if total == 0 else Fault(row, "does not sum to zero")


def balances_digest(balances: Mapping[bytes, int]) -> bytes:
    """Return SHA-256 over all balances that are not zero, by account (canonical bytes)."""
    digest = hashlib.sha256(b"masq/1/ledger-balances\0")
    for account in sorted(balances):
        if balances[account]:
            digest.update(len(account).to_bytes(1, "big") + account)
            digest.update(number_bytes(balances[account]))
    return digest.digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The books at one moment.

    Args:
        number: the last transaction it covers.
        at: when it was made.
        hash: of that transaction.
        balances: `balances_digest` after it.
        signature: by the node's identity key.
    """

    number: int
    at: UnixSeconds
    hash: bytes
    balances: bytes
    signature: bytes = b""

    def to_bytes(self, chain: Chain) -> bytes:
        """Return what is signed."""
        numbers = number_bytes(self.number) + number_bytes(self.at)
        return chain.context("ledger-checkpoint") + numbers + self.hash + self.balances

    def signed(self, identity: IdentityKey, chain: Chain) -> "Checkpoint":
        """Return it with this node's signature."""
        return replace(self, signature=identity.sign(self.to_bytes(chain)))

    def is_by(self, node_id: NodeId, chain: Chain) -> bool:
        """Whether this node signed it as it stands."""
        return node_id.verify(self.signature, self.to_bytes(chain))

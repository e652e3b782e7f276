"""The books: double entry, append-only, hash-chained, and who may not owe more. Pure."""

from masq_accountant.ledger.audit import Checkpoint, Fault, Head, Walk, balances_digest
from masq_accountant.ledger.books import Books, Posting, Standing
from masq_accountant.ledger.journal import Account, Entry, Kind, Transaction
from masq_accountant.ledger.usage import entries_for

__all__ = [
    "Account",
    "Books",
    "Checkpoint",
    "Entry",
    "Fault",
    "Head",
    "Kind",
    "Posting",
    "Standing",
    "Transaction",
    "Walk",
    "balances_digest",
    "entries_for",
]

"""The books: double entry, append-only, hash-chained. Pure."""

from masq_accountant.ledger.journal import (
    Account,
    Books,
    Entry,
    Kind,
    Posting,
    Standing,
    Transaction,
    verify,
)
from masq_accountant.ledger.usage import entries_for

__all__ = [
    "Account",
    "Books",
    "Entry",
    "Kind",
    "Posting",
    "Standing",
    "Transaction",
    "entries_for",
    "verify",
]

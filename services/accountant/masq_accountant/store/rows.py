"""Between the pure books and their tables. Pure."""

from collections.abc import Iterable, Sequence

from masq_accountant.ledger import Account, Entry, Kind, Posting, Standing, Transaction
from masq_accountant.store.tables import NO_WALLET, AccountRow, EntryRow, TransactionRow
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.units import ByteCount, UnixSeconds, Wei

__all__ = ["account_of", "read_standing", "read_transaction", "rows_of", "wallet_bytes"]


def wallet_bytes(account: Account) -> bytes:
    """Return how an account's wallet is stored."""
    return account.wallet.raw if account.wallet else NO_WALLET


def account_of(kind: str, wallet: bytes) -> Account:
    """Return the account of a row."""
    return Account(Kind(kind), WalletAddress(wallet) if wallet else None)


def rows_of(posting: Posting) -> tuple[TransactionRow, list[EntryRow], list[AccountRow]]:
    """Return everything that storing a posting writes."""
    transaction = posting.transaction
    head = TransactionRow(
        number=transaction.number,
        at=transaction.at,
        cause=transaction.cause,
        previous=transaction.previous,
        hash=transaction.hash,
    )
    entries = [
        EntryRow(
            transaction_number=transaction.number,
            position=position,
            kind=entry.account.kind,
            wallet=wallet_bytes(entry.account),
            amount=entry.amount,
            packages=entry.packages,
            size=entry.size,
        )
        for position, entry in enumerate(transaction.entries)
    ]
    return head, entries, [_account_row(*item) for item in posting.standings.items()]


def _account_row(account: Account, standing: Standing) -> AccountRow:
    return AccountRow(
        kind=account.kind,
        wallet=wallet_bytes(account),
        balance=standing.balance,
        packages=standing.packages,
        size=standing.size,
        open_since=standing.open_since,
        updated_at=standing.updated_at,
    )


def read_standing(row: AccountRow) -> Standing:
    """Return how an account stood when it was last stored."""
    return Standing(
        balance=Wei(row.balance),
        packages=row.packages,
        size=ByteCount(row.size),
        open_since=None if row.open_since is None else UnixSeconds(row.open_since),
        updated_at=UnixSeconds(row.updated_at),
    )


def read_transaction(head: TransactionRow, entries: Iterable[EntryRow]) -> Transaction:
    """Return a stored transaction.

    Raises:
        UnbalancedTransaction: its entries were changed.
    """
    ordered: Sequence[EntryRow] = sorted(entries, key=lambda row: row.position)
    return Transaction(
        number=head.number,
        at=UnixSeconds(head.at),
        cause=head.cause,
        entries=tuple(
            Entry(
                account=account_of(row.kind, row.wallet),
                amount=Wei(row.amount),
                packages=row.packages,
                size=ByteCount(row.size),
            )
            for row in ordered
        ),
        previous=head.previous,
    )

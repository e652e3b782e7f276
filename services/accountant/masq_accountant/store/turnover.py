"""What was earned and spent in a period, read from the entries a page at a time."""

from dataclasses import dataclass

from sqlalchemy import select

from masq_accountant.ledger import Account, Entry, Kind
from masq_accountant.store.ledger import Ledger
from masq_accountant.store.rows import open_entry
from masq_accountant.store.tables import ENTRIES, TRANSACTIONS
from masq_kernel.units import UnixSeconds

__all__ = ["KINDS", "PAGE", "Sum", "turnover"]

PAGE = 20_000
"""Entries opened for one answer: a tenth of a second."""

KINDS = (Kind.INCOME_ROUTING, Kind.INCOME_EXIT, Kind.EXPENSE_ROUTING, Kind.EXPENSE_EXIT)


@dataclass(slots=True)
class Sum:
    """Of one kind of income or expense: wei, debit positive; DATA packages and bytes."""

    amount: int = 0
    packages: int = 0
    size: int = 0


async def turnover(
    ledger: Ledger, begin: UnixSeconds, end: UnixSeconds, *, after: int
) -> tuple[dict[Kind, Sum], int | None]:
    """Add up a page of what was booked from `begin` on and before `end`.

    Args:
        ledger: the books.
        begin: when the period begins.
        end: and when it is over.
        after: the last transaction of the page before; 0 for the first page.

    Returns:
        The sums, and `after` for the next page; None: this was the last.

    Raises:
        SealBroken: an entry was changed.
    """
    kinds = {
        number: kind for kind in KINDS if (number := ledger.number_of(Account(kind))) is not None
    }
    query = (
        select(*ENTRIES.c)
        .join_from(ENTRIES, TRANSACTIONS)
        .where(
            ENTRIES.c.account_id.in_(kinds),
            ENTRIES.c.transaction_number > after,
            TRANSACTIONS.c.at >= begin,
            TRANSACTIONS.c.at < end,
        )
        .order_by(ENTRIES.c.transaction_number, ENTRIES.c.position)
        .limit(PAGE)
    )
    async with ledger.engine.connect() as connection:
        rows = (await connection.execute(query)).all()
    if len(rows) == PAGE:  # a transaction is on one page only
        last = rows[-1].transaction_number
        rows = [row for row in rows if row.transaction_number < last]
    sums = {kind: Sum() for kind in KINDS}
    for row in rows:
        line = open_entry(
            ledger.keys.vault,
            number=row.transaction_number,
            position=row.position,
            account_id=row.account_id,
            sealed=row.sealed,
        )
        entry, found = Entry.from_bytes(line), sums[kinds[row.account_id]]
        found.amount += entry.amount
        found.packages += entry.packages
        found.size += entry.size
    is_whole = len(rows) < PAGE - len(KINDS)
    return sums, None if is_whole else rows[-1].transaction_number

"""Between the pure books and their rows: what is sealed, and what each cell is bound to.

An entry's cell is bound to its transaction, position and account; an account's to its id, its name
and the transaction that wrote it.
"""

from typing import Any

from masq_accountant.errors import SealBroken
from masq_accountant.ledger import Account, Posting, Standing
from masq_accountant.store.vault import SealedBytes, Vault, place

__all__ = ["account_row", "entry_rows", "open_account", "open_entry", "transaction_row"]


def transaction_row(posting: Posting) -> dict[str, Any]:
    """Return the row of a posting's transaction."""
    transaction = posting.transaction
    return {
        "number": transaction.number,
        "at": transaction.at,
        "cause": transaction.cause,
        "previous": transaction.previous,
        "hash": posting.hash,
    }


def entry_rows(posting: Posting, ids: dict[Account, int], vault: Vault) -> list[dict[str, Any]]:
    """Return the rows of a posting's entries, in the order that was hashed."""
    number = posting.transaction.number
    rows = []
    for position, entry in enumerate(posting.transaction.entries):
        account_id = ids[entry.account]
        where = place("ledger_entry", number, position, account_id)
        sealed = vault.seal(where, number, posting.lines[position])
        rows.append(
            {
                "transaction_number": number,
                "position": position,
                "account_id": account_id,
                "sealed": sealed,
            }
        )
    return rows


def open_entry(
    vault: Vault, *, number: int, position: int, account_id: int, sealed: bytes
) -> bytes:
    """Return an entry's canonical bytes.

    Raises:
        SealBroken: it is not what was written there.
    """
    return vault.open(place("ledger_entry", number, position, account_id), number, sealed)


def account_row(
    account_id: int, name: SealedBytes, standing: Standing, number: int, vault: Vault
) -> dict[str, Any]:
    """Return how an account stands after transaction `number`, as a row."""
    where = place("ledger_account", account_id, name, number)
    sealed = vault.seal(where, number, standing.to_bytes())
    return {"id": account_id, "name": name, "as_of": number, "sealed": sealed}


def open_account(row: Any, vault: Vault) -> tuple[Account, Standing]:
    """Return the account of a row and how it stood.

    Raises:
        SealBroken: it is not what was written there.
    """
    where = place("ledger_account", row.id, row.name, row.as_of)
    try:
        account = Account.from_bytes(vault.read_name(row.name))
        standing = Standing.from_bytes(vault.open(where, row.as_of, row.sealed))
    except ValueError:
        raise SealBroken from None
    return account, standing

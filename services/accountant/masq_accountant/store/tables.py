"""The tables of the books (accounting.md section 2).

Amounts are decimal text: exact at any size on every engine. Working balances live in memory, so
nothing is ever sorted or summed by amount in SQL.
"""

from typing import Any

from sqlalchemy import BigInteger, Dialect, Index, LargeBinary, String
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

__all__ = [
    "NO_WALLET",
    "AccountRow",
    "EntryRow",
    "RefusedUsageRow",
    "TransactionRow",
    "WeiText",
]

NO_WALLET = b""
"""Stands for the wallet of accounts that have none: part of a primary key, so never NULL."""

AMOUNT_DIGITS_MAX = 96


class WeiText(TypeDecorator[int]):
    """An integer of any size as decimal text."""

    impl = String(AMOUNT_DIGITS_MAX)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Return the text that is stored."""
        return None if value is None else str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Return the number that was stored."""
        return None if value is None else int(value)


class TransactionRow(SQLModel, table=True):
    """One transaction in its place in the chain."""

    __tablename__ = "ledger_transaction"

    number: int = Field(primary_key=True, sa_type=BigInteger)
    at: int = Field(sa_type=BigInteger)
    cause: str = Field(unique=True, max_length=200)
    previous: bytes = Field(sa_type=LargeBinary)
    hash: bytes = Field(sa_type=LargeBinary)


class EntryRow(SQLModel, table=True):
    """One entry of a transaction; `position` keeps the order that was hashed."""

    __tablename__ = "ledger_entry"
    __table_args__ = (Index("ledger_entry_by_account", "kind", "wallet", "transaction_number"),)

    transaction_number: int = Field(
        primary_key=True, foreign_key="ledger_transaction.number", sa_type=BigInteger
    )
    position: int = Field(primary_key=True)
    kind: str = Field(max_length=32)
    wallet: bytes = Field(sa_type=LargeBinary)
    amount: int = Field(sa_type=WeiText)
    packages: int = Field(sa_type=BigInteger)
    size: int = Field(sa_type=BigInteger)


class AccountRow(SQLModel, table=True):
    """How an account stands: the sum of its entries, kept beside them and checked against them."""

    __tablename__ = "ledger_account"

    kind: str = Field(primary_key=True, max_length=32)
    wallet: bytes = Field(primary_key=True, sa_type=LargeBinary)
    balance: int = Field(sa_type=WeiText)
    packages: int = Field(sa_type=BigInteger)
    size: int = Field(sa_type=BigInteger)
    open_since: int | None = Field(default=None, sa_type=BigInteger)
    updated_at: int = Field(sa_type=BigInteger)


class RefusedUsageRow(SQLModel, table=True):
    """A usage report that could not be booked, kept so that an operator can look into it."""

    __tablename__ = "refused_usage"

    event_id: str = Field(primary_key=True, max_length=200)
    at: int = Field(sa_type=BigInteger)
    reason: str = Field(max_length=200)

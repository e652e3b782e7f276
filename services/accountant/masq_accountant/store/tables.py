"""The tables of the books (accounting.md section 2).

What says who owes what is sealed (vault.py). A sealed column takes nothing else; sealing itself is
done by whoever knows the row, because a column's type does not (docs/adr/0020). In clear are
numbers, times and causes (an event id). Balances live in memory, so nothing is ever sorted or
summed by amount in SQL.
"""

from typing import Any

from sqlalchemy import BigInteger, Dialect, Index, LargeBinary, String, Table
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

from masq_accountant.store.vault import SealedBytes

__all__ = [
    "ACCOUNTS",
    "CHAIN_MARKS",
    "CHECKPOINTS",
    "DISPUTES",
    "ENTRIES",
    "PAYERS",
    "PAYMENTS",
    "REFUSED",
    "ROLLS",
    "SCAN_INTERVALS",
    "STANCES",
    "THRESHOLDS",
    "TRANSACTIONS",
    "VOUCHERS",
    "Sealed",
]


class Sealed(TypeDecorator[SealedBytes]):
    """Bytes from a vault."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:  # noqa: ARG002
        """Refuse everything that is not sealed."""
        assert value is None or isinstance(value, SealedBytes), "plain bytes in a sealed column"
        return value


class TransactionRow(SQLModel, table=True):
    """One transaction in its place in the chain."""

    __tablename__ = "ledger_transaction"

    number: int = Field(primary_key=True, sa_type=BigInteger)
    at: int = Field(sa_type=BigInteger)
    cause: str = Field(unique=True, max_length=200)
    previous: bytes = Field(sa_type=LargeBinary)
    hash: bytes = Field(sa_type=LargeBinary)


class EntryRow(SQLModel, table=True):
    """One entry of a transaction, in the order that was hashed; `sealed` has all of it."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        Index("ledger_entry_by_account", "account_id", "transaction_number"),
        {"sqlite_with_rowid": False},
    )

    transaction_number: int = Field(
        primary_key=True, foreign_key="ledger_transaction.number", sa_type=BigInteger
    )
    position: int = Field(primary_key=True)
    account_id: int = Field(foreign_key="ledger_account.id", sa_type=BigInteger)
    sealed: bytes = Field(sa_type=Sealed)


class AccountRow(SQLModel, table=True):
    """How an account stands: the sum of its entries, kept beside them and checked against them."""

    __tablename__ = "ledger_account"

    id: int = Field(primary_key=True, sa_type=BigInteger)
    name: bytes = Field(sa_type=Sealed, unique=True)
    as_of: int = Field(sa_type=BigInteger)
    sealed: bytes = Field(sa_type=Sealed)


class CheckpointRow(SQLModel, table=True):
    """The chain and all balances at one transaction, signed by the node."""

    __tablename__ = "ledger_checkpoint"

    number: int = Field(primary_key=True, sa_type=BigInteger)
    at: int = Field(sa_type=BigInteger)
    hash: bytes = Field(sa_type=LargeBinary)
    balances: bytes = Field(sa_type=LargeBinary)
    signature: bytes = Field(sa_type=LargeBinary)


class StanceRow(SQLModel, table=True):
    """What is held against one wallet: `sealed` has causes, times, and who decided."""

    __tablename__ = "wallet_stance"

    name: bytes = Field(sa_type=Sealed, primary_key=True)
    version: int = Field(sa_type=BigInteger)
    sealed: bytes = Field(sa_type=Sealed)


class ThresholdRow(SQLModel, table=True):
    """One change of the thresholds: `sealed` has who, and all values from then on."""

    __tablename__ = "threshold_change"

    number: int = Field(primary_key=True, sa_type=BigInteger)
    at: int = Field(sa_type=BigInteger)
    sealed: bytes = Field(sa_type=Sealed)


class VoucherRow(SQLModel, table=True):
    """The last word of one wallet about what it owes us; `sealed` has the proof."""

    __tablename__ = "voucher"

    name: bytes = Field(sa_type=Sealed, primary_key=True)
    version: int = Field(sa_type=BigInteger)
    sealed: bytes = Field(sa_type=Sealed)


class DisputeRow(SQLModel, table=True):
    """A dispute with one counterparty, the last one; `sealed` has both words."""

    __tablename__ = "dispute"

    name: bytes = Field(sa_type=Sealed, primary_key=True)
    version: int = Field(sa_type=BigInteger)
    sealed: bytes = Field(sa_type=Sealed)


class PaymentRow(SQLModel, table=True):
    """One payment of ours; `sealed` has all of it, the signed transactions too."""

    __tablename__ = "payment"

    name: bytes = Field(sa_type=Sealed, primary_key=True)
    version: int = Field(sa_type=BigInteger)
    sealed: bytes = Field(sa_type=Sealed)


class PayerRow(SQLModel, table=True):
    """Which of our consuming wallets pays one earning wallet."""

    __tablename__ = "payer"

    name: bytes = Field(sa_type=Sealed, primary_key=True)
    version: int = Field(sa_type=BigInteger)
    sealed: bytes = Field(sa_type=Sealed)


class ChainMarkRow(SQLModel, table=True):
    """How far the chain was read for payments to us."""

    __tablename__ = "chain_mark"

    name: bytes = Field(sa_type=Sealed, primary_key=True)
    version: int = Field(sa_type=BigInteger)
    sealed: bytes = Field(sa_type=Sealed)


class ScanIntervalRow(SQLModel, table=True):
    """How often one kind of scan is done, where that was changed at run time."""

    __tablename__ = "scan_interval"

    name: bytes = Field(sa_type=Sealed, primary_key=True)
    version: int = Field(sa_type=BigInteger)
    sealed: bytes = Field(sa_type=Sealed)


class RollRow(SQLModel, table=True):
    """How many rows another table has, and a sum over them, sealed."""

    __tablename__ = "roll"

    name: str = Field(primary_key=True, max_length=40)
    version: int = Field(sa_type=BigInteger)
    sealed: bytes = Field(sa_type=Sealed)


class RefusedUsageRow(SQLModel, table=True):
    """A usage report that could not be booked, kept so that an operator can look into it."""

    __tablename__ = "refused_usage"

    event_id: str = Field(primary_key=True, max_length=200)
    at: int = Field(sa_type=BigInteger)
    reason: str = Field(sa_type=String(200))


def _table(name: str) -> Table:
    return SQLModel.metadata.tables[name]


TRANSACTIONS = _table("ledger_transaction")
ENTRIES = _table("ledger_entry")
ACCOUNTS = _table("ledger_account")
CHECKPOINTS = _table("ledger_checkpoint")
STANCES = _table("wallet_stance")
THRESHOLDS = _table("threshold_change")
REFUSED = _table("refused_usage")
VOUCHERS = _table("voucher")
DISPUTES = _table("dispute")
ROLLS = _table("roll")
SCAN_INTERVALS = _table("scan_interval")
PAYMENTS = _table("payment")
PAYERS = _table("payer")
CHAIN_MARKS = _table("chain_mark")

"""The books: transactions, entries, accounts, refused reports."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_transaction",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("cause", sa.String(200), nullable=False, unique=True),
        sa.Column("previous", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "ledger_entry",
        sa.Column(
            "transaction_number",
            sa.BigInteger,
            sa.ForeignKey("ledger_transaction.number"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("wallet", sa.LargeBinary, nullable=False),
        sa.Column("amount", sa.String(96), nullable=False),
        sa.Column("packages", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
    )
    op.create_index(
        "ledger_entry_by_account", "ledger_entry", ["kind", "wallet", "transaction_number"]
    )
    op.create_table(
        "ledger_account",
        sa.Column("kind", sa.String(32), primary_key=True),
        sa.Column("wallet", sa.LargeBinary, primary_key=True),
        sa.Column("balance", sa.String(96), nullable=False),
        sa.Column("packages", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("open_since", sa.BigInteger, nullable=True),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "refused_usage",
        sa.Column("event_id", sa.String(200), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
    )


def downgrade() -> None:
    for table in ("refused_usage", "ledger_account", "ledger_entry", "ledger_transaction"):
        op.drop_table(table)

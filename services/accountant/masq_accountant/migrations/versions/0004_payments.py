"""Payments, who pays whom, and how far the chain was read."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("payment", "payer", "chain_mark"):
        op.create_table(
            name,
            sa.Column("name", sa.LargeBinary, primary_key=True),
            sa.Column("version", sa.BigInteger, nullable=False),
            sa.Column("sealed", sa.LargeBinary, nullable=False),
        )


def downgrade() -> None:
    raise NotImplementedError("the books only go forward; restore a backup")

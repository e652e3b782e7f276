"""Alembic's entry: the connection is handed in by the accountant (store/engine.py)."""

from alembic import context
from sqlmodel import SQLModel

import masq_accountant.store.tables  # noqa: F401 - the tables register themselves

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()

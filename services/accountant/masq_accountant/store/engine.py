"""The database: opened with settings that keep what was committed, and brought up to date."""

import sqlite3
from importlib.resources import files
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from masq_accountant.store.tables import ACCOUNTS, STANCES, THRESHOLDS
from masq_kernel.errors import OperatorError

__all__ = ["is_empty", "migrate", "open_engine"]

BUSY_MS = 5_000
_REMEDY = "Check its permissions and the disk, or restore it from a backup."


async def open_engine(path: Path) -> AsyncEngine:
    """Return the engine of a ledger file, which is made (0600) if it is missing, or migrated.

    Raises:
        OperatorError: it cannot be used.
    """
    try:
        engine = _sqlite_engine(path)
        async with engine.begin() as connection:
            await connection.run_sync(migrate)
    except OSError as error:
        problem = f"The ledger {path} cannot be opened: {error.strerror or error}."
        raise OperatorError(problem, remedy=_REMEDY) from None
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        problem = f"The ledger {path} cannot be opened: {cause}."
        raise OperatorError(problem, remedy=_REMEDY) from None
    return engine


async def is_empty(engine: AsyncEngine) -> bool:
    """Whether nothing sealed is in this database yet."""
    async with engine.connect() as connection:
        for table in (ACCOUNTS, STANCES, THRESHOLDS):
            if (await connection.execute(select(table).limit(1))).first() is not None:
                return False
    return True


def _sqlite_engine(path: Path) -> AsyncEngine:
    path.touch(mode=0o600)
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
    event.listen(engine.sync_engine, "connect", _set_up_connection)
    return engine


def migrate(connection: Connection) -> None:
    """Bring the tables up to date."""
    config = Config()
    config.set_main_option("script_location", str(files("masq_accountant") / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _set_up_connection(connection: Any, _record: Any) -> None:
    cursor: sqlite3.Cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")  # what was committed survives a power cut
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    cursor.close()

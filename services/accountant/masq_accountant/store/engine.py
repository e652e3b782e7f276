"""The database: opened with settings that keep what was committed, and brought up to date."""

import sqlite3
from importlib.resources import files
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from masq_kernel.errors import OperatorError

__all__ = ["migrate", "open_engine"]

BUSY_MS = 5_000


async def open_engine(path: Path) -> AsyncEngine:
    """Return the engine of a SQLite file, which is made (0600) and migrated as needed.

    Raises:
        OperatorError: the file cannot be used.
    """
    remedy = "Check its permissions and the disk, or restore it from a backup."
    try:
        engine = _sqlite_engine(path)
        async with engine.begin() as connection:
            await connection.run_sync(migrate)
    except OSError as error:
        problem = f"The ledger {path} cannot be opened: {error.strerror}."
        raise OperatorError(problem, remedy=remedy) from None
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        problem = f"The ledger {path} cannot be opened: {cause}."
        raise OperatorError(problem, remedy=remedy) from None
    return engine


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

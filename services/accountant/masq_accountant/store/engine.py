"""The database: opened with settings that keep what was committed, and brought up to date."""

import sqlite3
from importlib.resources import files
from pathlib import Path
from typing import Any

from asyncpg import PostgresError  # type: ignore[import-untyped]
from sqlalchemy import Connection, event, inspect, make_url, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from masq_accountant.migrations import HEAD
from masq_accountant.store.tables import ACCOUNTS, STANCES, THRESHOLDS
from masq_kernel.errors import OperatorError

__all__ = ["is_empty", "migrate", "open_engine"]

BUSY_MS = 5_000


async def open_engine(where: Path | str) -> AsyncEngine:
    """Return the engine of a database, brought up to date.

    Args:
        where: a SQLite file, which is made (0600) if it is missing, or the URL of a PostgreSQL
            database (`postgresql+asyncpg://...`).

    Raises:
        OperatorError: it cannot be used.
    """
    name, remedy = _described(where)
    try:
        engine = _engine(where)
        async with engine.begin() as connection:
            await connection.run_sync(migrate)
    except (OSError, SQLAlchemyError, PostgresError) as error:
        raise OperatorError(f"{name} cannot be opened: {_cause(error)}.", remedy=remedy) from None
    return engine


def _engine(where: Path | str) -> AsyncEngine:
    if isinstance(where, Path):
        return _sqlite_engine(where)
    return create_async_engine(where, pool_pre_ping=True)  # the server may have been restarted


def _described(where: Path | str) -> tuple[str, str]:
    """Return how a database is called in a sentence, and what to do when it cannot be used."""
    if isinstance(where, Path):
        return f"The ledger {where}", "Check its permissions and the disk, or put back a copy."
    remedy = "Check `ledger_url` in the section [accountant], and that the server runs."
    try:
        return f"The ledger {make_url(where).render_as_string(hide_password=True)}", remedy
    except SQLAlchemyError:
        return "The ledger", remedy


def _cause(error: Exception) -> str:
    if isinstance(error, OSError):
        return str(error.strerror or error).rstrip(".")
    return str(getattr(error, "orig", None) or error).rstrip(".")


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
    if _revision(connection) == HEAD:
        return
    # Alembic is loaded when there is something to do: it takes 10 MB and a third of a second.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(files("masq_accountant") / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def _set_up_connection(connection: Any, _record: Any) -> None:
    cursor: sqlite3.Cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")  # what was committed survives a power cut
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    cursor.close()

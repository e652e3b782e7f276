"""Copy the books while they are in use (SQLite's online backup)."""

import asyncio
import os
import sqlite3
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from masq_kernel.errors import OperatorError

__all__ = ["back_up"]

_PAGES = 1_000
"""Copied at once: 4 MB, so that the accountant can write in between."""


async def back_up(engine: AsyncEngine, target: Path) -> None:
    """Copy a SQLite ledger into a new file (0600), complete and consistent when this returns.

    Raises:
        OperatorError: it is there already, cannot be written, or the books are on a server.
    """
    if engine.dialect.name != "sqlite":
        problem = "These books are on a PostgreSQL server."
        raise OperatorError(problem, remedy="Back them up with pg_dump.")
    source = engine.url.database
    assert source is not None
    try:
        await asyncio.to_thread(_copy, Path(source), target)
    except (OSError, sqlite3.Error) as error:
        problem = f"The books cannot be copied to {target}: {error}."
        raise OperatorError(problem, remedy="Check the folder and the disk.") from None


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = target.with_suffix(".part")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    reading, writing = sqlite3.connect(source), sqlite3.connect(partial)
    try:
        reading.backup(writing, pages=_PAGES, sleep=0)
        writing.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
    finally:
        reading.close()
        writing.close()
    _sync(partial)
    partial.rename(target)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

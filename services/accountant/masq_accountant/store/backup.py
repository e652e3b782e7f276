"""Copy books that are in use (SQLite's online backup), and verify the copy.

A copy is a folder with `ledger.db` and `ledger.anchor`: put back together, they are whole books.
"""

import asyncio
import os
import sqlite3
from pathlib import Path

from masq_accountant.store.anchor import Anchor
from masq_accountant.store.engine import open_engine
from masq_accountant.store.ledger import Ledger
from masq_kernel.errors import OperatorError
from masq_kernel.units import UnixSeconds

__all__ = ["ANCHOR_FILE", "LEDGER_FILE", "back_up"]

LEDGER_FILE, ANCHOR_FILE = "ledger.db", "ledger.anchor"

_PAGES = 1_000
"""Copied at once: 4 MB, so that the accountant can write in between."""


async def back_up(ledger: Ledger, folder: Path, at: UnixSeconds) -> int:
    """Make a copy; return how many transactions it has, all of them verified.

    Args:
        ledger: the books.
        folder: a new one.
        at: the time.

    Raises:
        OperatorError: the books are on a server, read-only, or the folder cannot be written.
    """
    source = ledger.engine.url.database
    if ledger.engine.dialect.name != "sqlite" or source is None:
        problem = "These books are on a PostgreSQL server."
        raise OperatorError(problem, remedy="Copy ledger.anchor, then the books with pg_dump.")
    if ledger.fault is not None:
        problem = f"The books are read-only: {ledger.fault}."
        raise OperatorError(problem, remedy="Put back a copy that was made before.")
    await ledger.make_checkpoint(at)
    noted = ledger.anchor.read()  # before the books are copied, which may only be newer than it
    assert noted is not None
    try:
        await asyncio.to_thread(_copy, Path(source), folder)
        copied_anchor = Anchor(folder / ANCHOR_FILE, ledger.keys.vault)
        await asyncio.to_thread(copied_anchor.write, *noted)
    except (OSError, sqlite3.Error) as error:
        problem = f"The books cannot be copied to {folder}: {error}."
        raise OperatorError(problem, remedy="Check the folder and the disk.") from None
    return await _verified(ledger, folder, copied_anchor)


def _copy(source: Path, folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True)
    target = folder / LEDGER_FILE
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    reading, writing = sqlite3.connect(source), sqlite3.connect(target)
    try:
        reading.backup(writing, pages=_PAGES, sleep=0)
    finally:
        reading.close()
        writing.close()
    for path in (target, folder):
        _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def _verified(ledger: Ledger, folder: Path, anchor: Anchor) -> int:
    copy = await Ledger.open(await open_engine(folder / LEDGER_FILE), ledger.keys, anchor)
    try:
        fault = await copy.verify()
        count = copy.count
    finally:
        await copy.close()
    if fault is not None:
        problem = f"The copy in {folder} is not whole: {fault}."
        raise OperatorError(problem, remedy="Verify the books with `masq ledger verify`.")
    return count

"""The books in memory and on disk, in step: stored first, then applied.

One database transaction holds everything that one usage report changes, and its cause is unique:
however often a report is told, it is booked once, and a crash at any point leaves all of it or
nothing. Books that do not verify are read-only: `fault` says why.
"""

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Table, bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from masq_accountant.errors import LedgerReadOnly, SealBroken
from masq_accountant.ledger import (
    Account,
    Books,
    Checkpoint,
    Entry,
    Fault,
    Posting,
    Standing,
    balances_digest,
)
from masq_accountant.ledger.journal import FIRST_HASH
from masq_accountant.store.anchor import Anchor
from masq_accountant.store.keys import LedgerKeys
from masq_accountant.store.roll import Roll, Write
from masq_accountant.store.rows import (
    account_row,
    entry_rows,
    open_account,
    open_entry,
    transaction_row,
)
from masq_accountant.store.tables import ACCOUNTS, CHECKPOINTS, ENTRIES, REFUSED, TRANSACTIONS
from masq_accountant.store.vault import SealedBytes
from masq_accountant.store.verification import Verification, checkpoint_of
from masq_kernel.units import ByteCount, UnixSeconds, Wei

__all__ = ["CHECKPOINT_EVERY", "HistoryLine", "Ledger"]

CHECKPOINT_EVERY = 1_000
"""Transactions; a start reads at most so many again."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    """One entry of one account's history.

    Args:
        transaction: its number.
        at: when.
        cause: what for.
        amount: wei, debit positive.
        packages, size: DATA packages and bytes.
    """

    transaction: int
    at: UnixSeconds
    cause: str
    amount: Wei
    packages: int
    size: ByteCount


class Ledger:
    """The books. Make one with `open`.

    Args:
        engine: the database, migrated.
        keys: seal cells and sign checkpoints.
        anchor: where the last checkpoint is noted a second time.
    """

    def __init__(self, engine: AsyncEngine, keys: LedgerKeys, anchor: Anchor) -> None:
        self.engine, self.keys = engine, keys
        self.anchor, self._books = anchor, Books()
        self._ids: dict[Account, int] = {}
        self._accounts: dict[int, bytes] = {}
        self._names: dict[Account, SealedBytes] = {}
        self._writing = asyncio.Lock()
        self.fault: Fault | None = None
        self.checkpoint: Checkpoint | None = None
        self._verification: Verification | None = None
        self.refused = 0
        self._rolls: dict[str, Roll] = {}

    @classmethod
    async def open(cls, engine: AsyncEngine, keys: LedgerKeys, anchor: Anchor) -> "Ledger":
        """Read how all accounts stand, and verify what came after the last checkpoint."""
        ledger = cls(engine, keys, anchor)
        fault = await ledger._load()
        ledger._note_beginning()
        fault = fault or ledger._check_anchor() or await ledger._verify_recent()
        if fault is not None:
            ledger.distrust(fault)
        return ledger

    # -- questions ---------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """Transactions booked so far."""
        return self._books.count

    @property
    def verified(self) -> int:
        """Transactions that the full verification which goes on, or was the last, found good."""
        return self._verification.walk.number if self._verification else 0

    def roll(self, table: Table) -> Roll:
        """Return the roll of a table beside the books; `verify` reads it from now on."""
        return self._rolls.setdefault(table.name, Roll(self.engine, self.keys.vault, table))

    def number_of(self, account: Account) -> int | None:
        """Return an account's number in the database; None: nothing was ever booked there."""
        return self._ids.get(account)

    def standings(self) -> dict[Account, Standing]:
        """Return how all accounts stand now."""
        return self._books.standings

    async def history(
        self, account: Account, *, before: int | None, limit: int
    ) -> list[HistoryLine]:
        """Return the newest `limit` entries of an account, older than transaction `before`.

        Raises:
            SealBroken: one of them was changed.
        """
        account_id = self._ids[account]
        query = (
            select(*ENTRIES.c, TRANSACTIONS.c.at, TRANSACTIONS.c.cause)
            .join_from(ENTRIES, TRANSACTIONS)
            .where(ENTRIES.c.account_id == account_id)
            .order_by(ENTRIES.c.transaction_number.desc())
            .limit(limit)
        )
        if before is not None:
            query = query.where(ENTRIES.c.transaction_number < before)
        async with self.engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        lines = []
        for row in rows:
            number = row.transaction_number
            line = open_entry(
                self.keys.vault,
                number=number,
                position=row.position,
                account_id=account_id,
                sealed=row.sealed,
            )
            entry = Entry.from_bytes(line)
            lines.append(
                HistoryLine(
                    transaction=number,
                    at=UnixSeconds(row.at),
                    cause=row.cause,
                    amount=entry.amount,
                    packages=entry.packages,
                    size=entry.size,
                )
            )
        return lines

    async def refused_count(self) -> int:
        """Return how many usage reports could not be booked."""
        async with self.engine.connect() as connection:
            counted = await connection.execute(select(func.count()).select_from(REFUSED))
            return counted.scalar_one()

    async def verify(self) -> Fault | None:
        """Read everything again; a fault makes the books read-only.

        Booking goes on meanwhile, and only waits while the last steps are taken.
        """
        verification = self._verification = Verification(self.engine, self.keys, self._accounts)
        async with self._writing:
            fault = await self._compare_accounts()
        fault = fault or await verification.follow(self.count)
        async with self._writing:
            fault = (
                fault
                or await verification.follow(self.count)
                or await verification.beyond(self.count)
                or await verification.checkpoints()
                or self._check_anchor()
                or verification.balances(self.standings(), self._ids)
                or await self._check_rolls()
            )
        if fault is not None:
            self.distrust(fault)
        return fault

    # -- changes -----------------------------------------------------------------------------

    async def book(
        self,
        cause: str,
        entries: list[Entry],
        at: UnixSeconds,
        *,
        beside: AbstractAsyncContextManager[Write] | None = None,
    ) -> bool:
        """Store a transaction; False when this cause is booked already, and nothing changes.

        Args:
            cause: what for.
            entries: sum to zero.
            at: when.
            beside: changes other rows in the same database transaction.

        Raises:
            LedgerReadOnly: these books did not verify.
            SQLAlchemyError: not stored, and nothing has changed; it may be tried again.
        """
        async with self._writing:
            if self.fault is not None:
                raise LedgerReadOnly(str(self.fault))
            async with beside or nullcontext(_nothing_more) as write_beside:
                async with self.engine.begin() as connection:
                    booked = select(TRANSACTIONS.c.number).where(TRANSACTIONS.c.cause == cause)
                    if (await connection.execute(booked)).first() is not None:
                        return False
                    posting = self._books.draft(cause, entries, at)
                    ids = await self._store(connection, posting)
                    await write_beside(connection)
                self._apply(posting, ids)
            last = self.checkpoint.number if self.checkpoint else 0
            if self.count - last >= CHECKPOINT_EVERY:
                await self._make_checkpoint(at)
            return True

    async def refuse(self, event_id: str, reason: str, at: UnixSeconds) -> None:
        """Keep a report that cannot be booked, once."""
        async with self._writing, self.engine.begin() as connection:
            known = select(REFUSED.c.event_id).where(REFUSED.c.event_id == event_id)
            if (await connection.execute(known)).first() is None:
                row = {"event_id": event_id, "at": at, "reason": reason}
                await connection.execute(insert(REFUSED), row)
        self.refused += 1

    async def checkpoints(self, *, before: int | None, limit: int) -> list[Checkpoint]:
        """Return checkpoints, the newest first.

        Args:
            before: only those that cover less than so many transactions; None: all.
            limit: how many at most.
        """
        query = select(*CHECKPOINTS.c).order_by(CHECKPOINTS.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(CHECKPOINTS.c.number < before)
        async with self.engine.connect() as connection:
            return [checkpoint_of(row) for row in await connection.execute(query)]

    async def make_checkpoint(self, at: UnixSeconds) -> None:
        """Sign the books as they stand, if anything has been booked since the last time."""
        async with self._writing:
            last = self.checkpoint.number if self.checkpoint else 0
            if self.fault is None and self.count > last:
                await self._make_checkpoint(at)

    def distrust(self, fault: Fault) -> None:
        """Add nothing to these books any more; only a new start with whole books ends that."""
        self.fault = self.fault or fault
        _log.error("the books do not verify and are read-only", row=fault.row, reason=fault.reason)

    async def close(self) -> None:
        """Let go of the database."""
        await self.engine.dispose()

    # -- inside ------------------------------------------------------------------------------

    async def _load(self) -> Fault | None:
        """Read accounts, the end of the chain and the last checkpoint."""
        fault = None
        newest = TRANSACTIONS.c.number.desc()
        checkpoints = select(*CHECKPOINTS.c).order_by(CHECKPOINTS.c.number.desc()).limit(1)
        async with self.engine.connect() as connection:
            for row in await connection.execute(select(*ACCOUNTS.c).order_by(ACCOUNTS.c.id)):
                try:
                    account, standing = open_account(row, self.keys.vault)
                except SealBroken:
                    fault = fault or Fault(f"ledger_account {row.id}", "is not what was written")
                    continue
                self._know(account, row.id, SealedBytes(row.name))
                self._books.standings[account] = standing
            last = (
                await connection.execute(select(*TRANSACTIONS.c).order_by(newest).limit(1))
            ).first()
            checkpoint = (await connection.execute(checkpoints)).first()
        if last is not None:
            self._books.count, self._books.last_hash = last.number, last.hash
        if checkpoint is not None:
            self.checkpoint = checkpoint_of(checkpoint)
        return fault

    def _note_beginning(self) -> None:
        """Note that these books are new, before anything is booked: a lost note is then noticed."""
        if self.count == 0 and self.checkpoint is None and self.anchor.is_missing:
            self.anchor.write(0, FIRST_HASH)

    def _check_anchor(self) -> Fault | None:
        """Notice books that are older than what was noted outside of them."""
        try:
            noted = self.anchor.read()
        except SealBroken:
            return Fault("the note of the last checkpoint", "is not what was written")
        if noted is None:
            return Fault("the note of the last checkpoint", "is missing")
        number = self.checkpoint.number if self.checkpoint else 0
        if number < noted[0]:
            reason = f"is missing: these books end at {self.count} and are an old copy"
            return Fault(f"ledger_checkpoint {noted[0]}", reason)
        hash_found = self.checkpoint.hash if self.checkpoint else FIRST_HASH
        if number == noted[0] and hash_found != noted[1]:
            return Fault(f"ledger_checkpoint {number}", "is not the one that was noted")
        return None

    async def _verify_recent(self) -> Fault | None:
        last = self.checkpoint
        if last is not None:
            name = f"ledger_checkpoint {last.number}"
            if not self.keys.has_signed(last):
                return Fault(name, "is not what this node signed")
            query = select(TRANSACTIONS.c.hash).where(TRANSACTIONS.c.number == last.number)
            async with self.engine.connect() as connection:
                if (await connection.execute(query)).scalar() != last.hash:
                    return Fault(name, "does not fit the chain")
        verification = Verification(self.engine, self.keys, self._accounts, last)
        return await verification.follow(self.count) or verification.balances(
            self.standings(), self._ids
        )

    async def _compare_accounts(self) -> Fault | None:
        """Check the stored accounts against those in memory."""
        seen = set()
        async with self.engine.connect() as connection:
            for row in await connection.execute(select(*ACCOUNTS.c).order_by(ACCOUNTS.c.id)):
                seen.add(row.id)
                name = f"ledger_account {row.id}"
                try:
                    account, standing = open_account(row, self.keys.vault)
                except SealBroken:
                    return Fault(name, "is not what was written")
                if self._ids.get(account) != row.id or self.standings()[account] != standing:
                    return Fault(name, "is not the sum of its entries")
        missing = sorted(self._accounts.keys() - seen)
        return Fault(f"ledger_account {missing[0]}", "is missing") if missing else None

    async def _check_rolls(self) -> Fault | None:
        faults = [await roll.check() for roll in self._rolls.values()]
        return next((fault for fault in faults if fault is not None), None)

    async def _store(self, connection: AsyncConnection, posting: Posting) -> dict[Account, int]:
        """Write a posting; return the ids of all its accounts."""
        number = posting.transaction.number
        ids: dict[Account, int] = {}
        fresh: list[dict[str, Any]] = []
        known: list[dict[str, Any]] = []
        for account, standing in posting.standings.items():
            account_id = self._ids.get(account)
            is_new = account_id is None
            if account_id is None:
                account_id = len(self._ids) + len(fresh) + 1
                name = self.keys.vault.name(account.to_bytes())
            else:
                name = self._names[account]
            ids[account] = account_id
            row = account_row(account_id, name, standing, number, self.keys.vault)
            if is_new:
                fresh.append(row)
            else:
                known.append({f"the_{column}": value for column, value in row.items()})
        await connection.execute(insert(TRANSACTIONS), transaction_row(posting))
        if fresh:
            await connection.execute(insert(ACCOUNTS), fresh)
        if known:
            await connection.execute(_UPDATE_ACCOUNT, known)
        await connection.execute(insert(ENTRIES), entry_rows(posting, ids, self.keys.vault))
        return ids

    def _apply(self, posting: Posting, ids: dict[Account, int]) -> None:
        for account in posting.standings:
            if account not in self._ids:
                self._know(account, ids[account], self.keys.vault.name(account.to_bytes()))
        self._books.apply(posting)

    def _know(self, account: Account, account_id: int, name: SealedBytes) -> None:
        self._ids[account], self._names[account] = account_id, name
        self._accounts[account_id] = account.to_bytes()

    async def _make_checkpoint(self, at: UnixSeconds) -> None:
        balances = {
            self._accounts[self._ids[account]]: int(standing.balance)
            for account, standing in self.standings().items()
        }
        made = self.keys.sign(
            Checkpoint(
                number=self.count,
                at=at,
                hash=self._books.last_hash,
                balances=balances_digest(balances),
            )
        )
        row = {
            "number": made.number,
            "at": made.at,
            "hash": made.hash,
            "balances": made.balances,
            "signature": made.signature,
        }
        async with self.engine.begin() as connection:
            await connection.execute(insert(CHECKPOINTS), row)
        self.checkpoint = made  # before the note, which a stop may cut short
        await asyncio.to_thread(self.anchor.write, made.number, made.hash)


async def _nothing_more(_connection: AsyncConnection) -> None:
    """Nothing is written beside the books."""


_UPDATE_ACCOUNT = (
    update(ACCOUNTS)
    .where(ACCOUNTS.c.id == bindparam("the_id"))
    .values(
        name=bindparam("the_name"), as_of=bindparam("the_as_of"), sealed=bindparam("the_sealed")
    )
)

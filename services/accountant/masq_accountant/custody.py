"""Look after the books: checkpoints on time, verification and copies on demand; answer for it."""

import asyncio
from pathlib import Path

import structlog

from masq_accountant.store import Ledger
from masq_accountant.store.backup import back_up
from masq_kernel.bus import subjects
from masq_kernel.bus.messages.accountant import (
    BackupRequested,
    BackupState,
    VerificationRequested,
    VerificationState,
)
from masq_kernel.bus.port import Bus
from masq_kernel.clock import Clock
from masq_kernel.errors import OperatorError
from masq_kernel.runtime.health import OK, HealthBoard
from masq_kernel.units import UnixSeconds

__all__ = ["Custody", "serve_custody"]

CHECKPOINT_S = 60.0
"""A copy of the books that is older than this is noticed (docs/accounting.md)."""

_log = structlog.get_logger()


class Custody:
    """Looks after one ledger.

    Args:
        ledger: the books.
        health: where their state is shown.
        clock: for checkpoints.
        folder: where copies go.
    """

    def __init__(self, ledger: Ledger, health: HealthBoard, clock: Clock, folder: Path) -> None:
        self._ledger, self._health, self._clock, self._folder = ledger, health, clock, folder
        self._copy_wanted = asyncio.Event()
        self._copy = BackupState()
        self._wanted = asyncio.Event()
        self._is_running = False
        self._finished_at: UnixSeconds | None = None
        self.show_health()

    def show_health(self) -> None:
        """Say whether the books can be trusted."""
        fault = self._ledger.fault
        state = OK if fault is None else f"read-only, because {fault.row} {fault.reason}"
        self._health.report("ledger", state)

    async def keep_checkpoints(self) -> None:
        """Sign the books every so often, for ever."""
        while True:
            await asyncio.sleep(CHECKPOINT_S)
            await self._ledger.make_checkpoint(self._clock.unix())

    async def verify_on_demand(self) -> None:
        """Read everything again whenever somebody asks, for ever; never twice at once."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            self._is_running = True
            try:
                fault = await self._ledger.verify()
            finally:
                self._is_running = False
            self._finished_at = self._clock.unix()
            self.show_health()
            _log.info("books verified", fault=None if fault is None else str(fault))

    async def copy_on_demand(self) -> None:
        """Copy the books whenever somebody asks, for ever; never twice at once."""
        while True:
            await self._copy_wanted.wait()
            self._copy_wanted.clear()
            folder = self._folder / self._clock.utc().strftime("%Y%m%dT%H%M%SZ")
            problem, count = "", 0
            try:
                count = await back_up(self._ledger, folder, self._clock.unix())
            except OperatorError as error:
                problem = str(error)
            _log.info("books copied", folder=str(folder), problem=problem)
            self._copy = BackupState(
                folder="" if problem else str(folder),
                transactions=count,
                problem=problem,
                finished_at=self._clock.unix(),
            )

    async def on_back_up(self, message: BackupRequested) -> BackupState:
        """Say how far the copy is; begin one if asked and none is made."""
        if message.start and not self._copy.is_running:
            self._copy = BackupState(is_running=True)
            self._copy_wanted.set()
        return self._copy

    async def on_verify(self, message: VerificationRequested) -> VerificationState:
        """Say how far the verification is; begin one if asked and none goes on."""
        if message.start and not self._is_running:
            self._is_running = True
            self._wanted.set()
        fault, last = self._ledger.fault, self._ledger.checkpoint
        return VerificationState(
            is_running=self._is_running,
            is_read_only=fault is not None,
            row=fault.row if fault else "",
            reason=fault.reason if fault else "",
            transactions=self._ledger.count,
            verified=self._ledger.verified,
            finished_at=self._finished_at,
            checkpoint=last.number if last else 0,
        )


async def serve_custody(bus: Bus, custody: Custody) -> None:
    """Answer questions."""
    await bus.serve(subjects.VERIFY_LEDGER, custody.on_verify)
    await bus.serve(subjects.BACK_UP_LEDGER, custody.on_back_up)

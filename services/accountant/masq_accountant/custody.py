"""Look after the books: checkpoints on time, verification on demand; and answer for it."""

import asyncio

import structlog

from masq_accountant.store import Ledger
from masq_kernel.bus import subjects
from masq_kernel.bus.messages.accountant import (
    VerificationRequested,
    VerificationState,
)
from masq_kernel.bus.port import Bus
from masq_kernel.clock import Clock
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
    """

    def __init__(self, ledger: Ledger, health: HealthBoard, clock: Clock) -> None:
        self._ledger, self._health, self._clock = ledger, health, clock
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

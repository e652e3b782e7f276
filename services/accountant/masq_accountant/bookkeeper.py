"""Book what the router reports: each report once, none that cannot be, and none lost."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import structlog

from masq_accountant.errors import LedgerReadOnly, UsageRefused
from masq_accountant.ledger import Account, Entry, entries_for
from masq_accountant.notary import Notary
from masq_accountant.store import Ledger
from masq_kernel.bus.messages.router import UsageReported
from masq_kernel.clock import Clock
from masq_kernel.identity.keys import WalletAddress

__all__ = ["Bookkeeper"]

_log = structlog.get_logger()


class Bookkeeper:
    """Takes usage reports.

    Args:
        ledger: the books.
        own: this node's wallets.
        clock: the time of refusals.
        on_booked: told which accounts a report has changed.
        notary: takes the vouchers that came with it; `on_vouchers` is told whose.
        stopping: set when the process is told to stop.
    """

    def __init__(
        self,
        ledger: Ledger,
        own: frozenset[WalletAddress],
        clock: Clock,
        on_booked: Callable[[Iterable[Account]], Awaitable[None]],
        notary: Notary,
        on_vouchers: Callable[[Iterable[WalletAddress]], Awaitable[None]],
        stopping: asyncio.Event,
    ) -> None:
        self._ledger, self._own, self._clock = ledger, own, clock
        self._on_booked, self._stopping = on_booked, stopping
        self._notary, self._on_vouchers = notary, on_vouchers
        self.repeated = 0

    async def on_usage(self, report: UsageReported) -> None:
        """Book one report; returning means that it never needs to be told again.

        Raises:
            SQLAlchemyError, LedgerReadOnly: not stored; the stream tells it again.
        """
        try:
            entries = entries_for(report, self._own)
        except UsageRefused as refused:
            _log.warning("usage report refused", event_id=report.event_id, reason=str(refused))
            await self._ledger.refuse(report.event_id, str(refused), self._clock.unix())
            return
        if entries:
            if await self._book(report, entries):
                await self._on_booked(entry.account for entry in entries)
            else:
                self.repeated += 1
        if report.vouchers:
            await self._on_vouchers(await self._notary.take(report.vouchers))

    async def _book(self, report: UsageReported, entries: list[Entry]) -> bool:
        try:
            return await self._ledger.book(f"usage:{report.event_id}", entries, report.at)
        except LedgerReadOnly:
            await self._stopping.wait()  # the stream keeps the report until the books are mended
            raise

"""Book what the router reports: each report once, none that cannot be, and none lost."""

import structlog

from masq_accountant.errors import UsageRefused
from masq_accountant.ledger import entries_for
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
    """

    def __init__(self, ledger: Ledger, own: frozenset[WalletAddress], clock: Clock) -> None:
        self._ledger, self._own, self._clock = ledger, own, clock
        self.repeated = 0

    async def on_usage(self, report: UsageReported) -> None:
        """Book one report; returning means that it never needs to be told again.

        Raises:
            SQLAlchemyError: not stored; the stream tells it again.
        """
        try:
            entries = entries_for(report, self._own)
        except UsageRefused as refused:
            _log.warning("usage report refused", event_id=report.event_id, reason=str(refused))
            await self._ledger.refuse(report.event_id, str(refused), self._clock.unix())
            return
        if entries and not await self._ledger.book(f"usage:{report.event_id}", entries, report.at):
            self.repeated += 1

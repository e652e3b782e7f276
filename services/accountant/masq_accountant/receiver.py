"""Find payments that others made to us, and book each once (accounting.md section 6).

Only blocks that are deep enough are read, each once; how far is noted after what was found there is
booked, so a crash in between reads them again, and the books know what they have.
"""

from collections.abc import Awaitable, Callable, Iterable

import structlog

from masq_accountant.chain import ChainPort
from masq_accountant.ledger import Account, Kind
from masq_accountant.scans import Outcome
from masq_accountant.settlement import Transfer, bookings
from masq_accountant.store import Ledger
from masq_accountant.store.payments import ChainMark
from masq_accountant.unbroken import unbroken
from masq_kernel.clock import Clock
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.units import Wei, masq_text

__all__ = ["Receiver"]

PAGES_MAX = 1_000
"""In one scan; the next one goes on."""

_log = structlog.get_logger()


class Receiver:
    """Reads the chain for transfers to our earning wallet.

    Args:
        ledger: who owes us.
        mark: how far the chain was read.
        chain: what is read.
        earning: to which wallet.
        own: wallets whose transfers are not payments.
        on_paid: told who has paid.
        clock: for bookings.
        first_block: where a new node begins; None: at the head.
    """

    def __init__(
        self,
        ledger: Ledger,
        mark: ChainMark,
        chain: ChainPort,
        *,
        earning: WalletAddress,
        own: frozenset[WalletAddress],
        on_paid: Callable[[Iterable[Account]], Awaitable[None]],
        clock: Clock,
        first_block: int | None = None,
    ) -> None:
        self._ledger, self._mark, self._chain = ledger, mark, chain
        self._earning, self._own = earning, own
        self._on_paid, self._clock, self._first_block = on_paid, clock, first_block

    async def receive(self) -> Outcome:
        """Read on, up to the newest block that is deep enough.

        Raises:
            ChainError: the chain cannot be asked, or not be believed; nothing is noted as read.
            LedgerReadOnly: nothing may be booked.
        """
        first = await self._begin()
        count, total = 0, 0
        for _ in range(PAGES_MAX):
            page = await self._chain.transfers(self._earning, first)
            for transfer in page.transfers:
                if transfer.payer in self._own:
                    continue
                if await unbroken(self._book(transfer), name="book a payment to us"):
                    count, total = count + 1, total + transfer.amount
            if page.last >= first:
                await unbroken(self._mark.save(page.last + 1), name="note what was read")
                first = page.last + 1
            if page.is_all:
                break
        await unbroken(self._match(), name="match payers")
        if not count:
            return Outcome(f"nothing came up to block {first - 1}")
        text = f"{count} payments of {masq_text(Wei(total))} MASQ came up to block {first - 1}"
        return Outcome(text, changed=count)

    async def _begin(self) -> int:
        if self._mark.next_block is None:
            first = self._first_block
            if first is None:
                first = max(0, await self._chain.safe_head() + 1)
            await self._mark.save(first)
            return first
        return self._mark.next_block

    async def _book(self, transfer: Transfer) -> bool:
        debtor = Account(Kind.RECEIVABLE, transfer.payer)
        is_known = debtor in self._ledger.standings()
        entries = bookings.received(transfer, is_known=is_known)
        if not await self._ledger.book(transfer.cause, entries, self._clock.unix()):
            return False
        _log.info("payment received", is_known=is_known, block=transfer.block)
        if is_known:
            await self._on_paid([debtor])
        return True

    async def _match(self) -> None:
        """Credit those who paid before they ever owed anything, once they do."""
        standings = self._ledger.standings()
        for account, standing in list(standings.items()):
            debtor = Account(Kind.RECEIVABLE, account.wallet)
            is_waiting = account.kind is Kind.SUSPENSE and standing.balance < 0
            if not is_waiting or account.wallet is None or debtor not in standings:
                continue
            cause = f"matched:{account.wallet.raw.hex()}:{self._ledger.count + 1}"
            entries = bookings.matched(account.wallet, Wei(-standing.balance))
            if await self._ledger.book(cause, entries, self._clock.unix()):
                await self._on_paid([debtor])

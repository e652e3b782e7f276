"""Answer the bus: signatures, wallets and the books."""

from masq_accountant.ledger import Account, Kind, Standing
from masq_accountant.store import Ledger
from masq_accountant.wallets import Wallets
from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, Refusal
from masq_kernel.bus.messages.accountant import (
    AccountsListed,
    AccountsRequested,
    AccountState,
    EntriesListed,
    EntriesRequested,
    LedgerEntry,
    LedgerSummary,
    LedgerSummaryRequested,
    ProofsSigned,
    SignProofsRequested,
    WalletsRequested,
    WalletsShown,
)
from masq_kernel.bus.port import Bus
from masq_kernel.identity.keys import WalletAddress

__all__ = ["PROOFS_MAX", "Handlers", "serve"]

PROOFS_MAX = 32
"""Far more than both legs of the longest round trip have hops."""

LIMIT_MAX = 1_000

_KINDS = {"payable": Kind.PAYABLE, "receivable": Kind.RECEIVABLE}
_SIGNS = {Kind.PAYABLE: -1, Kind.RECEIVABLE: 1}
"""A payable grows by credit, which the books count negative; people count debts upward."""


class Handlers:
    """Present the books and sign with the wallets.

    Args:
        ledger: the books.
        wallets: the keys.
    """

    def __init__(self, ledger: Ledger, wallets: Wallets) -> None:
        self._ledger, self._wallets = ledger, wallets

    async def on_sign_proofs(self, message: SignProofsRequested) -> ProofsSigned:
        """Sign the payer proofs of a route."""
        if not 1 <= len(message.proofs) <= PROOFS_MAX:
            raise BusRefused(Refusal.INVALID, f"a route has 1 to {PROOFS_MAX} proofs")
        if self._wallets.consuming is None:
            raise BusRefused(Refusal.NO_WALLET, "no consuming wallet is set")
        signatures = self._wallets.sign(message.proofs)
        return ProofsSigned(wallet=self._wallets.consuming, signatures=signatures)

    async def on_wallets(self, _message: WalletsRequested) -> WalletsShown:
        """Show the addresses."""
        return WalletsShown(consuming=self._wallets.consuming, earning=self._wallets.earning)

    async def on_accounts(self, message: AccountsRequested) -> AccountsListed:
        """List one book, largest balance first."""
        limit = _checked(message.limit)
        states = self._book(_KINDS[message.book])
        if message.wallet is not None:
            states = [state for state in states if state.wallet == message.wallet]
        begin = _begin_after(states, message.after)
        page = states[begin : begin + limit]
        return AccountsListed(accounts=tuple(page), more=begin + limit < len(states))

    async def on_entries(self, message: EntriesRequested) -> EntriesListed:
        """Show the history of one wallet, newest first."""
        limit = _checked(message.limit)
        kind = _KINDS[message.book]
        account = Account(kind, message.wallet)
        if account not in self._ledger.standings():
            raise BusRefused(Refusal.NOT_FOUND, f"this wallet has no {message.book} account")
        lines = await self._ledger.history(account, before=message.before, limit=limit + 1)
        entries = tuple(
            LedgerEntry(
                transaction=line.transaction,
                at=line.at,
                service=line.cause.partition(":")[0],
                packages=line.packages,
                size=line.size,
                amount=str(line.amount * _SIGNS[kind]),
            )
            for line in lines[:limit]
        )
        return EntriesListed(entries=entries, more=len(lines) > limit)

    async def on_summary(self, _message: LedgerSummaryRequested) -> LedgerSummary:
        """Show the totals."""
        payable, receivable = self._book(Kind.PAYABLE), self._book(Kind.RECEIVABLE)
        return LedgerSummary(
            payable=str(sum(int(state.balance) for state in payable)),
            receivable=str(sum(int(state.balance) for state in receivable)),
            payable_accounts=len(payable),
            receivable_accounts=len(receivable),
            transactions=self._ledger.count,
            usage_events=self._ledger.count,
        )

    def _book(self, kind: Kind) -> list[AccountState]:
        """Return all accounts of one book, largest balance first, then by wallet."""
        lines = [
            (standing.balance * _SIGNS[kind], account.wallet, standing)
            for account, standing in self._ledger.standings().items()
            if account.kind is kind and account.wallet is not None
        ]
        lines.sort(key=lambda line: (-line[0], line[1]))
        return [_state(wallet, balance, standing) for balance, wallet, standing in lines]


async def serve(bus: Bus, handlers: Handlers) -> None:
    """Answer questions."""
    await bus.serve(subjects.SIGN_PROOFS, handlers.on_sign_proofs)
    await bus.serve(subjects.WALLETS, handlers.on_wallets)
    await bus.serve(subjects.ACCOUNTS, handlers.on_accounts)
    await bus.serve(subjects.ENTRIES, handlers.on_entries)
    await bus.serve(subjects.LEDGER_SUMMARY, handlers.on_summary)


def _state(wallet: WalletAddress, balance: int, standing: Standing) -> AccountState:
    return AccountState(
        wallet=wallet,
        balance=str(balance),
        packages=standing.packages,
        size=standing.size,
        oldest_unpaid_at=standing.open_since,
        updated_at=standing.updated_at,
    )


def _begin_after(states: list[AccountState], after: WalletAddress | None) -> int:
    if after is None:
        return 0
    for index, state in enumerate(states):
        if state.wallet == after:
            return index + 1
    raise BusRefused(Refusal.NOT_FOUND, "the cursor names a wallet that is not in this book")


def _checked(limit: int) -> int:
    if not 1 <= limit <= LIMIT_MAX:
        raise BusRefused(Refusal.INVALID, f"limit must be 1 to {LIMIT_MAX}")
    return limit

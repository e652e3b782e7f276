"""Answer the bus: signatures, wallets and the books."""

from collections import deque
from collections.abc import Callable

from masq_accountant.ledger import Account, Kind
from masq_accountant.ledger.report import SIGNS, Line, Wish, lines_of, select, totals
from masq_accountant.ledger.thresholds import DEFAULT_THRESHOLDS, Thresholds
from masq_accountant.notary import Notary
from masq_accountant.payers import Payers
from masq_accountant.store import Ledger
from masq_accountant.store.turnover import turnover
from masq_accountant.wallets import Wallets
from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, Refusal
from masq_kernel.bus.messages.accountant import (
    AccountsListed,
    AccountsRequested,
    AccountState,
    CheckpointsListed,
    CheckpointsRequested,
    EntriesListed,
    EntriesRequested,
    LedgerCheckpoint,
    LedgerEntry,
    LedgerSummary,
    LedgerSummaryRequested,
    ProofsSigned,
    SignProofsRequested,
    TurnoverRequested,
    TurnoverShown,
    TurnoverSum,
    WalletsRequested,
    WalletsShown,
)
from masq_kernel.bus.port import Bus
from masq_kernel.clock import Clock
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.units import ByteCount, Wei

__all__ = ["PROOFS_MAX", "Handlers", "serve"]

PROOFS_MAX = 32
"""Far more than both legs of the longest round trip have hops."""

LIMIT_MAX = 1_000
RECENT_MAX = 8

_KINDS = {"payable": Kind.PAYABLE, "receivable": Kind.RECEIVABLE}
WEI_DIGITS_MAX = 78
"""Of 2^256, beyond which no token counts."""


class Handlers:
    """Present the books and sign with the wallets.

    Args:
        ledger: the books.
        wallets: the keys.
        payers: which wallet pays whom.
        notary: what we own up to.
        clock: for ages.
        thresholds: gives those in force.
    """

    def __init__(
        self,
        ledger: Ledger,
        wallets: Wallets,
        payers: Payers,
        notary: Notary,
        clock: Clock,
        thresholds: Callable[[], Thresholds] = lambda: DEFAULT_THRESHOLDS,
    ) -> None:
        self._ledger, self._wallets, self._notary = ledger, wallets, notary
        self._payers = payers
        self._recent: deque[tuple[object, list[Line]]] = deque(maxlen=RECENT_MAX)
        self._clock, self._thresholds = clock, thresholds

    async def on_sign_proofs(self, message: SignProofsRequested) -> ProofsSigned:
        """Sign the payer proofs of a route."""
        if not 1 <= len(message.proofs) <= PROOFS_MAX:
            raise BusRefused(Refusal.INVALID, f"a route has 1 to {PROOFS_MAX} proofs")
        if self._wallets.consuming is None:
            raise BusRefused(Refusal.NO_WALLET, "no consuming wallet is set")
        await self._payers.choose(proof.earning for proof in message.proofs)
        payers = [self._payers.of(proof.earning) for proof in message.proofs]
        owed = [
            self._notary.owed(proof.node_id, payer)
            for proof, payer in zip(message.proofs, payers, strict=True)
        ]
        sequence = self._notary.next_sequence()
        return ProofsSigned(
            wallets=tuple(payers),
            signatures=self._wallets.sign(message.proofs, payers, owed, sequence),
            owed=tuple(map(str, owed)),
            sequence=sequence,
        )

    async def on_wallets(self, _message: WalletsRequested) -> WalletsShown:
        """Show the addresses."""
        return WalletsShown(consuming=self._wallets.consuming, earning=self._wallets.earning)

    async def on_accounts(self, message: AccountsRequested) -> AccountsListed:
        """List one book, or what of it is asked for."""
        limit = _checked(message.limit)
        wish = Wish(
            by=message.by,
            owed_min=_wei(message.balance_min),
            age_min_s=message.age_min_s,
            place=message.place,
            wallet=message.wallet,
        )
        lines = self._selected(_KINDS[message.book], wish)
        begin = _begin_after(lines, message.after)
        page = tuple(map(_state, lines[begin : begin + limit]))
        return AccountsListed(accounts=page, more=begin + limit < len(lines))

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
                amount=str(line.amount * SIGNS[kind]),
            )
            for line in lines[:limit]
        )
        return EntriesListed(entries=entries, more=len(lines) > limit)

    async def on_summary(self, _message: LedgerSummaryRequested) -> LedgerSummary:
        """Show the totals."""
        payable, receivable = (totals(self._lines(kind)) for kind in _KINDS.values())
        return LedgerSummary(
            payable=str(payable.owed),
            receivable=str(receivable.owed),
            payable_accounts=payable.accounts,
            receivable_accounts=receivable.accounts,
            transactions=self._ledger.count,
            usage_events=self._ledger.count,
            payable_over=str(payable.over),
            receivable_over=str(receivable.over),
            payable_accounts_over=payable.accounts_over,
            receivable_accounts_over=receivable.accounts_over,
            payable_charged=str(payable.charged),
            receivable_charged=str(receivable.charged),
            payable_since=payable.since,
            receivable_since=receivable.since,
        )

    async def on_turnover(self, message: TurnoverRequested) -> TurnoverShown:
        """Add up a page of a period."""
        if message.begin >= message.end:
            raise BusRefused(Refusal.INVALID, "a period ends after it begins")
        sums, following = await turnover(
            self._ledger, message.begin, message.end, after=message.after
        )
        return TurnoverShown(
            sums=tuple(
                TurnoverSum(
                    kind=kind.value,
                    amount=str(abs(found.amount)),
                    packages=found.packages,
                    size=ByteCount(found.size),
                )
                for kind, found in sums.items()
            ),
            next=following,
        )

    async def on_checkpoints(self, message: CheckpointsRequested) -> CheckpointsListed:
        """List the checkpoints, the newest first."""
        limit = _checked(message.limit)
        found = await self._ledger.checkpoints(before=message.before, limit=limit + 1)
        listed = tuple(
            LedgerCheckpoint(
                number=each.number,
                at=each.at,
                hash=each.hash,
                balances=each.balances,
                signature=each.signature,
            )
            for each in found[:limit]
        )
        return CheckpointsListed(checkpoints=listed, more=len(found) > limit)

    def _selected(self, kind: Kind, wish: Wish) -> list[Line]:
        """Return what is wished for; the same list for whoever wishes the same in one second.

        Ages are whole seconds, so nothing of it can have changed unless something was booked.
        """
        asked = (kind, wish, self._ledger.count, self._thresholds(), self._clock.unix())
        for known, lines in self._recent:
            if known == asked:
                return lines
        lines = select(self._lines(kind), wish)
        self._recent.append((asked, lines))
        return lines

    def _lines(self, kind: Kind) -> list[Line]:
        return lines_of(self._ledger.standings(), kind, self._thresholds(), self._clock.unix())


async def serve(bus: Bus, handlers: Handlers) -> None:
    """Answer questions."""
    await bus.serve(subjects.SIGN_PROOFS, handlers.on_sign_proofs)
    await bus.serve(subjects.WALLETS, handlers.on_wallets)
    await bus.serve(subjects.ACCOUNTS, handlers.on_accounts)
    await bus.serve(subjects.ENTRIES, handlers.on_entries)
    await bus.serve(subjects.LEDGER_SUMMARY, handlers.on_summary)
    await bus.serve(subjects.TURNOVER, handlers.on_turnover)
    await bus.serve(subjects.CHECKPOINTS, handlers.on_checkpoints)


def _state(line: Line) -> AccountState:
    return AccountState(
        wallet=line.wallet,
        balance=str(line.owed),
        packages=line.standing.packages,
        size=line.standing.size,
        oldest_unpaid_at=line.standing.open_since,
        updated_at=line.standing.updated_at,
        place=line.place,
        allowed=None if line.allowed is None else str(line.allowed),
        charged=str(line.standing.charged),
    )


def _wei(text: str | None) -> Wei | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > WEI_DIGITS_MAX:
        raise BusRefused(Refusal.INVALID, "an amount is wei, in decimal")
    return Wei(int(text))


def _begin_after(lines: list[Line], after: WalletAddress | None) -> int:
    if after is None:
        return 0
    for index, line in enumerate(lines):
        if line.wallet == after:
            return index + 1
    raise BusRefused(Refusal.NOT_FOUND, "the cursor names a wallet that is not in this book")


def _checked(limit: int) -> int:
    if not 1 <= limit <= LIMIT_MAX:
        raise BusRefused(Refusal.INVALID, f"limit must be 1 to {LIMIT_MAX}")
    return limit

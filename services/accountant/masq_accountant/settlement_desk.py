"""Answer the bus about payments, balances and scans."""

import asyncio
from collections.abc import Sequence

from masq_accountant.chain import ChainPort, ServerState
from masq_accountant.errors import ChainError
from masq_accountant.ledger import Account, Kind, Standing
from masq_accountant.scans import Scan, ScanBusy, Scans
from masq_accountant.settlement import Payment
from masq_accountant.store import Ledger
from masq_accountant.store.intervals import IntervalStore
from masq_accountant.store.payments import ChainMark, PaymentStore
from masq_accountant.wallets import Wallets
from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, Refusal
from masq_kernel.bus.messages.settlement import (
    BalancesRequested,
    BalancesShown,
    ChainServer,
    PaymentsListed,
    PaymentsRequested,
    PaymentState,
    ScanIntervalsRequested,
    ScanIntervalsShown,
    ScanIntervalsToSet,
    ScansListed,
    ScansRequested,
    ScanState,
    WalletBalance,
)
from masq_kernel.bus.port import Bus
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.units import Wei

__all__ = ["SettlementDesk", "gas_spent", "serve_settlement", "shown"]

LIMIT_MAX = 1_000
INTERVAL_MIN_S, INTERVAL_MAX_S = 0.1, 7 * 86_400.0
ANSWER_S = 1.5
"""For a chain that is asked while somebody waits; the bus allows two seconds."""


class SettlementDesk:
    """Presents payments and scans.

    Args:
        ledger: for totals.
        wallets: whose balances.
        store: the payments.
        mark: how far the chain was read.
        scans: all of them.
        intervals: what was changed of how often they are done.
        chain: where balances are; None: no server is set.
        quorum, confirmations: what is in force.
    """

    def __init__(
        self,
        ledger: Ledger,
        wallets: Wallets,
        store: PaymentStore,
        mark: ChainMark,
        scans: Scans,
        intervals: IntervalStore,
        chain: ChainPort | None,
        *,
        quorum: int,
        confirmations: int,
    ) -> None:
        self._ledger, self._wallets, self._store, self._mark = ledger, wallets, store, mark
        self._scans, self._intervals, self._chain = scans, intervals, chain
        self._quorum, self._confirmations = quorum, confirmations

    async def on_payments(self, message: PaymentsRequested) -> PaymentsListed:
        """List payments, the newest first."""
        if not 1 <= message.limit <= LIMIT_MAX:
            raise BusRefused(Refusal.INVALID, f"limit must be 1 to {LIMIT_MAX}")
        if message.number is not None:
            found = self._store.payments.get(message.number)
            if found is None:
                raise BusRefused(Refusal.NOT_FOUND, "there is no payment of that number")
            return PaymentsListed(payments=(shown(found),), more=False)
        wanted = [
            each
            for number, each in sorted(self._store.payments.items(), reverse=True)
            if (message.before is None or number < message.before)
            and (message.phase is None or each.phase == message.phase)
            and (message.wallet is None or each.wallet == message.wallet)
        ]
        page = tuple(map(shown, wanted[: message.limit]))
        return PaymentsListed(payments=page, more=len(wanted) > message.limit)

    async def on_balances(self, _message: BalancesRequested) -> BalancesShown:
        """Ask the chain, and add up the books."""
        consuming = dict.fromkeys(self._wallets.payers, "consuming")
        roles = {**consuming, self._wallets.earning: "earning"}
        asked = (self._balance(wallet, role) for wallet, role in roles.items())
        servers, wallets = await asyncio.gather(self._servers(), asyncio.gather(*asked))
        next_block = self._mark.next_block
        standings = self._ledger.standings()
        return BalancesShown(
            wallets=tuple(wallets),
            chain=self._wallets.chain.name,
            is_configured=self._chain is not None,
            servers=tuple(ChainServer(each.name, each.head, each.trouble) for each in servers),
            quorum=self._quorum,
            confirmations=self._confirmations,
            read_up_to=None if not next_block else next_block - 1,
            in_flight=str(-_total(standings, Kind.IN_FLIGHTS)),
            paid=str(-_total(standings, Kind.TOKENS_SPENT)),
            received=str(_total(standings, Kind.TOKENS_RECEIVED)),
            in_suspense=str(-_total(standings, Kind.SUSPENSE)),
            gas_spent=str(gas_spent(self._store)),
        )

    async def on_scans(self, message: ScansRequested) -> ScansListed:
        """Say how all are; begin one if asked."""
        if message.start is not None:
            self._start(message.start)
        return ScansListed(scans=tuple(map(_scan_state, self._scans.by_kind.values())))

    async def on_intervals(self, _message: ScanIntervalsRequested) -> ScanIntervalsShown:
        """Show how often each scan is done."""
        seconds = {kind: scan.interval_s for kind, scan in self._scans.by_kind.items()}
        return ScanIntervalsShown(seconds=seconds, revision=self._intervals.revision)  # type: ignore[arg-type]  # the kinds are literals

    async def on_set_intervals(self, message: ScanIntervalsToSet) -> ScanIntervalsShown:
        """Change them, and keep that."""
        if message.revision != self._intervals.revision:
            reason = f"revision {message.revision} is not in force"
            raise BusRefused(Refusal.CONFLICT, reason)
        wanted = {str(kind): seconds for kind, seconds in message.seconds.items()}
        for kind, seconds in wanted.items():
            self._check_interval(kind, seconds)
        await self._intervals.save(wanted)
        for kind, seconds in wanted.items():
            self._scans.by_kind[kind].change_interval(seconds)
        return await self.on_intervals(ScanIntervalsRequested())

    def _check_interval(self, kind: str, seconds: float) -> None:
        if kind not in self._scans.by_kind:
            raise BusRefused(Refusal.INVALID, f"this node has no {kind} scan")
        if seconds != 0 and not INTERVAL_MIN_S <= seconds <= INTERVAL_MAX_S:
            limits = f"0, or {INTERVAL_MIN_S:g} to {INTERVAL_MAX_S:g}"
            raise BusRefused(Refusal.INVALID, f"the seconds between scans are {limits}")

    def _start(self, kind: str) -> None:
        scan = self._scans.by_kind.get(kind)
        if scan is None:
            reason = f"this node has no {kind} scan: no RPC server or no consuming wallet is set"
            raise BusRefused(Refusal.CONFLICT, reason)
        try:
            scan.start()
        except ScanBusy:
            raise BusRefused(Refusal.CONFLICT, f"a {kind} scan goes on already") from None

    async def _servers(self) -> Sequence[ServerState]:
        if self._chain is None:
            return ()
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._chain.check()
        except TimeoutError:
            return (ServerState("all together", None, f"no answer within {ANSWER_S:g} s"),)

    async def _balance(self, wallet: WalletAddress, role: str) -> WalletBalance:
        reason = "no RPC server is set"
        if self._chain is not None:
            try:
                async with asyncio.timeout(ANSWER_S):
                    tokens, coin = await self._chain.balances(wallet)
            except TimeoutError:
                reason = f"no answer within {ANSWER_S:g} s"
            except ChainError as error:
                reason = str(error)
            else:
                return WalletBalance(wallet=wallet, role=role, tokens=str(tokens), coin=str(coin))  # type: ignore[arg-type]  # one of two literals
        return WalletBalance(wallet=wallet, role=role, reason=reason)  # type: ignore[arg-type]  # as above


def gas_spent(store: PaymentStore) -> int:
    """Return what all payments have cost, wei of the chain's own coin."""
    return sum(each.gas_cost or 0 for each in store.payments.values())


def shown(payment: Payment) -> PaymentState:
    """Return a payment as the bus tells it."""
    return PaymentState(
        number=payment.number,
        payer=payment.payer,
        wallet=payment.wallet,
        amount=str(payment.amount),
        phase=payment.phase.value,
        transaction=f"0x{payment.hash.hex()}",
        attempts=len(payment.attempts),
        nonce=payment.nonce,
        price_max=str(payment.attempts[-1].fees.price),
        created_at=payment.created_at,
        updated_at=payment.updated_at,
        block=payment.block,
        gas_cost=None if payment.gas_cost is None else str(payment.gas_cost),
        reason=payment.reason,
    )


def _total(standings: dict[Account, Standing], kind: Kind) -> Wei:
    balances = (each.balance for account, each in standings.items() if account.kind is kind)
    return Wei(sum(balances))


def _scan_state(scan: Scan) -> ScanState:
    outcome = scan.outcome
    return ScanState(
        kind=scan.kind,  # type: ignore[arg-type]  # one of the literals
        is_running=scan.is_running,
        interval_s=scan.interval_s,
        runs=scan.runs,
        outcome=outcome.text if outcome else "",
        is_well=outcome is None or outcome.is_well,
        changed=outcome.changed if outcome else 0,
        started_at=scan.started_at,
        finished_at=scan.finished_at,
        took_ms=round(scan.took_s * 1000, 3),
        next_at=scan.next_at,
    )


async def serve_settlement(bus: Bus, desk: SettlementDesk) -> None:
    """Answer questions."""
    await bus.serve(subjects.PAYMENTS, desk.on_payments)
    await bus.serve(subjects.BALANCES, desk.on_balances)
    await bus.serve(subjects.SCANS, desk.on_scans)
    await bus.serve(subjects.SCAN_INTERVALS, desk.on_intervals)
    await bus.serve(subjects.SET_SCAN_INTERVALS, desk.on_set_intervals)

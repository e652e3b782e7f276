"""Everything that needs a chain, wired together: payments, receipts and their scans.

A node without an RPC server works and accrues; it has the scans that need none.
"""

from collections.abc import Awaitable, Callable, Mapping

from masq_accountant.chain import ChainPort, KeySigner
from masq_accountant.errors import LedgerReadOnly
from masq_accountant.payer import Payer
from masq_accountant.payers import Payers
from masq_accountant.receiver import Receiver
from masq_accountant.reconciler import Reconciler
from masq_accountant.scans import Outcome, Scan, Scans
from masq_accountant.settings import AccountantSettings
from masq_accountant.settlement import FeePolicy, Payment
from masq_accountant.settlement_desk import SettlementDesk, shown
from masq_accountant.store import Ledger
from masq_accountant.store.intervals import IntervalStore
from masq_accountant.store.payments import ChainMark, PaymentStore
from masq_accountant.store.threshold_log import ThresholdLog
from masq_accountant.wallets import Wallets
from masq_accountant.warden import ScanRunning, Warden
from masq_kernel.bus import subjects
from masq_kernel.bus.messages.gossip import Stage
from masq_kernel.bus.messages.settlement import PaymentChanged
from masq_kernel.bus.port import Bus
from masq_kernel.chains import Chain
from masq_kernel.clock import Clock

__all__ = ["Cashier", "open_chain"]

SCAN_TIMEOUT_S = 300.0


def open_chain(chain: Chain, settings: AccountantSettings) -> ChainPort | None:
    """Return the chain behind the RPC servers that are set; None: none is."""
    if not settings.rpc_urls:
        return None
    # web3 takes half a second and 55 MB, which a node without a chain does not need.
    from masq_accountant.chain.servers import Servers

    return Servers(
        chain,
        [url.get_secret_value() for url in settings.rpc_urls],
        quorum=settings.rpc_quorum,
        confirmations=settings.confirmations_on(chain),
        timeout_s=settings.rpc_timeout_s,
    )


class Cashier:
    """Holds the parts.

    Args:
        ledger: the books.
        wallets: the node's.
        payers: which of them pays whom.
        chain: where debts are paid; None: nowhere.
        warden: judges debtors, after receipts were read.
        reconciler: compares books before creditors are paid.
        log: the thresholds.
        settings: limits and intervals.
        bus: where payments are told.
        clock: for ages.
    """

    def __init__(
        self,
        ledger: Ledger,
        wallets: Wallets,
        payers: Payers,
        chain: ChainPort | None,
        warden: Warden,
        reconciler: Reconciler,
        log: ThresholdLog,
        settings: AccountantSettings,
        bus: Bus,
        clock: Clock,
    ) -> None:
        self._ledger, self._wallets, self._payers = ledger, wallets, payers
        self.chain = chain
        self._warden, self._reconciler, self._log = warden, reconciler, log
        self._settings, self._bus, self._clock = settings, bus, clock
        self.store, self._mark = PaymentStore(ledger), ChainMark(ledger)
        self._intervals = IntervalStore(ledger)
        self._confirmations = settings.confirmations_on(wallets.chain)
        self.scans = Scans(clock, self._make_scans())
        self.desk = SettlementDesk(
            ledger,
            wallets,
            self.store,
            self._mark,
            self.scans,
            self._intervals,
            chain,
            quorum=min(settings.rpc_quorum, len(settings.rpc_urls)),
            confirmations=self._confirmations,
        )

    async def load(self) -> None:
        """Read what is remembered."""
        loaded = (await self.store.load(), await self._mark.load(), await self._intervals.load())
        for fault in loaded:
            if fault is not None:
                self._ledger.distrust(fault)
        if self._settings.scans:  # `--scans off` goes before what was changed at run time
            for kind, interval_s in self._intervals.changed.items():
                if kind in self.scans.by_kind:
                    self.scans.by_kind[kind].change_interval(interval_s)

    def on_stage(self, stage: Stage) -> None:
        """Let debts be paid from the first full route on, over which creditors can be asked."""
        if stage == "routable" and "payables" in self.scans.by_kind:
            self.scans.by_kind["payables"].allow()

    def rpc_failures(self) -> Mapping[str, int]:
        """Return how many questions failed, by server."""
        return {} if self.chain is None else self.chain.failures

    async def close(self) -> None:
        """Let go of the chain."""
        if self.chain is not None:
            await self.chain.close()

    # -- scans -------------------------------------------------------------------------------

    def _make_scans(self) -> list[Scan]:
        settings = self._settings
        made = [
            self._scan("delinquency", settings.scan_interval_s, self._judge, timeout_s=None),
            self._scan(
                "reconciliation", settings.reconcile_interval_s, self._compare, timeout_s=None
            ),
        ]
        if self.chain is None:
            return made
        receiver = Receiver(
            self._ledger,
            self._mark,
            self.chain,
            earning=self._wallets.earning,
            own=self._wallets.own,
            on_paid=self._warden.on_paid,
            clock=self._clock,
            first_block=settings.rpc_first_block,
        )
        made.append(self._scan("receivables", settings.receivables_interval_s, receiver.receive))
        if self._wallets.keys:
            payer = self._make_payer(self.chain)
            made.append(self._scan("pending", settings.pending_interval_s, payer.follow))
            made.append(self._scan("payables", settings.payables_interval_s, payer.pay, waits=True))
        return made

    def _scan(
        self,
        kind: str,
        interval_s: float,
        work: Callable[[], Awaitable[Outcome]],
        *,
        timeout_s: float | None = SCAN_TIMEOUT_S,
        waits: bool = False,
    ) -> Scan:
        return Scan(
            kind=kind,
            interval_s=interval_s if self._settings.scans else 0,
            timeout_s=timeout_s,
            work=work,
            waits=waits,
        )

    def _make_payer(self, chain: ChainPort) -> Payer:
        return Payer(
            self._ledger,
            self.store,
            chain,
            {
                wallet: KeySigner(self._wallets.chain, key)
                for wallet, key in self._wallets.keys.items()
            },
            payer_of=self._payers.of,
            thresholds=lambda: self._log.in_force,
            policy=FeePolicy.of_gwei(self._settings.gas_price_max_gwei),
            reconcile=self._reconciler.reconcile_unless_busy,
            tell=self._tell,
            clock=self._clock,
            confirmations=self._confirmations,
            stuck_s=self._settings.stuck_after_s,
        )

    async def _judge(self) -> Outcome:
        try:
            done = await self._warden.scan()
        except ScanRunning:
            return Outcome("another one went on")
        except LedgerReadOnly as error:
            return Outcome(f"the books are read-only: {error}", is_well=False)
        text = f"{done.accounts} accounts judged, {done.banned} banned, {done.unbanned} unbanned"
        return Outcome(text, changed=done.banned + done.unbanned)

    async def _compare(self) -> Outcome:
        return Outcome(await self._reconciler.reconcile_all())

    async def _tell(self, payment: Payment) -> None:
        await self._bus.publish(subjects.PAYMENT_CHANGED, PaymentChanged(payment=shown(payment)))

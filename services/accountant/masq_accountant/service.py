"""Wire the accountant process together, run it, and stop it in order."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from masq_accountant.bookkeeper import Bookkeeper
from masq_accountant.cashier import Cashier, open_chain
from masq_accountant.custody import Custody, serve_custody
from masq_accountant.enforcement import Enforcement, serve_enforcement
from masq_accountant.evidence_desk import EvidenceDesk, serve_evidence
from masq_accountant.handlers import Handlers, serve
from masq_accountant.metrics import AccountantCollector, register_metrics
from masq_accountant.notary import Notary
from masq_accountant.payers import Payers
from masq_accountant.reconciler import Reconciler
from masq_accountant.settings import AccountantSettings
from masq_accountant.settlement_desk import serve_settlement
from masq_accountant.store import Anchor, Ledger, LedgerKeys, is_empty, open_engine
from masq_accountant.store.stances import stance_drawer
from masq_accountant.store.threshold_log import ThresholdLog
from masq_accountant.wallets import Wallets
from masq_accountant.warden import Warden
from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, BusTimeout, BusUnavailable
from masq_kernel.bus.messages.gossip import GossipStatusRequested, StageChanged
from masq_kernel.chains import Chain
from masq_kernel.ending import end_all
from masq_kernel.identity.keystore import KeyStore
from masq_kernel.runtime.service import Runtime

__all__ = ["Accountant", "main"]

ASK_STAGE_S = 2.0


class Accountant:
    """All parts of the accountant, made once and wired here.

    Args:
        runtime: the process.
        settings: the section [accountant].
        ledger: the books, opened.
        wallets: the node's.
    """

    def __init__(
        self, runtime: Runtime, settings: AccountantSettings, ledger: Ledger, wallets: Wallets
    ) -> None:
        self._runtime, self.ledger = runtime, ledger
        clock = runtime.clock
        self.log = ThresholdLog(ledger)
        self.payers = Payers(ledger, wallets, runtime.entropy)
        limit = settings.unvouchered_limit_mib << 20
        self.notary = Notary(ledger, limit, clock, self.payers.of)
        stances = stance_drawer(ledger)
        self.warden = Warden(ledger, stances, self.log, self.notary, runtime.bus, clock)
        self.bookkeeper = Bookkeeper(
            ledger,
            wallets.own,
            clock,
            self.warden.on_booked,
            self.notary,
            self.warden.on_vouchers,
            runtime.stopping,
        )
        self.reconciler = Reconciler(
            ledger, self.notary, wallets, runtime.bus, clock, runtime.entropy
        )
        self.cashier = Cashier(
            ledger,
            wallets,
            self.payers,
            open_chain(wallets.chain, settings),
            self.warden,
            self.reconciler,
            self.log,
            settings,
            runtime.bus,
            clock,
        )
        self.custody = Custody(ledger, runtime.health, clock, runtime.node.data_dir / "backups")
        self._handlers = Handlers(
            ledger, wallets, self.payers, self.notary, clock, lambda: self.log.in_force
        )

    async def start(self) -> None:
        """Read what is remembered, answer, and book unless the books are read-only."""
        for fault in (await self.log.load(), await self.payers.load()):
            if fault is not None:
                self.ledger.distrust(fault)
        await self.notary.load()
        await self.warden.load()
        await self.cashier.load()
        self.custody.show_health()
        collector = AccountantCollector(self.ledger, self.bookkeeper, self.warden, self.cashier)
        register_metrics(self._runtime.metrics, collector)
        bus = self._runtime.bus
        await serve(bus, self._handlers)
        enforcement = Enforcement(self.ledger, self.warden, self.log, self._runtime.clock)
        await serve_enforcement(bus, enforcement)
        await serve_custody(bus, self.custody)
        own = self.ledger.keys.identity.node_id
        await serve_evidence(bus, EvidenceDesk(own, self.notary, self.reconciler))
        await serve_settlement(bus, self.cashier.desk)
        await bus.listen(subjects.STAGE_CHANGED, self._on_stage)
        await bus.follow(subjects.REFUSED_WALLETS, self.warden.on_kept)
        if self.ledger.fault is None:
            await bus.consume(subjects.USAGE, self.bookkeeper.on_usage)

    def background(self) -> Iterator[tuple[str, Callable[[], Coroutine[Any, Any, None]]]]:
        """Return what goes on until the accountant stops, with its name."""
        yield "tell bans again", self.warden.retry
        yield "sign checkpoints", self.custody.keep_checkpoints
        yield "verify on demand", self.custody.verify_on_demand
        yield "copy on demand", self.custody.copy_on_demand
        yield "reconcile", self.reconciler.run
        yield "learn the stage", self._learn_stage
        yield from self.cashier.scans.background()

    async def stop(self) -> None:
        """Finish the report that is being booked, sign the books and close them."""
        await self._runtime.bus.close()
        await self.cashier.close()
        await self.ledger.make_checkpoint(self._runtime.clock.unix())
        await self.ledger.close()

    async def _on_stage(self, changed: StageChanged) -> None:
        self.cashier.on_stage(changed.stage)

    async def _learn_stage(self) -> None:
        """Ask gossip how far the node is; it told whoever listened before this process started."""
        while True:
            try:
                told = await self._runtime.bus.request(
                    subjects.GOSSIP_STATUS, GossipStatusRequested()
                )
            except (BusRefused, BusTimeout, BusUnavailable):
                await asyncio.sleep(ASK_STAGE_S)
                continue
            return self.cashier.on_stage(told.stage)


async def main(runtime: Runtime) -> None:
    """Run until the process is told to stop."""
    runtime.health.report("ledger", "is being opened")
    settings = runtime.section(AccountantSettings)
    chain, keystore = runtime.chain, runtime.open_keystore()
    wallets = Wallets.from_keystore(keystore, chain)
    ledger = await _open_ledger(runtime, settings, keystore, chain)
    accountant = Accountant(runtime, settings, ledger, wallets)
    await accountant.start()
    running = [
        runtime.tasks.create_task(work(), name=name) for name, work in accountant.background()
    ]
    await runtime.stopping.wait()
    await end_all(running)
    await accountant.stop()


async def _open_ledger(
    runtime: Runtime, settings: AccountantSettings, keystore: KeyStore, chain: Chain
) -> Ledger:
    folder = runtime.node.data_dir
    where = settings.ledger_url or settings.ledger_file or folder / "ledger.db"
    engine = await open_engine(where)
    may_make = await is_empty(engine)
    keys = LedgerKeys.from_keystore(keystore, chain, runtime.entropy, may_make=may_make)
    return await Ledger.open(engine, keys, Anchor(folder / "ledger.anchor", keys.vault))

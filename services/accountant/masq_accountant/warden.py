"""Keep bans in step with the books: judge, remember, and tell the routers (accounting.md 4).

    scan         every account, on a timer and on demand, never two at once
    on_booked    the credit limit of the wallets that were just charged, at once
    decide       what an operator wants
    on_kept      what the bus holds; whatever differs from what is remembered is put right

A change is stored first, then told. What could not be told is told again until it was.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import structlog

from masq_accountant.errors import LedgerReadOnly
from masq_accountant.ledger import Account, Kind, Standing
from masq_accountant.ledger.bans import NEUTRAL, Cause, Decision, Stance, judge
from masq_accountant.ledger.thresholds import Thresholds
from masq_accountant.notary import Notary
from masq_accountant.store import Ledger
from masq_accountant.store.drawer import Drawer
from masq_accountant.store.threshold_log import ThresholdLog
from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusUnavailable
from masq_kernel.bus.messages.accountant import WalletRefused, WalletStanceChanged
from masq_kernel.bus.port import Bus, Kept
from masq_kernel.clock import Clock
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.units import UnixSeconds

__all__ = ["Scan", "ScanRunning", "Warden"]

AT_ONCE = 5_000
"""Accounts judged before others get their turn: some milliseconds."""

TOLD_AT_ONCE = 64
RETRY_S = 1.0

_NOTHING = Standing()

_log = structlog.get_logger()


class ScanRunning(Exception):  # noqa: N818 - states a fact
    """A scan goes on already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a scan did.

    Args:
        at: when it began.
        accounts: how many were judged.
        banned, unbanned: wallets that are refused, or served, since then.
        took_s: how long.
    """

    at: UnixSeconds
    accounts: int
    banned: int
    unbanned: int
    took_s: float


class Warden:
    """Holds all stances.

    Args:
        ledger: whose receivables are judged.
        store: keeps stances.
        log: the thresholds in force.
        notary: knows what wallets own up to.
        bus: where routers learn of them.
        clock: for ages.
    """

    def __init__(
        self,
        ledger: Ledger,
        store: Drawer[Stance],
        log: ThresholdLog,
        notary: Notary,
        bus: Bus,
        clock: Clock,
    ) -> None:
        self._ledger, self._store, self._log, self._notary = ledger, store, log, notary
        self._bus, self._clock = bus, clock
        self.stances: dict[WalletAddress, Stance] = {}
        self._changing = asyncio.Lock()
        self._is_scanning = False
        self._untold: set[WalletAddress] = set()
        self.scans = 0

    async def load(self) -> None:
        """Read what was remembered."""
        stances, fault = await self._store.load()
        self.stances = {WalletAddress(name): stance for name, stance in stances.items()}
        if fault is not None:
            self._ledger.distrust(fault)

    def refused(self) -> dict[WalletAddress, Cause]:
        """Return every wallet that is refused, with the reason."""
        causes = ((wallet, stance.refusal) for wallet, stance in self.stances.items())
        return {wallet: cause for wallet, cause in causes if cause is not None}

    # -- changes -----------------------------------------------------------------------------

    async def scan(self) -> Scan:
        """Judge every receivable.

        Raises:
            ScanRunning: one goes on already.
            LedgerReadOnly: what these books say is not to be believed.
        """
        if self._ledger.fault is not None:
            raise LedgerReadOnly(str(self._ledger.fault))
        if self._is_scanning:
            raise ScanRunning
        self._is_scanning = True
        try:
            return await self._scan()
        finally:
            self._is_scanning = False

    async def _scan(self) -> Scan:
        began, now = self._clock.monotonic(), self._clock.unix()
        async with self._changing:
            changes, accounts = await self.judge_all(self._log.in_force, now)
            banned, unbanned = self._count(changes)
            await self._change(changes, now)
        self.scans += 1
        took_s = self._clock.monotonic() - began
        return Scan(at=now, accounts=accounts, banned=banned, unbanned=unbanned, took_s=took_s)

    async def judge_all(
        self, thresholds: Thresholds, now: UnixSeconds
    ) -> tuple[dict[WalletAddress, Stance], int]:
        """Return the stances that would be others, and how many accounts were judged."""
        changes: dict[WalletAddress, Stance] = {}
        judged = 0
        for number, account in enumerate(list(self._ledger.standings()), start=1):
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
            if account.kind is Kind.RECEIVABLE and account.wallet is not None:
                judged += 1
                self._judge(account, account.wallet, thresholds, now, changes)
        return changes, judged

    async def on_booked(self, accounts: Iterable[Account]) -> None:
        """Hold those who were just charged to their credit limit, and to their word."""
        thresholds, now = self._log.in_force, self._clock.unix()
        standings = self._ledger.standings()
        over = [
            account
            for account in accounts
            if account.kind is Kind.RECEIVABLE
            and (_is_beyond(standings[account], thresholds) or self._is_over(account.wallet))
        ]
        if over:
            await self._judge_these(over, thresholds, now)

    async def on_paid(self, accounts: Iterable[Account]) -> None:
        """Serve again at once who has paid enough."""
        await self._judge_these(accounts, self._log.in_force, self._clock.unix())

    async def _judge_these(
        self, accounts: Iterable[Account], thresholds: Thresholds, now: UnixSeconds
    ) -> None:
        async with self._changing:
            changes: dict[WalletAddress, Stance] = {}
            for account in accounts:
                assert account.wallet is not None
                self._judge(account, account.wallet, thresholds, now, changes)
            await self._change(changes, now)

    def _is_over(self, wallet: WalletAddress | None) -> bool:
        """Whether a wallet's word lags too far behind, or did and may not do so any more."""
        if wallet is None:
            return False
        uncovered = self._notary.uncovered(wallet)
        return uncovered is not None and uncovered.amount > uncovered.limit

    async def on_vouchers(self, wallets: Iterable[WalletAddress]) -> None:
        """Judge those anew who were refused because their word lagged behind."""
        now = self._clock.unix()
        async with self._changing:
            changes: dict[WalletAddress, Stance] = {}
            for wallet in wallets:
                stance = self.stances.get(wallet, NEUTRAL)
                automatic = stance.automatic
                if automatic is not None and automatic.cause is Cause.UNVOUCHERED:
                    account = Account(Kind.RECEIVABLE, wallet)
                    self._judge(account, wallet, self._log.in_force, now, changes)
            await self._change(changes, now)

    async def decide(self, wallet: WalletAddress, decision: Decision | None) -> Stance:
        """Put a decision in force, or withdraw the one there is (None); judge the wallet anew."""
        now = self._clock.unix()
        async with self._changing:
            before = self.stances.get(wallet, NEUTRAL)
            standing = self._ledger.standings().get(Account(Kind.RECEIVABLE, wallet), _NOTHING)
            decided = replace(before, decision=decision)
            uncovered = self._notary.uncovered(wallet)
            after = judge(decided, standing, self._log.in_force, now, uncovered)
            if after != before:
                await self._change({wallet: after}, now)
        return after

    def _judge(
        self,
        account: Account,
        wallet: WalletAddress,
        thresholds: Thresholds,
        now: UnixSeconds,
        changes: dict[WalletAddress, Stance],
    ) -> None:
        before = self.stances.get(wallet, NEUTRAL)
        standing = self._ledger.standings()[account]
        after = judge(before, standing, thresholds, now, self._notary.uncovered(wallet))
        if after is not before:
            changes[wallet] = after

    def _count(self, changes: Mapping[WalletAddress, Stance]) -> tuple[int, int]:
        """How many of these wallets are refused, and served, as they were not before."""
        banned = unbanned = 0
        for wallet, after in changes.items():
            before = self.stances.get(wallet, NEUTRAL)
            banned += before.refusal is None and after.refusal is not None
            unbanned += before.refusal is not None and after.refusal is None
        return banned, unbanned

    async def _change(self, changes: Mapping[WalletAddress, Stance], now: UnixSeconds) -> None:
        if not changes:
            return
        await self._store.save(
            {wallet.raw: None if after == NEUTRAL else after for wallet, after in changes.items()}
        )
        told = []
        for wallet, after in changes.items():
            before = self.stances.get(wallet, NEUTRAL)
            if after == NEUTRAL:
                self.stances.pop(wallet, None)
            else:
                self.stances[wallet] = after
            if before.refusal is not after.refusal:
                told.append(wallet)
        if told:
            refused = sum(self.stances.get(each, NEUTRAL).refusal is not None for each in told)
            _log.info("bans changed", refused=refused, served=len(told) - refused)
        await self._tell(told)
        for wallet in told:
            cause = self.stances.get(wallet, NEUTRAL).refusal
            changed = WalletStanceChanged(
                wallet=wallet, cause=None if cause is None else cause.value, at=now
            )
            await self._bus.publish(subjects.WALLET_STANCE_CHANGED, changed)

    # -- telling -----------------------------------------------------------------------------

    async def on_kept(self, kept: Kept[WalletRefused]) -> None:
        """Put right what the bus holds, after it was away or lost its files."""
        if not kept.is_whole:
            return
        refused = {wallet.raw.hex(): wallet for wallet in self.refused()}
        is_trusted = self._ledger.fault is None  # otherwise a stance may be missing
        for key in kept.messages.keys() - refused.keys() if is_trusted else ():
            await self._bus.keep(subjects.REFUSED_WALLETS, key, None)
        await self._tell(
            [
                wallet
                for key, wallet in refused.items()
                if kept.messages.get(key) != self._message(wallet)
            ]
        )

    async def retry(self) -> None:
        """Tell again what could not be told, for ever."""
        while True:
            await asyncio.sleep(RETRY_S)
            await self._tell(list(self._untold))

    async def _tell(self, wallets: list[WalletAddress]) -> None:
        for first in range(0, len(wallets), TOLD_AT_ONCE):
            some = wallets[first : first + TOLD_AT_ONCE]
            await asyncio.gather(*(self._tell_one(wallet) for wallet in some))

    async def _tell_one(self, wallet: WalletAddress) -> None:
        self._untold.add(wallet)
        message = self._message(wallet)
        try:
            await self._bus.keep(subjects.REFUSED_WALLETS, wallet.raw.hex(), message)
        except BusUnavailable:
            return
        if message == self._message(wallet):
            self._untold.discard(wallet)

    def _message(self, wallet: WalletAddress) -> WalletRefused | None:
        cause = self.stances.get(wallet, NEUTRAL).refusal
        if cause is None:
            return None
        automatic = self.stances[wallet].automatic
        if cause is Cause.UNVOUCHERED and automatic is not None:
            return WalletRefused(reason="credit", owed_min=str(automatic.owed))
        return WalletRefused(reason="credit" if cause is Cause.CREDIT else "banned")


def _is_beyond(standing: Standing, thresholds: Thresholds) -> bool:
    return standing.balance > thresholds.limit_of(standing.received)

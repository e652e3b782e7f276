"""Answer the bus about bans, thresholds and scans."""

from dataclasses import asdict

from masq_accountant.errors import LedgerReadOnly, ThresholdsRefused
from masq_accountant.ledger import Account, Kind, Standing
from masq_accountant.ledger.bans import NEUTRAL, Cause, Decision, Stance, Verdict
from masq_accountant.ledger.thresholds import DEFAULT_THRESHOLDS, Thresholds
from masq_accountant.store import Ledger
from masq_accountant.store.threshold_log import ThresholdLog
from masq_accountant.warden import ScanRunning, Warden
from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, Refusal
from masq_kernel.bus.messages.accountant import (
    DecisionToMake,
    ScanDone,
    ScanRequested,
    ThresholdsChange,
    ThresholdsHistory,
    ThresholdsHistoryRequested,
    ThresholdsPreviewed,
    ThresholdsRequested,
    ThresholdsShown,
    ThresholdsToPreview,
    ThresholdsToSet,
    ThresholdValues,
    WalletBansListed,
    WalletBansRequested,
    WalletStance,
)
from masq_kernel.bus.port import Bus
from masq_kernel.clock import Clock
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.units import Wei

__all__ = ["Enforcement", "serve_enforcement"]

LIMIT_MAX = 1_000
NAMED_MAX = 100
"""Wallets that a preview names; it counts all."""

NOTE_SIZE_MAX = 200


class Enforcement:
    """Presents the warden.

    Args:
        ledger: whose receivables are shown beside bans.
        warden: judges.
        log: the thresholds.
        clock: for the time of decisions.
    """

    def __init__(self, ledger: Ledger, warden: Warden, log: ThresholdLog, clock: Clock) -> None:
        self._ledger, self._warden, self._log, self._clock = ledger, warden, log, clock

    # -- bans --------------------------------------------------------------------------------

    async def on_bans(self, message: WalletBansRequested) -> WalletBansListed:
        """List wallets that are refused, or have been decided upon."""
        limit = _checked(message.limit)
        if message.wallet is not None:
            known = message.wallet in self._warden.stances
            wallets = [message.wallet] if known else []
        else:
            after = message.after
            wallets = sorted(
                wallet for wallet in self._warden.stances if after is None or wallet > after
            )
        page = tuple(self._show(wallet) for wallet in wallets[:limit])
        return WalletBansListed(wallets=page, more=len(wallets) > limit)

    async def on_decide(self, message: DecisionToMake) -> WalletStance:
        """Ban, pardon, whitelist, or withdraw that."""
        if len(message.note) > NOTE_SIZE_MAX:
            raise BusRefused(Refusal.INVALID, f"a note has up to {NOTE_SIZE_MAX} characters")
        before = self._warden.stances.get(message.wallet, NEUTRAL)
        if message.decision is None and before.decision is None:
            raise BusRefused(Refusal.NOT_FOUND, "nothing was decided about this wallet")
        decision = self._decision(message, before)
        await self._warden.decide(message.wallet, decision)
        return self._show(message.wallet)

    def _decision(self, message: DecisionToMake, before: Stance) -> Decision | None:
        if message.decision is None:
            return None
        verdict = Verdict(message.decision)
        if verdict is Verdict.PARDON and before.automatic is None:
            if before.refusal is None:
                raise BusRefused(Refusal.NOT_FOUND, "this wallet is not banned")
            return None  # a manual ban is pardoned by withdrawing it
        return Decision(verdict, self._clock.unix(), message.by, message.note)

    def _show(self, wallet: WalletAddress) -> WalletStance:
        stance = self._warden.stances.get(wallet, NEUTRAL)
        standing = self._ledger.standings().get(Account(Kind.RECEIVABLE, wallet), Standing())
        decision, cause = stance.decision, stance.refusal
        return WalletStance(
            wallet=wallet,
            cause=None if cause is None else cause.value,
            since=stance.since,
            owed=str(standing.balance),
            owed_max=self._lifts_at(cause, standing),
            decision=None if decision is None else decision.verdict.value,
            decided_by=decision.by if decision else "",
            note=decision.note if decision else "",
        )

    def _lifts_at(self, cause: Cause | None, standing: Standing) -> str:
        thresholds = self._log.in_force
        match cause:
            case Cause.DELINQUENT:
                return str(thresholds.unban_below)
            case Cause.CREDIT:
                return str(thresholds.limit_of(standing.received))
            case Cause.UNVOUCHERED | Cause.MANUAL | None:
                return ""

    # -- thresholds --------------------------------------------------------------------------

    async def on_thresholds(self, _message: ThresholdsRequested) -> ThresholdsShown:
        """Show what is in force."""
        changes = self._log.changes
        return ThresholdsShown(
            values=_values(self._log.in_force),
            revision=self._log.revision,
            changed_at=changes[-1].at if changes else None,
        )

    async def on_set(self, message: ThresholdsToSet) -> ThresholdsShown:
        """Put other values in force, and judge everybody by them."""
        wanted = _thresholds(message.values)
        if message.revision != self._log.revision:
            reason = f"revision {message.revision} is not in force; it is {self._log.revision}"
            raise BusRefused(Refusal.CONFLICT, reason)
        if wanted != self._log.in_force:
            await self._log.add(wanted, message.by, self._clock.unix())
            await self._scan_unless_one_runs()
        return await self.on_thresholds(ThresholdsRequested())

    async def on_preview(self, message: ThresholdsToPreview) -> ThresholdsPreviewed:
        """Say what other values would do now, and do nothing."""
        wanted, now = _thresholds(message.values), self._clock.unix()
        changes, _ = await self._warden.judge_all(wanted, now)
        bans, unbans = [], []
        for wallet, after in changes.items():
            before = self._warden.stances.get(wallet, NEUTRAL)
            if before.refusal is None and after.refusal is not None:
                bans.append(wallet)
            if before.refusal is not None and after.refusal is None:
                unbans.append(wallet)
        payments = sum(
            wanted.qualifies(Wei(-standing.balance), standing.age_s(now))
            for account, standing in self._ledger.standings().items()
            if account.kind is Kind.PAYABLE
        )
        return ThresholdsPreviewed(
            bans=len(bans),
            unbans=len(unbans),
            payments=payments,
            would_ban=tuple(sorted(bans)[:NAMED_MAX]),
            would_unban=tuple(sorted(unbans)[:NAMED_MAX]),
        )

    async def on_history(self, message: ThresholdsHistoryRequested) -> ThresholdsHistory:
        """List changes, newest first."""
        limit = _checked(message.limit)
        changes = self._log.changes
        known = len(changes)
        end = known if message.before is None else max(0, min(known, message.before - 1))
        page = []
        for change in reversed(changes[max(0, end - limit) : end]):
            number = change.revision
            before = changes[number - 2].after if number > 1 else DEFAULT_THRESHOLDS
            page.append(
                ThresholdsChange(
                    revision=number,
                    at=change.at,
                    by=change.by,
                    before=_values(before),
                    after=_values(change.after),
                )
            )
        return ThresholdsHistory(changes=tuple(page), more=end > limit)

    # -- scans -------------------------------------------------------------------------------

    async def on_scan(self, _message: ScanRequested) -> ScanDone:
        """Scan now."""
        try:
            done = await self._warden.scan()
        except ScanRunning:
            raise BusRefused(Refusal.CONFLICT, "a scan is running; ask again") from None
        except LedgerReadOnly as error:
            raise BusRefused(Refusal.CONFLICT, f"the books are read-only: {error}") from None
        return ScanDone(
            at=done.at,
            accounts=done.accounts,
            banned=done.banned,
            unbanned=done.unbanned,
            took_ms=round(done.took_s * 1000, 3),
        )

    async def _scan_unless_one_runs(self) -> None:
        try:
            await self._warden.scan()
        except (ScanRunning, LedgerReadOnly):
            return  # the next one has the new values


async def serve_enforcement(bus: Bus, enforcement: Enforcement) -> None:
    """Answer questions."""
    await bus.serve(subjects.WALLET_BANS, enforcement.on_bans)
    await bus.serve(subjects.DECIDE, enforcement.on_decide)
    await bus.serve(subjects.THRESHOLDS, enforcement.on_thresholds)
    await bus.serve(subjects.SET_THRESHOLDS, enforcement.on_set)
    await bus.serve(subjects.PREVIEW_THRESHOLDS, enforcement.on_preview)
    await bus.serve(subjects.THRESHOLDS_HISTORY, enforcement.on_history)
    await bus.serve(subjects.SCAN, enforcement.on_scan)


def _thresholds(values: ThresholdValues) -> Thresholds:
    try:
        return Thresholds(**{name: getattr(values, name) for name in Thresholds.names()})
    except ThresholdsRefused as refused:
        raise BusRefused(Refusal.INVALID, str(refused)) from None


def _values(thresholds: Thresholds) -> ThresholdValues:
    return ThresholdValues(**asdict(thresholds))


def _checked(limit: int) -> int:
    if not 1 <= limit <= LIMIT_MAX:
        raise BusRefused(Refusal.INVALID, f"limit must be 1 to {LIMIT_MAX}")
    return limit

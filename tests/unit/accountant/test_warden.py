"""Bans from the books to the bus: real databases, the in-memory bus, a clock the test moves."""

import asyncio

import pytest

from masq_accountant.enforcement import Enforcement, serve_enforcement
from masq_accountant.ledger import Account, Entry, Fault, Kind
from masq_accountant.ledger.thresholds import DEFAULT_THRESHOLDS
from masq_accountant.store.stances import stance_drawer
from masq_accountant.store.threshold_log import ThresholdLog
from masq_accountant.warden import Warden
from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, Refusal
from masq_kernel.bus.memory import MemoryBroker
from masq_kernel.bus.messages.accountant import (
    DecisionToMake,
    ScanRequested,
    ThresholdsHistoryRequested,
    ThresholdsRequested,
    ThresholdsToPreview,
    ThresholdsToSet,
    WalletBansRequested,
)
from masq_kernel.bus.messages.router import UsageReported, VoucherGiven
from masq_kernel.bus.subjects import Service
from masq_kernel.clock import ManualClock
from masq_kernel.rates import DEFAULT_RATES
from masq_kernel.units import WEI_PER_GWEI, Wei
from support.ledgers import make_bookkeeper, make_notary, open_ledger
from support.usage_builders import NOW, WALLETS, make_report, make_usage

DEBTOR, OTHER = WALLETS[0], WALLETS[1]
DEBT = 800_000_000 * WEI_PER_GWEI  # above the permanent debt, below the credit limit
OVERDUE_S = 2_400 + 21_600 + 1  # maturity, grace and the whole slope


UNVOUCHERED_SIZE = 1_000_000


class Follower:
    """What a router would know."""

    def __init__(self):
        self.reasons, self.told = {}, {}

    async def on_kept(self, kept):
        if kept.is_whole:
            self.reasons = {}
        for key, message in kept.messages.items():
            self.reasons.pop(key, None)
            if message is not None:
                self.reasons[key], self.told[key] = message.reason, message


class Desk:
    """An accountant without wallets."""

    def __init__(self, folder, url):
        self.folder, self.url = folder, url
        self.broker, self.clock = MemoryBroker(), ManualClock(int(NOW))
        self.router = Follower()

    async def start(self):
        self.ledger = await open_ledger(self.folder, self.url)
        bus = self.broker.connect(Service.ACCOUNTANT)
        self.log = ThresholdLog(self.ledger)
        stances = stance_drawer(self.ledger)
        self.notary = make_notary(self.ledger, self.clock, unvouchered_size=UNVOUCHERED_SIZE)
        self.warden = Warden(self.ledger, stances, self.log, self.notary, bus, self.clock)
        assert await self.log.load() is None
        await self.notary.load()
        await self.warden.load()
        enforcement = Enforcement(self.ledger, self.warden, self.log, self.clock)
        await serve_enforcement(bus, enforcement)
        await bus.follow(subjects.REFUSED_WALLETS, self.warden.on_kept)
        await self.broker.connect(Service.ROUTER).follow(
            subjects.REFUSED_WALLETS, self.router.on_kept
        )
        self.bookkeeper = make_bookkeeper(
            self.ledger,
            on_booked=self.warden.on_booked,
            notary=self.notary,
            on_vouchers=self.warden.on_vouchers,
        )
        return self

    async def restart(self, broker=None):
        await self.ledger.close()
        self.broker = broker or MemoryBroker()
        await self.start()

    async def charge(self, wallet, amount, event_id):
        usage = make_usage(wallet=wallet, amount=str(amount))
        await self.bookkeeper.on_usage(make_report(event_id, usage, at=self.clock.unix()))

    async def give_word(self, owed, sequence, wallet=DEBTOR):
        """What a payer says that it owes, with its payer proof."""
        word = VoucherGiven(
            wallet=wallet,
            secret_hash=bytes(32),
            rates=DEFAULT_RATES,
            expires_at=self.clock.unix(),
            owed=str(owed),
            sequence=sequence,
            signature=bytes(65),
        )
        report = UsageReported(
            event_id=f"word-{sequence}", at=self.clock.unix(), entries=(), vouchers=(word,)
        )
        await self.bookkeeper.on_usage(report)

    async def receive(self, wallet, amount, cause):
        """Book what a wallet pays; against income, until there are settlements."""
        entries = [
            Entry(account=Account(Kind.RECEIVABLE, wallet), amount=Wei(-amount)),
            Entry(account=Account(Kind.INCOME_ROUTING), amount=Wei(amount)),
        ]
        assert await self.ledger.book(cause, entries, self.clock.unix())

    async def ask(self, subject, message):
        return await self.broker.connect(Service.API).request(subject, message)

    async def refusal(self, subject, message):
        with pytest.raises(BusRefused) as caught:
            await self.ask(subject, message)
        return caught.value.code

    async def decide(self, decision, wallet=DEBTOR):
        message = DecisionToMake(wallet=wallet, decision=decision, by="token", note="because")
        return await self.ask(subjects.DECIDE, message)

    async def known(self):
        """What the router knows once all was told."""
        for _ in range(20):
            await asyncio.sleep(0)
        return dict(self.router.reasons)


@pytest.fixture
async def desk(tmp_path, books_url):
    desk = await Desk(tmp_path, books_url).start()
    yield desk
    await desk.ledger.close()


def refused(reason, *wallets):
    return {wallet.raw.hex(): reason for wallet in wallets}


async def test_who_does_not_pay_is_banned_at_the_time_the_curve_says_and_served_when_it_paid(desk):
    await desk.charge(DEBTOR, DEBT, "1")
    await desk.charge(OTHER, 5, "2")
    thresholds = desk.log.in_force
    due_s = next(age for age in range(OVERDUE_S) if thresholds.is_delinquent(Wei(DEBT), age))
    assert 2_400 < due_s < OVERDUE_S
    desk.clock.advance(due_s - 1)
    assert (await desk.ask(subjects.SCAN, ScanRequested())).banned == 0
    desk.clock.advance(1)
    done = await desk.ask(subjects.SCAN, ScanRequested())
    assert (done.accounts, done.banned, done.unbanned) == (2, 1, 0)
    assert await desk.known() == refused("banned", DEBTOR)

    [ban] = (await desk.ask(subjects.WALLET_BANS, WalletBansRequested())).wallets
    assert (ban.wallet, ban.cause, ban.since) == (DEBTOR, "delinquent", NOW + due_s)
    assert (ban.owed, ban.owed_max) == (str(DEBT), str(thresholds.unban_below))

    await desk.receive(DEBTOR, DEBT - thresholds.unban_below - 1, "paid:1")
    assert (await desk.ask(subjects.SCAN, ScanRequested())).unbanned == 0
    await desk.receive(DEBTOR, 1, "paid:2")
    assert (await desk.ask(subjects.SCAN, ScanRequested())).unbanned == 1
    assert await desk.known() == {}


async def test_credit_ends_with_the_report_that_exceeds_it(desk):
    limit = desk.log.in_force.credit_limit
    await desk.charge(DEBTOR, limit, "1")
    assert await desk.known() == {}
    await desk.charge(DEBTOR, 1, "2")
    assert await desk.known() == refused("credit", DEBTOR)
    [ban] = (await desk.ask(subjects.WALLET_BANS, WalletBansRequested())).wallets
    assert (ban.cause, ban.owed_max) == ("credit", str(limit))


async def test_bans_and_thresholds_survive_a_restart_and_a_bus_that_lost_its_files(desk):
    await desk.decide("ban")
    await set_thresholds(desk, maturity_threshold_sec=7)
    await desk.restart(broker=MemoryBroker())
    assert await desk.known() == refused("banned", DEBTOR)
    assert desk.log.in_force.maturity_threshold_sec == 7


async def test_what_was_decided_while_the_bus_was_down_is_told_when_it_is_back(desk):
    await desk.decide("ban")
    assert await desk.known() == refused("banned", DEBTOR)
    desk.broker.go_down()
    await desk.warden.decide(DEBTOR, None)
    desk.broker.come_up()
    assert await desk.known() == {}


@pytest.mark.parametrize("decision", ["pardon", "whitelist"])
async def test_an_operators_word_goes_before_the_books(desk, decision):
    await desk.charge(DEBTOR, DEBT, "1")
    desk.clock.advance(OVERDUE_S)
    await desk.warden.scan()
    shown = await desk.decide(decision)
    assert (shown.decision, shown.cause, shown.decided_by) == (decision, None, "token")
    await desk.warden.scan()
    assert await desk.known() == {}
    await desk.decide(None)
    await desk.warden.scan()
    assert await desk.known() == refused("banned", DEBTOR)


async def test_what_cannot_be_withdrawn_or_pardoned_is_said(desk):
    nothing = DecisionToMake(wallet=DEBTOR, decision=None, by="")
    assert await desk.refusal(subjects.DECIDE, nothing) is Refusal.NOT_FOUND
    pardon = DecisionToMake(wallet=DEBTOR, decision="pardon", by="")
    assert await desk.refusal(subjects.DECIDE, pardon) is Refusal.NOT_FOUND
    long = DecisionToMake(wallet=DEBTOR, decision="ban", by="", note="x" * 201)
    assert await desk.refusal(subjects.DECIDE, long) is Refusal.INVALID


async def test_bans_are_listed_in_pages(desk):
    for wallet in WALLETS[:3]:
        await desk.decide("ban", wallet)
    first = await desk.ask(subjects.WALLET_BANS, WalletBansRequested(limit=2))
    after = first.wallets[-1].wallet
    rest = await desk.ask(subjects.WALLET_BANS, WalletBansRequested(limit=2, after=after))
    assert [each.wallet for each in first.wallets + rest.wallets] == sorted(WALLETS[:3])
    assert (first.more, rest.more) == (True, False)


async def set_thresholds(desk, **changes):
    shown = await desk.ask(subjects.THRESHOLDS, ThresholdsRequested())
    values = type(shown.values)(
        **{name: getattr(shown.values, name) for name in shown.values.__struct_fields__} | changes
    )
    wanted = ThresholdsToSet(values=values, revision=shown.revision, by="token")
    return await desk.ask(subjects.SET_THRESHOLDS, wanted)


async def test_new_thresholds_are_previewed_then_hold_at_once_and_are_remembered(desk):
    await desk.charge(DEBTOR, DEBT, "1")
    desk.clock.advance(100)
    shown = await desk.ask(subjects.THRESHOLDS, ThresholdsRequested())
    assert (shown.revision, shown.changed_at) == (0, None)
    quick = {
        "maturity_threshold_sec": 10,
        "payment_grace_period_sec": 10,
        "threshold_interval_sec": 10,
    }
    fields = {name: getattr(shown.values, name) for name in shown.values.__struct_fields__}
    wanted = type(shown.values)(**fields | quick)
    preview = await desk.ask(subjects.PREVIEW_THRESHOLDS, ThresholdsToPreview(values=wanted))
    assert (preview.bans, preview.unbans, preview.would_ban) == (1, 0, (DEBTOR,))
    assert await desk.known() == {}

    after = await set_thresholds(desk, **quick)
    assert (after.revision, after.changed_at) == (1, NOW + 100)
    assert await desk.known() == refused("banned", DEBTOR)
    await set_thresholds(desk, unban_below_gwei=DEFAULT_THRESHOLDS.debt_threshold_gwei)
    assert await desk.known() == {}
    assert (await desk.ask(subjects.SCAN, ScanRequested())).banned == 0  # nor next time

    stale = ThresholdsToSet(values=wanted, revision=0, by="token")
    assert await desk.refusal(subjects.SET_THRESHOLDS, stale) is Refusal.CONFLICT
    history = await desk.ask(subjects.THRESHOLDS_HISTORY, ThresholdsHistoryRequested(limit=1))
    assert [(each.revision, each.by) for each in history.changes] == [(2, "token")]
    assert history.more
    older = await desk.ask(subjects.THRESHOLDS_HISTORY, ThresholdsHistoryRequested(before=2))
    assert [each.revision for each in older.changes] == [1]
    assert older.changes[0].before == shown.values


async def test_thresholds_that_do_not_fit_change_nothing(desk):
    shown = await desk.ask(subjects.THRESHOLDS, ThresholdsRequested())
    fields = {name: getattr(shown.values, name) for name in shown.values.__struct_fields__}
    wrong = type(shown.values)(**fields | {"debt_threshold_gwei": 1})
    message = ThresholdsToSet(values=wrong, revision=0, by="token")
    assert await desk.refusal(subjects.SET_THRESHOLDS, message) is Refusal.INVALID
    assert desk.log.revision == 0


async def test_books_that_do_not_verify_ban_and_pardon_nobody(desk):
    await desk.charge(DEBTOR, DEBT, "1")
    desk.clock.advance(OVERDUE_S)
    desk.ledger.distrust(Fault("ledger_entry 1/0", "is not what was written there"))
    assert await desk.refusal(subjects.SCAN, ScanRequested()) is Refusal.CONFLICT
    assert await desk.known() == {}
    await desk.decide("ban")  # an operator still can
    assert await desk.known() == refused("banned", DEBTOR)


async def test_a_changed_stance_makes_the_books_read_only(desk):
    await desk.decide("ban")
    async with desk.ledger.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE wallet_stance SET version = version + 1")
    await desk.restart()
    assert desk.ledger.fault.row == "wallet_stance 1"


async def test_who_owns_up_to_too_little_is_refused_at_once_until_it_does(desk):
    await desk.give_word(0, 1)
    usage = make_usage(wallet=DEBTOR, amount="1000", size=UNVOUCHERED_SIZE)
    await desk.bookkeeper.on_usage(make_report("1", usage, at=desk.clock.unix()))
    assert await desk.known() == {}, "as much as the limit allows"
    usage = make_usage(wallet=DEBTOR, amount="1000", size=UNVOUCHERED_SIZE)
    await desk.bookkeeper.on_usage(make_report("2", usage, at=desk.clock.unix()))
    assert await desk.known() == refused("credit", DEBTOR)
    told = desk.router.told[DEBTOR.raw.hex()]
    assert told.owed_min == str(2_000 - 500), "what leaves half of the limit free"
    [ban] = (await desk.ask(subjects.WALLET_BANS, WalletBansRequested())).wallets
    assert ban.cause == "unvouchered"

    await desk.give_word(900, 2)
    assert await desk.known() == refused("credit", DEBTOR), "still more than the limit"
    await desk.give_word(1_500, 3)
    assert await desk.known() == {}


async def test_refusals_for_a_word_survive_a_restart(desk):
    await desk.give_word(0, 1)
    usage = make_usage(wallet=DEBTOR, amount="5000", size=3 * UNVOUCHERED_SIZE)
    await desk.bookkeeper.on_usage(make_report("1", usage, at=desk.clock.unix()))
    await desk.restart()
    assert await desk.known() == refused("credit", DEBTOR)
    await desk.give_word(5_000, 2)
    assert await desk.known() == {}

"""The accountant's answers, over the in-memory bus."""

import pytest

from masq_accountant.handlers import LIMIT_MAX, PROOFS_MAX, Handlers, serve
from masq_accountant.payers import Payers
from masq_accountant.wallets import Wallets
from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, Refusal
from masq_kernel.bus.memory import MemoryBroker
from masq_kernel.bus.messages.accountant import (
    AccountsRequested,
    CheckpointsRequested,
    EntriesRequested,
    LedgerSummaryRequested,
    ProofToSign,
    SignProofsRequested,
    WalletsRequested,
)
from masq_kernel.bus.subjects import Service
from masq_kernel.clock import ManualClock
from masq_kernel.entropy import SeededEntropy
from masq_kernel.errors import OperatorError
from masq_kernel.identity.keys import IdentityKey
from masq_kernel.identity.keystore import LIGHT, KeyStore
from masq_kernel.identity.proofs import ProofClaim, recover_payer, wallet_of
from masq_kernel.rates import DEFAULT_RATES
from support.ledgers import make_bookkeeper, make_notary, open_ledger
from support.routes import DEV
from support.usage_builders import NOW, WALLETS, make_report, make_usage

KEY, OTHER_KEY = bytes(31) + b"\x05", bytes(31) + b"\x06"


def make_wallets(*, consuming=True):
    keys = {wallet_of(KEY): KEY} if consuming else {}
    return Wallets(chain=DEV, earning=wallet_of(OTHER_KEY), keys=keys)


def make_handlers(ledger, wallets):
    payers = Payers(ledger, wallets, SeededEntropy(1))
    notary = make_notary(ledger, payer_of=payers.of)
    return Handlers(ledger, wallets, payers, notary, ManualClock(NOW))


class Accountant:
    def __init__(self, ledger, broker):
        self.ledger, self.broker = ledger, broker
        self.bookkeeper = make_bookkeeper(ledger)

    async def ask(self, subject, message, *, caller=Service.API):
        return await self.broker.connect(caller).request(subject, message)

    async def refusal(self, subject, message):
        with pytest.raises(BusRefused) as caught:
            await self.ask(subject, message, caller=next(iter(subject.callers)))
        return caught.value.code


@pytest.fixture
async def accountant(tmp_path):
    ledger = await open_ledger(tmp_path)
    broker = MemoryBroker()
    await serve(broker.connect(Service.ACCOUNTANT), make_handlers(ledger, make_wallets()))
    yield Accountant(ledger, broker)
    await ledger.close()


def make_proof(number=0):
    return ProofToSign(
        node_id=IdentityKey.generate(SeededEntropy(number)).node_id,
        earning=WALLETS[number % len(WALLETS)],
        secret_hash=bytes([number]) * 32,
        rates=DEFAULT_RATES,
        expires_at=NOW,
    )


async def test_proofs_are_signed_in_order_by_the_consuming_wallet(accountant):
    proofs = tuple(make_proof(number) for number in range(5))
    signed = await accountant.ask(
        subjects.SIGN_PROOFS, SignProofsRequested(proofs=proofs), caller=Service.ROUTER
    )
    assert set(signed.wallets) == {wallet_of(KEY)}
    for proof, signature in zip(proofs, signed.signatures, strict=True):
        claim = ProofClaim(
            node_id=proof.node_id,
            secret_hash=proof.secret_hash,
            rates=proof.rates,
            expires_at=proof.expires_at,
            owed=int(signed.owed[0]),
            sequence=signed.sequence,
        )
        assert recover_payer(DEV, claim, signature) == wallet_of(KEY)


@pytest.mark.parametrize("count", [0, PROOFS_MAX + 1])
async def test_a_route_has_only_so_many_hops(accountant, count):
    message = SignProofsRequested(proofs=(make_proof(),) * count)
    assert await accountant.refusal(subjects.SIGN_PROOFS, message) is Refusal.INVALID


async def test_without_a_consuming_wallet_nothing_is_signed(tmp_path):
    ledger = await open_ledger(tmp_path)
    broker = MemoryBroker()
    handlers = make_handlers(ledger, make_wallets(consuming=False))
    await serve(broker.connect(Service.ACCOUNTANT), handlers)
    accountant = Accountant(ledger, broker)
    message = SignProofsRequested(proofs=(make_proof(),))
    assert await accountant.refusal(subjects.SIGN_PROOFS, message) is Refusal.NO_WALLET
    shown = await accountant.ask(subjects.WALLETS, WalletsRequested())
    assert (shown.consuming, shown.earning) == (None, wallet_of(OTHER_KEY))
    await ledger.close()


async def test_books_are_listed_by_exact_balance_in_pages(accountant):
    """Amounts that no float can tell apart, and that sort differently as text."""
    amounts = [9, 10**30, 10**30 + 1, 80, 10**30 - 1]
    entries = [
        make_usage(wallet=wallet, amount=str(amount), side="consumed")
        for wallet, amount in zip(WALLETS, amounts, strict=False)
    ]
    await accountant.bookkeeper.on_usage(make_report("1", *entries))
    seen, after = [], None
    while True:
        asked = AccountsRequested(book="payable", limit=2, after=after)
        page = await accountant.ask(subjects.ACCOUNTS, asked)
        seen += page.accounts
        if not page.more:
            break
        after = page.accounts[-1].wallet
    assert [int(account.balance) for account in seen] == sorted(amounts, reverse=True)
    assert seen[0].oldest_unpaid_at == NOW
    assert (await accountant.ask(subjects.ACCOUNTS, AccountsRequested(book="receivable"))) == (
        type(page)(accounts=(), more=False)
    )


async def test_one_wallet_can_be_picked(accountant):
    await accountant.bookkeeper.on_usage(
        make_report("1", make_usage(), make_usage(wallet=WALLETS[1]))
    )
    asked = AccountsRequested(book="receivable", wallet=WALLETS[1])
    page = await accountant.ask(subjects.ACCOUNTS, asked)
    assert [account.wallet for account in page.accounts] == [WALLETS[1]]


@pytest.mark.parametrize("limit", [0, -1, LIMIT_MAX + 1])
async def test_a_page_has_only_so_many_lines(accountant, limit):
    asked = AccountsRequested(book="payable", limit=limit)
    assert await accountant.refusal(subjects.ACCOUNTS, asked) is Refusal.INVALID


async def test_history_shows_debts_upward_in_both_books(accountant):
    for number in range(3):
        await accountant.bookkeeper.on_usage(
            make_report(str(number), make_usage(), make_usage(side="consumed", amount="7"))
        )

    async def history(**asked):
        message = EntriesRequested(wallet=WALLETS[0], **asked)
        return await accountant.ask(subjects.ENTRIES, message)

    page = await history(book="payable", limit=2)
    assert [(line.transaction, line.amount) for line in page.entries] == [(3, "7"), (2, "7")]
    assert page.more
    older = await history(book="payable", before=2)
    assert [line.transaction for line in older.entries] == [1]
    received = await history(book="receivable")
    assert {line.amount for line in received.entries} == {"53844"}


async def test_an_unknown_wallet_has_no_history(accountant):
    asked = EntriesRequested(book="payable", wallet=WALLETS[4])
    assert await accountant.refusal(subjects.ENTRIES, asked) is Refusal.NOT_FOUND


async def test_the_summary_adds_up(accountant):
    await accountant.bookkeeper.on_usage(
        make_report("1", make_usage(), make_usage(wallet=WALLETS[1], side="consumed", amount="5"))
    )
    summary = await accountant.ask(subjects.LEDGER_SUMMARY, LedgerSummaryRequested())
    assert (summary.payable, summary.receivable) == ("5", "53844")
    assert (summary.payable_accounts, summary.receivable_accounts) == (1, 1)
    assert summary.transactions == 1


def test_wallets_come_from_the_key_store(tmp_path):
    store = KeyStore.create(tmp_path / "keystore.json", "pass", SeededEntropy(1), work=LIGHT)
    with pytest.raises(OperatorError, match="masq init"):
        Wallets.from_keystore(store, DEV)
    store.put("earning-wallet", OTHER_KEY)
    assert Wallets.from_keystore(store, DEV).consuming is None
    store.put("consuming-wallet", KEY)
    wallets = Wallets.from_keystore(store, DEV)
    assert wallets.own == {wallet_of(KEY), wallet_of(OTHER_KEY)}
    assert KEY.hex() not in repr(wallets)


async def test_what_is_asked_for_of_a_book_is_chosen_before_it_is_cut_into_pages(accountant):
    amounts = [5, 50, 500]
    entries = [
        make_usage(wallet=wallet, amount=str(amount), side="consumed")
        for wallet, amount in zip(WALLETS, amounts, strict=False)
    ]
    await accountant.bookkeeper.on_usage(make_report("1", *entries))
    asked = AccountsRequested(book="payable", balance_min="50", place="owing", limit=1)
    page = await accountant.ask(subjects.ACCOUNTS, asked)
    assert ([account.balance for account in page.accounts], page.more) == (["500"], True)
    assert page.accounts[0].charged == "500"
    for wrong in ("-1", "1e3", "", "1" * 79):
        refused = AccountsRequested(book="payable", balance_min=wrong)
        assert await accountant.refusal(subjects.ACCOUNTS, refused) is Refusal.INVALID


async def test_checkpoints_are_listed_newest_first(accountant):
    for number in range(1, 4):
        await accountant.bookkeeper.on_usage(make_report(str(number), make_usage()))
        await accountant.ledger.make_checkpoint(NOW)
    page = await accountant.ask(subjects.CHECKPOINTS, CheckpointsRequested(limit=2))
    assert ([each.number for each in page.checkpoints], page.more) == ([3, 2], True)
    rest = await accountant.ask(subjects.CHECKPOINTS, CheckpointsRequested(before=2))
    assert ([each.number for each in rest.checkpoints], rest.more) == ([1], False)
    assert len(page.checkpoints[0].signature) == 64

"""What two nodes sign about one debt, and what they can hold against each other."""

import json
from dataclasses import replace

import msgspec
import pytest

from masq_accountant.ledger import Account, Entry, Kind
from masq_accountant.ledger.evidence import (
    SLACK_SIZE,
    Finding,
    Question,
    Statement,
    compare,
    slack_of,
)
from masq_accountant.reconciler import AT_REST_S, Reconciler
from masq_accountant.wallets import Wallets
from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, Refusal
from masq_kernel.bus.memory import MemoryBroker
from masq_kernel.bus.messages.router import CreditorAnswered, VoucherGiven
from masq_kernel.bus.subjects import Service
from masq_kernel.chains import chain_named
from masq_kernel.clock import ManualClock
from masq_kernel.entropy import SeededEntropy
from masq_kernel.errors import MalformedError
from masq_kernel.identity.eip191 import wallet_of
from masq_kernel.identity.keys import IdentityKey, WalletAddress
from masq_kernel.identity.proofs import ProofClaim, sign_proof, verify_proof
from masq_kernel.rates import DEFAULT_RATES
from support.ledgers import IDENTITY, make_notary, open_ledger

DEV, NOW = chain_named("dev"), 1_800_000_000
KEY = bytes(31) + b"\x05"
DEBTOR = wallet_of(KEY)
CREDITOR = IdentityKey.from_seed(bytes(31) + b"\x21")
EARNING = WalletAddress(bytes(19) + b"\x22")
PRICE = 100
SIZE = 1 << 34
OWED = PRICE * SIZE
SLACK = PRICE * SLACK_SIZE + OWED // 1_000


def statement(charged, *, by=CREDITOR, nonce=bytes(16), wallet=DEBTOR):
    return Statement(
        node_id=by.node_id,
        wallet=wallet,
        nonce=nonce,
        charged=charged,
        received=0,
        vouched=0,
        sequence=0,
        as_of=NOW,
    ).signed(by, DEV)


# -- what is signed ------------------------------------------------------------------------------


def test_a_statement_is_read_as_it_was_signed_and_no_bit_can_change():
    made = statement(2**255)
    data = made.to_bytes()
    assert Statement.from_bytes(data, DEV) == made
    for at in range(0, len(data), 7):
        changed = bytearray(data)
        changed[at] ^= 1
        with pytest.raises(MalformedError):
            Statement.from_bytes(bytes(changed), DEV)
    with pytest.raises(MalformedError):
        Statement.from_bytes(data, chain_named("base-sepolia"))


def make_question(**changes):
    asked = Question(node_id=CREDITOR.node_id, wallet=DEBTOR, nonce=b"n" * 16, asked_at=NOW)
    return replace(asked, **changes)


def test_a_question_proves_its_wallet():
    data = make_question().to_bytes(DEV, KEY)
    read = Question.from_bytes(data, DEV, node_id=CREDITOR.node_id, now=NOW + 200)
    assert read == make_question()
    assert statement(1, nonce=read.nonce).answers(read)
    assert not statement(1, nonce=bytes(16)).answers(read)


@pytest.mark.parametrize(
    ("question", "key", "node", "now"),
    [
        (make_question(), bytes(31) + b"\x06", CREDITOR, NOW),  # somebody else asks
        (make_question(), KEY, IDENTITY, NOW),  # another node was asked
        (make_question(), KEY, CREDITOR, NOW + 301),  # long ago
    ],
)
def test_a_question_that_proves_nothing_is_refused(question, key, node, now):
    with pytest.raises(MalformedError):
        Question.from_bytes(question.to_bytes(DEV, key), DEV, node_id=node.node_id, now=now)


def test_a_question_of_another_size_is_refused():
    with pytest.raises(MalformedError):
        Question.from_bytes(b"x" * 140, DEV, node_id=CREDITOR.node_id, now=NOW)


@pytest.mark.parametrize(
    ("theirs", "finding"),
    [
        (OWED, Finding.AGREED),
        (OWED + SLACK, Finding.AGREED),
        (OWED + SLACK + 1, Finding.DISPUTED),
        (OWED - 1, Finding.LOWER),
        (0, Finding.LOWER),
    ],
)
def test_only_what_loss_explains_is_agreed(theirs, finding):
    assert slack_of(OWED, SIZE) == SLACK
    assert compare(OWED, theirs, SLACK) is finding


# -- a creditor and its debtors ------------------------------------------------------------------


class Creditor:
    """An accountant that is owed something."""

    def __init__(self, ledger):
        self.ledger = ledger
        self.clock = ManualClock(NOW)
        self.notary = make_notary(ledger, self.clock, unvouchered_size=SIZE // 4)

    async def charge(self, amount, size=SIZE):
        entries = [
            Entry(account=Account(Kind.RECEIVABLE, DEBTOR), amount=amount, size=size),
            Entry(account=Account(Kind.INCOME_ROUTING), amount=-amount),
        ]
        await self.ledger.book(f"usage:{self.ledger.count}", entries, NOW)


def voucher(owed, sequence=1):
    claim = ProofClaim(
        node_id=IDENTITY.node_id,
        secret_hash=bytes(32),
        rates=DEFAULT_RATES,
        expires_at=NOW,
        owed=owed,
        sequence=sequence,
    )
    return VoucherGiven(
        wallet=DEBTOR,
        secret_hash=bytes(32),
        rates=DEFAULT_RATES,
        expires_at=NOW,
        owed=str(owed),
        sequence=sequence,
        signature=sign_proof(KEY, DEV, claim),
    )


@pytest.fixture
async def creditor(tmp_path, books_url):
    ledger = await open_ledger(tmp_path, books_url)
    yield Creditor(ledger)
    await ledger.close()


async def test_the_last_word_counts_and_is_kept(creditor):
    await creditor.charge(OWED)
    await creditor.notary.take([voucher(5, 1), voucher(9, 3), voucher(7, 2)])
    assert creditor.notary.vouchers[DEBTOR].owed == 9
    assert await creditor.notary.take([voucher(8, 2)]) == []
    again = make_notary(creditor.ledger)
    await again.load()
    kept = again.vouchers[DEBTOR]
    assert kept == creditor.notary.vouchers[DEBTOR]
    assert verify_proof(DEV, kept.claim, DEBTOR, kept.signature)


async def test_strangers_without_end_are_not_remembered_without_end(creditor, monkeypatch):
    monkeypatch.setattr("masq_accountant.notary.STRANGERS_MAX", 10)
    await creditor.charge(OWED)
    await creditor.notary.take([voucher(7, 1)])
    for number in range(40):
        stranger = WalletAddress(number.to_bytes(20, "big"))
        await creditor.notary.take([msgspec.structs.replace(voucher(0, 2), wallet=stranger)])
    assert len(creditor.notary.vouchers) == 11
    assert creditor.notary.vouchers[DEBTOR].owed == 7
    again = make_notary(creditor.ledger)
    await again.load()
    assert list(again.vouchers) == [DEBTOR]


async def test_what_is_charged_beyond_the_last_word_is_known(creditor):
    await creditor.charge(OWED)
    assert creditor.notary.uncovered(DEBTOR) is None
    await creditor.notary.take([voucher(OWED // 2)])
    uncovered = creditor.notary.uncovered(DEBTOR)
    assert (uncovered.amount, uncovered.limit) == (OWED // 2, OWED // 4)


async def test_a_debtor_that_owns_up_to_less_than_before_is_a_dispute_with_both_words(creditor):
    await creditor.charge(OWED)
    await creditor.notary.take([voucher(OWED, 1)])
    await creditor.notary.take([voucher(OWED // 2, 2)])
    assert creditor.notary.vouchers[DEBTOR].owed == OWED
    [dispute] = creditor.notary.disputes.values()
    assert (dispute.ours, dispute.theirs) == (OWED, OWED // 2)
    assert (dispute.node_id, dispute.wallet) == (IDENTITY.node_id, DEBTOR)
    ours = Statement.from_bytes(bytes.fromhex(json.loads(dispute.ours_signed)["signed"]), DEV)
    assert (ours.charged, ours.vouched) == (OWED, OWED)
    assert json.loads(dispute.theirs_signed)["owed"] == str(OWED // 2)
    again = make_notary(creditor.ledger)
    await again.load()
    assert list(again.disputes.values()) == [dispute]


async def test_a_debtor_that_settles_on_a_slightly_lower_figure_is_none(creditor):
    await creditor.charge(OWED)
    await creditor.notary.take([voucher(OWED, 1)])
    await creditor.notary.take([voucher(OWED - SLACK, 2)])
    assert creditor.notary.disputes == {}


async def test_a_dispute_is_closed_when_the_debtor_owns_up(creditor):
    await creditor.charge(OWED)
    await creditor.notary.take([voucher(OWED, 1)])
    await creditor.notary.take([voucher(OWED // 2, 2)])
    assert creditor.notary.open_disputes == 1
    await creditor.notary.take([voucher(OWED, 3)])
    assert creditor.notary.open_disputes == 0
    assert next(iter(creditor.notary.disputes.values())).closed_at is not None


async def test_who_proves_its_wallet_gets_a_statement_about_it_and_nobody_else(creditor):
    await creditor.charge(OWED)
    await creditor.notary.take([voucher(OWED // 2)])
    asked = make_question(node_id=IDENTITY.node_id)
    answer = Statement.from_bytes(creditor.notary.answer(asked.to_bytes(DEV, KEY)), DEV)
    assert answer.answers(asked)
    assert (answer.charged, answer.received, answer.vouched) == (OWED, 0, OWED // 2)
    stranger = make_question(node_id=IDENTITY.node_id, wallet=wallet_of(bytes(31) + b"\x07"))
    with pytest.raises(MalformedError):
        creditor.notary.answer(stranger.to_bytes(DEV, KEY))


async def test_a_cell_of_evidence_that_was_changed_makes_the_books_read_only(creditor):
    await creditor.charge(OWED)
    await creditor.notary.take([voucher(5)])
    async with creditor.ledger.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE voucher SET version = version + 1")
    await make_notary(creditor.ledger).load()
    assert str(creditor.ledger.fault) == "voucher 1: is not what was written"


async def test_nothing_of_the_evidence_is_readable_at_rest(tmp_path):
    made = Creditor(await open_ledger(tmp_path))
    await made.charge(987_654_321_012_345_678)
    await made.notary.take([voucher(987_654_321_012_345_678, 1)])
    await made.notary.take([voucher(1, 2)])
    assert made.notary.open_disputes == 1
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    await made.ledger.close()
    stored += b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"dispute" in stored
    for secret in (DEBTOR.raw, IDENTITY.node_id.raw, voucher(1, 2).signature):
        assert secret not in stored
        assert secret.hex().encode() not in stored
    for text in (DEBTOR.text, IDENTITY.node_id.text, "987654321012345678"):
        assert text.encode() not in stored


# -- a debtor and its creditors ------------------------------------------------------------------


class Debtor:
    """An accountant that owes a node something, which answers what the test wants."""

    def __init__(self, ledger):
        self.ledger, self.clock = ledger, ManualClock(NOW)
        self.notary = make_notary(ledger, self.clock, payer_of=lambda _creditor: DEBTOR)
        self.broker, self.told, self.charged = MemoryBroker(), [], OWED
        wallets = Wallets(chain=DEV, earning=EARNING, keys={DEBTOR: KEY})
        bus = self.broker.connect(Service.ACCOUNTANT)
        entropy = SeededEntropy(5)
        self.reconciler = Reconciler(ledger, self.notary, wallets, bus, self.clock, entropy)
        self.answers = self.honest

    async def start(self):
        await self.broker.connect(Service.ROUTER).serve(subjects.ASK_CREDITOR, self._on_ask)
        await self.broker.connect(Service.GOSSIP).listen(subjects.CREDITOR_DISPUTED, self._on_told)
        entries = [
            Entry(account=Account(Kind.PAYABLE, EARNING), amount=-OWED, size=SIZE),
            Entry(account=Account(Kind.EXPENSE_ROUTING), amount=OWED),
            Entry(
                account=Account(Kind.OWED_TO_NODE, EARNING, CREDITOR.node_id),
                amount=-OWED,
                size=SIZE,
            ),
            Entry(account=Account(Kind.OWED_TO_NODES), amount=OWED),
        ]
        await self.ledger.book("usage:1", entries, NOW - 2 * AT_REST_S)

    async def _on_told(self, message):
        self.told.append(message.node_id)

    async def _on_ask(self, message):
        asked = Question.from_bytes(message.question, DEV, node_id=CREDITOR.node_id, now=NOW)
        return CreditorAnswered(answer=self.answers(asked))

    def honest(self, asked):
        return statement(self.charged, nonce=asked.nonce).to_bytes()

    async def reconcile(self):
        await self.reconciler.reconcile(self.notary.creditors())
        [finding] = self.reconciler.findings
        return finding.finding

    def balances(self):
        standings = self.ledger.standings()
        return (
            standings[Account(Kind.PAYABLE, EARNING)].balance,
            self.notary.owed(CREDITOR.node_id, DEBTOR),
        )


@pytest.fixture
async def debtor(tmp_path, books_url):
    ledger = await open_ledger(tmp_path, books_url)
    made = Debtor(ledger)
    await made.start()
    yield made
    await ledger.close()


async def test_books_that_agree_are_left_alone(debtor):
    assert await debtor.reconcile() == "agreed"
    assert debtor.balances() == (-OWED, OWED)
    assert debtor.notary.disputes == {}


async def test_a_creditor_that_asks_for_more_gets_no_more_and_its_reputation_falls(debtor):
    debtor.charged = OWED + SLACK + 1
    assert await debtor.reconcile() == "disputed"
    assert debtor.balances() == (-OWED, OWED)
    assert debtor.told == [CREDITOR.node_id]
    [dispute] = debtor.notary.disputes.values()
    assert (dispute.ours, dispute.theirs) == (OWED, OWED + SLACK + 1)
    theirs = Statement.from_bytes(bytes.fromhex(json.loads(dispute.theirs_signed)["signed"]), DEV)
    assert theirs.charged == OWED + SLACK + 1
    assert json.loads(dispute.ours_signed)["owed"] == str(OWED)
    debtor.charged = OWED
    assert await debtor.reconcile() == "agreed"
    assert debtor.notary.open_disputes == 0


async def test_the_lower_of_two_figures_is_settled_on_once_traffic_rests(debtor):
    debtor.charged = OWED - 77
    assert await debtor.reconcile() == "lower"
    assert debtor.balances() == (-(OWED - 77), OWED - 77)
    assert sum(debtor.ledger.standings()[each].balance for each in debtor.ledger.standings()) == 0
    assert await debtor.reconcile() == "agreed"


async def test_while_traffic_goes_on_a_lower_figure_only_has_not_arrived_yet(debtor):
    entries = [
        Entry(account=Account(Kind.PAYABLE, EARNING), amount=-5),
        Entry(account=Account(Kind.EXPENSE_ROUTING), amount=5),
        Entry(account=Account(Kind.OWED_TO_NODE, EARNING, CREDITOR.node_id), amount=-5),
        Entry(account=Account(Kind.OWED_TO_NODES), amount=5),
    ]
    await debtor.ledger.book("usage:2", entries, NOW)
    assert await debtor.reconcile() == "lower"
    assert debtor.balances() == (-(OWED + 5), OWED + 5)


@pytest.mark.parametrize(
    "answer",
    [
        lambda asked: statement(OWED, nonce=bytes(16)).to_bytes(),  # an old one
        lambda asked: statement(OWED, by=IDENTITY, nonce=asked.nonce).to_bytes(),  # of another node
        lambda asked: statement(OWED, nonce=asked.nonce, wallet=EARNING).to_bytes(),
        lambda asked: b"nonsense",
    ],
)
async def test_what_is_no_answer_of_this_creditor_counts_as_silence(debtor, answer):
    debtor.answers = answer
    assert await debtor.reconcile() == "silent"
    assert debtor.notary.disputes == {}


async def test_without_a_route_it_is_asked_the_next_time(debtor):
    def refuse(_asked):
        raise BusRefused(Refusal.NO_ROUTE, "none")

    debtor.answers = refuse
    assert await debtor.reconcile() == "silent"
    debtor.answers = debtor.honest
    assert await debtor.reconcile() == "agreed"

"""The books: entries cancel, balances are sums, repeats change nothing, order does not matter."""

from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masq_accountant.errors import UnbalancedTransaction, UsageRefused
from masq_accountant.ledger import Account, Books, Entry, entries_for, verify
from masq_accountant.ledger.journal import Kind
from masq_kernel.bus.messages.router import UsageEntry, UsageReported
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.units import ByteCount, UnixSeconds, Wei

NOW = UnixSeconds(1_800_000_000)
WALLETS = [WalletAddress(bytes([number]) * 20) for number in range(4)]

USAGE = st.builds(
    UsageEntry,
    session_id=st.just(bytes(16)),
    side=st.sampled_from(["provided", "consumed"]),
    service=st.sampled_from(["routing", "exit"]),
    wallet=st.sampled_from(WALLETS),
    packages=st.integers(0, 1 << 40),
    size=st.integers(0, 1 << 50),
    amount=st.integers(0, 1 << 256).map(str),
)
REPORTS = st.lists(st.lists(USAGE, min_size=1, max_size=5), max_size=10).map(
    lambda batches: [
        UsageReported(event_id=str(number), at=NOW, entries=tuple(entries))
        for number, entries in enumerate(batches)
    ]
)


def book_all(reports, own=()):
    books, transactions = Books(), []
    for report in reports:
        transactions.append(books.book(report.event_id, entries_for(report, own), report.at))
    return books, transactions


@given(REPORTS)
def test_entries_cancel_and_balances_are_what_was_reported(reports):
    books, transactions = book_all(reports)
    owed = defaultdict(int)
    for report in reports:
        for usage in report.entries:
            owed[usage.side, usage.wallet] += int(usage.amount)
    assert sum(books.balances.values()) == 0
    for wallet in WALLETS:
        assert books.owed_by(wallet) == owed["provided", wallet]
        assert books.owed_to(wallet) == owed["consumed", wallet]
    assert verify(transactions, books.balances) is None


@given(REPORTS, st.randoms())
def test_order_changes_no_balance(reports, chance):
    books, _ = book_all(reports)
    again = [*reports]
    chance.shuffle(again)
    assert book_all(again)[0].balances == books.balances


@given(REPORTS)
def test_what_is_drafted_has_not_happened(reports):
    books, _ = book_all(reports)
    before = replace(books, standings=dict(books.standings))
    entries = [
        Entry(account=Account(Kind.RECEIVABLE, WALLETS[0]), amount=Wei(10)),
        Entry(account=Account(Kind.INCOME_ROUTING), amount=Wei(-10)),
    ]
    books.draft("again", entries, NOW)
    assert books == before


def test_a_standing_is_open_from_its_first_debt_until_it_is_paid():
    def standing_after(amounts):
        books = Books()
        for second, amount in enumerate(amounts):
            entries = [
                Entry(account=Account(Kind.RECEIVABLE, WALLETS[0]), amount=Wei(amount)),
                Entry(account=Account(Kind.INCOME_ROUTING), amount=Wei(-amount)),
            ]
            books.book(str(second), entries, UnixSeconds(100 + second))
        return books.standings[Account(Kind.RECEIVABLE, WALLETS[0])]

    assert standing_after([5, 6]).open_since == 100
    assert standing_after([5, -5]).open_since is None
    assert standing_after([5, -5, 1]).open_since == 102
    assert standing_after([5, 6]).updated_at == 101


@given(REPORTS)
def test_own_wallets_are_never_charged(reports):
    books, _ = book_all(reports, own=set(WALLETS[:1]))
    assert books.owed_by(WALLETS[0]) == books.owed_to(WALLETS[0]) == 0


def make_transactions(count=6):
    books, transactions = Books(), []
    for number in range(count):
        entries = [
            Entry(account=Account(Kind.RECEIVABLE, WALLETS[0]), amount=Wei(10 + number)),
            Entry(account=Account(Kind.INCOME_ROUTING), amount=Wei(-10 - number)),
        ]
        transactions.append(books.book(str(number), entries, NOW))
    return books, transactions


@pytest.mark.parametrize("place", range(5))
def test_a_changed_removed_or_reordered_transaction_is_named(place):
    _, transactions = make_transactions()
    first, second = transactions[place].entries
    raised = (
        replace(first, amount=Wei(first.amount - 1)),
        replace(second, amount=Wei(second.amount + 1)),
    )
    changed = [*transactions]
    changed[place] = replace(changed[place], entries=raised)
    removed = transactions[:place] + transactions[place + 1 :]
    swapped = [*transactions]
    swapped[place], swapped[place + 1] = swapped[place + 1], swapped[place]
    assert verify(changed) == place + 2  # the next one's `previous` no longer fits
    assert verify(removed) == place + 1
    assert verify(swapped) == place + 1


def test_a_forged_balance_or_last_transaction_is_found():
    books, transactions = make_transactions()
    forged = {**books.balances, Account(Kind.RECEIVABLE, WALLETS[0]): Wei(1)}
    assert verify(transactions, forged) == 7
    assert verify(transactions[:-1], books.balances) == 6


def test_entries_that_do_not_cancel_change_nothing():
    books = Books()
    entry = Entry(account=Account(Kind.INCOME_EXIT), amount=Wei(1), size=ByteCount(1))
    with pytest.raises(UnbalancedTransaction):
        books.book("x", [entry], NOW)
    assert books == Books()


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": "-1"},
        {"amount": ""},
        {"amount": "1.5"},
        {"amount": "٣"},
        {"amount": "9" * 79},
        {"amount": str((1 << 256) + 1)},
        {"packages": -1},
        {"size": -1},
    ],
)
def test_an_impossible_figure_refuses_the_whole_report(wrong):
    fields = {
        "session_id": bytes(16),
        "side": "provided",
        "service": "exit",
        "wallet": WALLETS[0],
        "packages": 1,
        "size": ByteCount(1),
        "amount": "1",
    }
    good, bad = UsageEntry(**fields), UsageEntry(**{**fields, **wrong})
    report = UsageReported(event_id="1", at=NOW, entries=(good, bad))
    with pytest.raises(UsageRefused):
        entries_for(report, ())

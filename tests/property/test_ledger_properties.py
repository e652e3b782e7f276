"""The books: entries cancel, balances are sums, repeats change nothing, order does not matter."""

from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masq_accountant.errors import UnbalancedTransaction, UsageRefused
from masq_accountant.ledger import Account, Books, Entry, Head, Kind, Standing, Walk, entries_for
from masq_accountant.ledger.numbers import NumberReader, number_bytes
from masq_accountant.ledger.unpaid import LOTS_MAX
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


def head_of(posting):
    done = posting.transaction
    return Head(done.number, done.at, done.cause, done.previous, posting.hash)


def walk(postings):
    """Return the number of the first transaction with a fault, or None, and the sums."""
    verified = Walk()
    for posting in postings:
        if verified.take(head_of(posting), posting.lines) is not None:
            return verified.number + 1, verified.sums
    return None, verified.sums


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
    fault, sums = walk(transactions)
    assert fault is None
    assert sums == {account.to_bytes(): value for account, value in books.balances.items()}


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
    _, postings = make_transactions()
    changed = [*postings]
    other_lines = tuple(reversed(changed[place].lines))
    changed[place] = replace(changed[place], lines=other_lines)
    removed = postings[:place] + postings[place + 1 :]
    swapped = [*postings]
    swapped[place], swapped[place + 1] = swapped[place + 1], swapped[place]
    assert walk(changed)[0] == place + 1
    assert walk(removed)[0] == place + 1
    assert walk(swapped)[0] == place + 1


@given(st.integers(-(1 << 300), 1 << 300))
def test_a_number_is_written_one_way(value):
    data = number_bytes(value)
    reader = NumberReader(data)
    assert reader.next() == value
    assert reader.is_at_end
    longer = bytes([data[0] + 1]) + (b"\xff" if value < 0 else b"\0") + data[1:]
    with pytest.raises(ValueError, match="not a number"):
        NumberReader(longer).next()
    with pytest.raises(ValueError, match="not a number"):
        NumberReader(data[:-1]).next()


@given(REPORTS)
def test_what_is_kept_of_an_account_and_an_entry_reads_the_same(reports):
    books, postings = book_all(reports)
    for standing in books.standings.values():
        assert Standing.from_bytes(standing.to_bytes()) == standing
    for posting in postings:
        assert [Entry.from_bytes(line) for line in posting.lines] == [*posting.transaction.entries]


MOVES = st.lists(
    st.tuples(st.integers(0, 5_000), st.sampled_from(["charge", "pay"]), st.integers(1, 1_000)),
    max_size=120,
)


def exact_since(moves):
    """First in, first out, with every single charge remembered."""
    charges, paid, now = [], 0, 0
    for seconds, what, amount in moves:
        now += seconds
        if what == "charge":
            charges.append((now, amount))
        else:
            paid += amount
    for since, amount in charges:
        paid -= amount
        if paid < 0:
            return since, now
    return None, now


@given(MOVES)
def test_age_counts_from_the_oldest_unpaid_charge(moves):
    books, account, now = Books(), Account(Kind.RECEIVABLE, WALLETS[0]), 0
    for number, (seconds, what, amount) in enumerate(moves):
        now += seconds
        signed = amount if what == "charge" else -amount
        entries = [
            Entry(account=account, amount=Wei(signed)),
            Entry(account=Account(Kind.INCOME_ROUTING), amount=Wei(-signed)),
        ]
        books.book(str(number), entries, UnixSeconds(now))
    standing = books.standings.get(account, Standing())
    exact, end = exact_since(moves)
    if exact is None:
        assert standing.open_since is None
        return
    assert standing.open_since <= exact
    assert len(standing.unpaid.lots) <= LOTS_MAX
    if len(moves) <= LOTS_MAX:
        assert standing.open_since == exact
    # A lot is at most a sixteenth of the time since the oldest charge that was ever open.
    assert exact - standing.open_since < max(1, standing.unpaid.step_s)
    assert standing.unpaid.step_s <= max(1, end * 2 // LOTS_MAX)


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

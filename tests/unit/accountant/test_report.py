"""Who owes how much, since when, and where on the curve."""

import pytest

from masq_accountant.ledger import Account, Kind, Standing
from masq_accountant.ledger.report import Wish, lines_of, select, totals
from masq_accountant.ledger.thresholds import Thresholds
from masq_accountant.ledger.unpaid import Unpaid
from masq_kernel.units import WEI_PER_GWEI, UnixSeconds, Wei
from support.usage_builders import NOW, WALLETS

THRESHOLDS = Thresholds(
    debt_threshold_gwei=1_000,
    maturity_threshold_sec=100,
    payment_grace_period_sec=50,
    permanent_debt_allowed_gwei=100,
    threshold_interval_sec=900,
    unban_below_gwei=100,
)


def standing(owed_gwei, age_s, kind):
    balance = Wei(owed_gwei * WEI_PER_GWEI * (1 if kind is Kind.RECEIVABLE else -1))
    unpaid = Unpaid().charged(UnixSeconds(NOW - age_s), Wei(0)) if owed_gwei > 0 else Unpaid()
    return Standing(balance=balance, charged=Wei(owed_gwei * WEI_PER_GWEI * 2), unpaid=unpaid)


def book(kind, *accounts):
    return {
        Account(kind, WALLETS[number]): standing(owed, age_s, kind)
        for number, (owed, age_s) in enumerate(accounts)
    }


def lines(kind, *accounts):
    return lines_of(book(kind, *accounts), kind, THRESHOLDS, NOW)


@pytest.mark.parametrize(
    ("owed", "age_s", "place"),
    [
        (0, 0, "settled"),
        (5_000, 100, "owing"),  # as much as you like, but young
        (1_000, 101, "over"),
        (999, 101, "owing"),
        (100, 10_000, "owing"),
        (101, 10_000, "over"),
    ],
)
def test_a_payable_is_due_above_the_curve(owed, age_s, place):
    [line] = lines(Kind.PAYABLE, (owed, age_s))
    assert line.place == place


def test_a_receivable_is_delinquent_a_grace_period_later():
    for age_s, place in ((149, "owing"), (151, "over")):
        [line] = lines(Kind.RECEIVABLE, (1_000, age_s))
        assert line.place == place


def test_what_is_allowed_falls_with_age_and_no_further_than_for_ever():
    young, mature, old = lines(Kind.PAYABLE, (5, 100), (5, 550), (5, 100_000))
    assert young.allowed is None
    assert mature.allowed == pytest.approx(550 * WEI_PER_GWEI)
    assert old.allowed == 100 * WEI_PER_GWEI


def test_lines_are_chosen_and_put_in_order():
    all_lines = lines(Kind.PAYABLE, (10, 5), (30, 1), (20, 9_000), (0, 0))

    def owed(**wish):
        return [line.owed // WEI_PER_GWEI for line in select(all_lines, Wish(**wish))]

    assert owed() == [30, 20, 10, 0]
    assert owed(by="age") == [20, 10, 30, 0]
    assert owed(owed_min=Wei(20 * WEI_PER_GWEI)) == [30, 20]
    assert owed(age_min_s=5) == [20, 10]
    assert owed(place="settled") == [0]
    assert owed(wallet=WALLETS[2]) == [20]


def test_a_book_is_summed_up():
    found = totals(lines(Kind.RECEIVABLE, (500, 5_000), (50, 20), (0, 0)))
    assert found.accounts == 3
    assert found.owed == 550 * WEI_PER_GWEI
    assert (found.over, found.accounts_over) == (500 * WEI_PER_GWEI, 1)
    assert found.charged == 1_100 * WEI_PER_GWEI
    assert found.since == NOW - 5_000
    assert totals([]).since is None

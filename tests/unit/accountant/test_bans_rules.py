"""Who is refused, by what its account says and what an operator decided."""

from dataclasses import replace

import pytest

from masq_accountant.ledger import Account, Books, Entry, Kind
from masq_accountant.ledger.bans import (
    NEUTRAL,
    Cause,
    Decision,
    Stance,
    Verdict,
    judge,
)
from masq_accountant.ledger.thresholds import DEFAULT_THRESHOLDS
from masq_kernel.units import UnixSeconds, Wei
from support.usage_builders import WALLETS

MASQ = 10**18
START = 1_800_000_000


class Debtor:
    """One wallet's receivable, and what is thought of it, as time passes."""

    def __init__(self):
        self.books, self.now, self.stance = Books(), START, NEUTRAL

    def owes(self, amount):
        entries = [
            Entry(account=Account(Kind.RECEIVABLE, WALLETS[0]), amount=Wei(amount)),
            Entry(account=Account(Kind.INCOME_ROUTING), amount=Wei(-amount)),
        ]
        self.books.book(str(self.books.count), entries, UnixSeconds(self.now))
        return self

    def judged(self, after=0, thresholds=DEFAULT_THRESHOLDS):
        self.now += after
        standing = self.books.standings[Account(Kind.RECEIVABLE, WALLETS[0])]
        self.stance = judge(self.stance, standing, thresholds, UnixSeconds(self.now))
        return self.stance.refusal

    def decided(self, verdict):
        decision = Decision(verdict, UnixSeconds(self.now), "token", "because")
        self.stance = replace(self.stance, decision=decision)
        return self


def test_a_wallet_that_does_not_pay_is_banned_when_the_curve_says_so():
    debtor = Debtor().owes(999_976_851_851_851_853)
    assert debtor.judged(2_400) is None
    assert debtor.judged(1) is Cause.DELINQUENT
    assert debtor.stance.automatic.since == START + 2_401


def test_a_newcomer_may_owe_less_until_it_has_paid_as_much():
    strict = replace(DEFAULT_THRESHOLDS, newcomer_limit_gwei=10**8)
    debtor = Debtor().owes(MASQ // 10)
    assert debtor.judged(thresholds=strict) is None
    assert debtor.owes(1).judged(thresholds=strict) is Cause.CREDIT
    assert debtor.owes(-1).judged(thresholds=strict) is None
    assert debtor.owes(MASQ).judged(thresholds=strict) is Cause.CREDIT, "dust makes nobody known"
    debtor.owes(-MASQ)
    assert debtor.owes(3 * MASQ // 2 - MASQ // 10).judged(thresholds=strict) is None
    assert debtor.owes(1).judged(thresholds=strict) is Cause.CREDIT, "as for everybody"


def test_dust_does_not_defer_a_ban():
    debtor = Debtor().owes(MASQ)
    for _ in range(24):
        assert debtor.judged(100) is None
        debtor.owes(-1)
    assert debtor.judged(1) is Cause.DELINQUENT


def test_an_idle_account_is_not_born_mature():
    debtor = Debtor().owes(MASQ).owes(-MASQ)
    debtor.judged(1_000_000)
    debtor.owes(MASQ)
    assert debtor.judged(2_400) is None


def test_it_is_welcome_again_at_the_unban_line_and_not_before():
    debtor = Debtor().owes(MASQ)
    assert debtor.judged(3_000) is Cause.DELINQUENT
    debtor.owes(-MASQ // 2 + 1)
    assert debtor.judged(10) is Cause.DELINQUENT
    debtor.owes(-1)
    assert debtor.judged(10) is None


def test_credit_ends_at_once_whatever_the_age():
    debtor = Debtor().owes(15 * MASQ // 10)
    assert debtor.judged() is None
    debtor.owes(1)
    assert debtor.judged() is Cause.CREDIT
    debtor.owes(-1)
    assert debtor.judged() is None


def test_who_exhausted_its_credit_and_does_not_pay_becomes_delinquent():
    debtor = Debtor().owes(2 * MASQ)
    assert debtor.judged() is Cause.CREDIT
    assert debtor.judged(2_401) is Cause.DELINQUENT
    debtor.owes(-MASQ)
    assert debtor.judged() is Cause.DELINQUENT


@pytest.mark.parametrize("verdict", [Verdict.WHITELIST, Verdict.PARDON])
def test_a_decision_goes_before_the_accounts(verdict):
    debtor = Debtor().owes(MASQ)
    assert debtor.judged(3_000) is Cause.DELINQUENT
    debtor.decided(verdict)
    assert debtor.judged(3_000) is None


def test_a_pardon_ends_when_the_wallet_has_paid_and_a_whitelist_does_not():
    for verdict, later in ((Verdict.PARDON, Cause.DELINQUENT), (Verdict.WHITELIST, None)):
        debtor = Debtor().owes(MASQ)
        debtor.judged(3_000)
        debtor.decided(verdict).owes(-MASQ)
        assert debtor.judged() is None
        debtor.owes(MASQ)
        assert debtor.judged(3_000) is later


def test_a_manual_ban_outlives_every_payment_until_it_is_withdrawn():
    debtor = Debtor().owes(1).decided(Verdict.BAN)
    assert debtor.judged() is Cause.MANUAL
    debtor.owes(-1)
    assert debtor.judged(1_000_000) is Cause.MANUAL
    debtor.stance = replace(debtor.stance, decision=None)
    assert debtor.judged() is None


def test_nothing_new_is_the_same_stance():
    stance = Stance()
    debtor = Debtor().owes(5)
    debtor.stance = stance
    debtor.judged(10)
    assert debtor.stance is stance

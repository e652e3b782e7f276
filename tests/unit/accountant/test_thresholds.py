"""The curve: the design's and MASQ's vectors, exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masq_accountant.errors import ThresholdsRefused
from masq_accountant.ledger.thresholds import DEFAULT_THRESHOLDS, Thresholds
from masq_kernel.units import WEI_PER_GWEI, Wei

MASQ = 10**18


@pytest.mark.parametrize(
    ("age", "threshold"),
    [
        (1_201, 999_976_851_851_851_852),
        (1_800, 986_111_111_111_111_200),
        (2_400, 972_222_222_222_222_400),
        (3_600, 944_444_444_444_444_800),
        (6_600, 875_000_000_000_000_800),
        (12_000, 750_000_000_000_001_600),
        (17_400, 625_000_000_000_002_400),
        (20_000, 564_814_814_814_817_600),
        (22_799, 500_023_148_148_151_348),
        (22_800, 500_000_000_000_003_200),
        (22_801, 500_000_000_000_000_000),
        (10**9, 500_000_000_000_000_000),
    ],
)
def test_the_default_curve(age, threshold):
    assert DEFAULT_THRESHOLDS.curve().at(age) == threshold
    assert not DEFAULT_THRESHOLDS.qualifies(Wei(threshold), age)
    assert DEFAULT_THRESHOLDS.qualifies(Wei(threshold + 1), age)


def test_slope_and_intercept_of_the_default_curve():
    curve = DEFAULT_THRESHOLDS.curve()
    assert (curve.slope, curve.intercept) == (-23_148_148_148_148, 1_027_777_777_777_777_600)


def make(debt, maturity, permanent, interval):
    return Thresholds(
        debt_threshold_gwei=debt,
        maturity_threshold_sec=maturity,
        permanent_debt_allowed_gwei=permanent,
        threshold_interval_sec=interval,
        unban_below_gwei=0,
    )


@pytest.mark.parametrize(
    ("age", "threshold"), [(86_455, 999_978_993_055_555_580), (2_678_400, 10_000_000_001_152_000)]
)
def test_masqs_other_vectors(age, threshold):
    assert make(10**9, 86_400, 10**7, 2_592_000).curve().at(age) == threshold


@pytest.mark.parametrize(
    ("debt", "permanent", "step"),
    [(10_000, 100, 990_000_000), (3_420, 100, 332_000_000), (875, 100, 77_500_000)],
)
def test_masqs_steps_per_second(debt, permanent, step):
    curve = make(debt, 0, permanent, 10_000).curve()
    assert curve.at(100) - curve.at(101) == step


def test_masqs_curve_ends_within_a_gwei_of_ideal():
    curve = make(8_888, 333, 4_444, 1_111_111).curve()
    for part in (0, 1, 2):
        ideal = (8_888 - 2_222 * part) * WEI_PER_GWEI
        assert abs(curve.at(333 + 1_111_111 * part // 2) - ideal) <= WEI_PER_GWEI


def test_the_steepest_curve_that_can_be():
    curve = make(37_500_000 * 10**9, 0, 1, 1).curve()
    assert curve.slope == -37_499_999_999_999_999_000_000_000


@pytest.mark.parametrize(
    ("age", "balance", "is_delinquent"),
    [
        (2_400, 9 * MASQ, False),  # never before maturity and grace
        (2_401, 999_976_851_851_851_852, False),
        (2_401, 999_976_851_851_851_853, True),
        (90_000, MASQ // 2, False),
        (90_000, MASQ // 2 + 1, True),
    ],
)
def test_delinquency_is_the_same_curve_a_grace_period_later(age, balance, is_delinquent):
    assert DEFAULT_THRESHOLDS.is_delinquent(Wei(balance), age) is is_delinquent


def test_large_permanent_debts_count_as_small_ones_do():
    """MASQ compares halves of numbers there, and misses 15 and 18 MASQ."""
    thresholds = make(20 * 10**9, 1_200, 10 * 10**9, 21_600)
    for balance in (15, 18, 19):
        assert thresholds.is_delinquent(Wei(balance * MASQ), 90_000)


def test_the_credit_limit_follows_the_debt_threshold_unless_it_is_set():
    assert DEFAULT_THRESHOLDS.credit_limit == 15 * MASQ // 10
    assert Thresholds(credit_limit_gwei=10**9).credit_limit == MASQ


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"debt_threshold_gwei": 500_000_000}, {"debt_threshold_gwei"}),
        ({"threshold_interval_sec": 0}, {"threshold_interval_sec"}),
        ({"threshold_interval_sec": 10**9 + 1}, {"threshold_interval_sec"}),
        ({"unban_below_gwei": 1_000_000_001}, {"unban_below_gwei"}),
        ({"credit_limit_gwei": 999_999_999}, {"credit_limit_gwei"}),
        ({"maturity_threshold_sec": -1, "debt_threshold_gwei": -1}, None),
        (
            {"permanent_debt_allowed_gwei": 10**9, "unban_below_gwei": 2 * 10**9},
            {"debt_threshold_gwei", "unban_below_gwei"},
        ),
    ],
)
def test_values_are_checked_together_and_every_problem_is_named(values, wrong):
    with pytest.raises(ThresholdsRefused) as caught:
        Thresholds(**values)
    assert set(caught.value.problems) == (wrong or set(values))


GWEI = st.integers(0, 10**18)
SECONDS = st.integers(0, 10**9)


@given(GWEI, GWEI, SECONDS, SECONDS, st.integers(1, 10**9), SECONDS, SECONDS)
def test_the_curve_never_rises_and_never_falls_below_the_permanent_debt(
    debt, permanent, maturity, grace, interval, age, more
):
    if debt <= permanent:
        debt, permanent = permanent + 1, debt
    curve = make(
        min(debt, 10**18), maturity, min(permanent, debt - 1, 10**18 - 1), interval
    ).curve()
    younger, older = curve.maturity_s + age, curve.maturity_s + age + more
    assert curve.at(younger) >= curve.at(older) >= curve.permanent

"""Cover traffic: how much, when, how large."""

import itertools
import statistics

import pytest

from masq_kernel.entropy import SeededEntropy
from masq_router.links.cover import (
    CREDIT_MAX_S,
    PADDING_BURST,
    PADDING_RATE,
    CoverSchedule,
    padding_allowance,
)
from masq_router.onion.geometry import LINK_TAG_SIZE, SIZE_CLASSES
from masq_router.onion.padding import padded_size
from masq_router.settings import COVER_KIB_PER_S_MAX

RATE = 4_096.0


def run(schedule, seconds, *, data_rate=0.0):
    """Return times and sizes of what is sent in so many seconds beside so much real DATA."""
    now, sent = 0.0, []
    while now < seconds:
        gap = schedule.gap()
        now += gap
        size = schedule.next_size(int(gap * data_rate))
        if size is not None:
            sent.append((now, size))
    return sent


def test_a_link_at_rest_carries_the_rate_that_was_asked_for():
    sent = run(CoverSchedule(RATE, SeededEntropy(1)), 20_000)
    assert sum(size for _, size in sent) / 20_000 == pytest.approx(RATE, rel=0.05)


def test_times_tell_nothing_of_each_other():
    times = [at for at, _ in run(CoverSchedule(RATE, SeededEntropy(2)), 20_000)]
    gaps = [after - before for before, after in itertools.pairwise(times)]
    mean = statistics.mean(gaps)
    assert statistics.pstdev(gaps) == pytest.approx(mean, rel=0.05)  # as exponential gaps have
    pairs = list(itertools.pairwise(gaps))
    assert abs(statistics.correlation(*zip(*pairs, strict=True))) < 0.05


def test_sizes_are_those_of_packages_somewhere_on_some_route():
    real = {
        LINK_TAG_SIZE + padded_size(size, hint) + 16 * layers
        for size in (1, 1_000, 2_000)
        for hint in range(16)
        for layers in range(1, 5)
    }
    drawn = {size for _, size in run(CoverSchedule(RATE, SeededEntropy(3)), 20_000)}
    assert drawn <= real
    assert len(drawn) > 20
    assert max(drawn) < SIZE_CLASSES[2]


def test_real_traffic_takes_the_place_of_cover():
    sent = run(CoverSchedule(RATE, SeededEntropy(4)), 2_000, data_rate=2 * RATE)
    assert sent == []
    half = run(CoverSchedule(RATE, SeededEntropy(5)), 20_000, data_rate=RATE / 2)
    assert sum(size for _, size in half) / 20_000 == pytest.approx(RATE / 2, rel=0.1)


def test_after_a_burst_the_link_is_silent_for_seconds_and_not_for_hours():
    schedule = CoverSchedule(RATE, SeededEntropy(6))
    schedule.next_size(1 << 30)
    sent = run(schedule, 100)
    assert 0 < sent[0][0] <= 3 * CREDIT_MAX_S


def test_no_setting_sends_what_a_peer_would_take_for_a_flood():
    allowance = padding_allowance(0.0)
    rate = COVER_KIB_PER_S_MAX * 1024.0
    assert 2 * rate < PADDING_RATE
    assert 4 * rate < PADDING_BURST
    for now, size in run(CoverSchedule(rate, SeededEntropy(7)), 600):
        assert allowance.take(now, amount=size)

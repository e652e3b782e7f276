"""Windows that are tried out: as large as their paths need, and hardly larger."""

import random
from statistics import median

import pytest

from masq_router.streams.memory import WindowBudget
from masq_router.streams.windows import (
    HARMLESS_S,
    TOO_LONG_S,
    WINDOW_MAX,
    WINDOW_MIN,
    WindowTuner,
)

PACKAGE = 32_000


class Path:
    """A path with a round trip and a bottleneck, seen by a receiver that takes all at once.

    A window's worth of bytes comes per round trip, or as fast as the bottleneck lets it, whichever
    is slower: what is in flight beyond that waits in the bottleneck's queue. The bottleneck's rate
    may swing by a part of itself, either way, from one window's worth to the next.
    """

    def __init__(self, *, rtt_s, rate, budget=None, swing=0.0, seed=0):
        self.tuner = WindowTuner(budget or WindowBudget())
        self.rtt_s, self.rate, self.now = rtt_s, rate, 0.0
        self.swing, self.chance = swing, random.Random(seed)
        self.left, self.present = 0, rate

    def run(self, seconds):
        until = self.now + seconds
        while self.now < until:
            if self.left <= 0:
                self.left = self.tuner.size
                self.present = self.rate * (1 + self.swing * self.chance.uniform(-1, 1))
            self.left -= PACKAGE
            speed = min(self.present, self.tuner.size / self.rtt_s)
            self.now += PACKAGE / speed
            self.tuner.consumed(PACKAGE, self.now)
        return self.tuner.size


def test_a_long_fast_path_gets_the_largest_window_within_seconds():
    path = Path(rtt_s=0.2, rate=100e6)
    assert path.run(3.0) == WINDOW_MAX


def test_a_slow_path_keeps_a_small_window_and_so_a_short_queue():
    path = Path(rtt_s=0.02, rate=1e6)
    path.run(60.0)
    assert path.tuner.size == WINDOW_MIN


@pytest.mark.parametrize(("rtt_s", "rate"), [(0.05, 20e6), (0.1, 8e6), (0.001, 300e6), (0.2, 5e6)])
def test_a_window_fills_its_path_and_is_not_much_larger(rtt_s, rate):
    path = Path(rtt_s=rtt_s, rate=rate)
    path.run(30.0)
    filled, harmless = rtt_s * rate, 2 * HARMLESS_S * rate
    most = max(WINDOW_MIN, 2 * filled, harmless)
    assert max(WINDOW_MIN, 0.8 * filled) <= path.tuner.size <= most


@pytest.mark.parametrize(("rtt_s", "rate"), [(0.05, 1e6), (0.05, 10e6), (0.1, 8e6)])
@pytest.mark.parametrize("swing", [0.1, 0.2, 0.3])
def test_a_rate_that_swings_by_itself_pays_for_no_queue(rtt_s, rate, swing):
    paths = [Path(rtt_s=rtt_s, rate=rate, swing=swing, seed=seed) for seed in range(40)]
    sizes = sorted(path.run(60.0) for path in paths)
    enough = max(WINDOW_MIN, 2 * rtt_s * rate)
    assert median(sizes) <= enough
    assert sizes[len(sizes) * 95 // 100] <= 2 * enough


def test_a_path_that_becomes_slow_takes_its_window_back():
    path = Path(rtt_s=0.1, rate=100e6)
    assert path.run(10.0) == WINDOW_MAX
    path.rate = 1e6
    path.run(60.0)
    assert path.tuner.size / path.rate <= TOO_LONG_S
    path.run(240.0)
    assert path.tuner.size <= 2 * WINDOW_MIN


def test_a_smaller_window_that_costs_speed_is_not_kept():
    path = Path(rtt_s=0.2, rate=100e6)
    path.run(10.0)
    sizes = {path.run(0.2) for _ in range(500)}
    assert sizes == {WINDOW_MAX, WINDOW_MAX // 2}  # it was tried
    taken = [path.run(0.2) for _ in range(500)]
    assert taken.count(WINDOW_MAX) >= 0.8 * len(taken)


def test_a_stream_at_rest_gives_its_growth_back():
    budget = WindowBudget()
    path = Path(rtt_s=0.1, rate=100e6, budget=budget)
    path.run(10.0)
    for _ in range(10):
        path.now += 2 * TOO_LONG_S
        path.tuner.consumed(1_000, path.now)
    assert (path.tuner.size, budget.used) == (WINDOW_MIN, 0)


def test_a_path_that_gets_faster_pays_for_another_trial():
    path = Path(rtt_s=0.1, rate=2e6)
    before = path.run(20.0)
    path.rate = 40e6
    assert path.run(20.0) >= 4 * before


def test_a_path_that_gets_longer_is_measured_anew():
    path = Path(rtt_s=0.01, rate=20e6)
    before = path.run(10.0)
    path.rtt_s = 0.2
    path.tuner.restart()
    assert path.run(20.0) >= 0.9 * 0.2 * 20e6 > before


def test_a_reader_that_takes_nothing_gains_nothing():
    tuner = WindowTuner(WindowBudget())
    assert not tuner.consumed(PACKAGE, 1.0)
    for hour in range(10):
        tuner.consumed(1, 3600.0 * hour)
    assert tuner.size == WINDOW_MIN


def test_windows_grow_from_one_budget_and_give_it_back():
    budget = WindowBudget(WINDOW_MAX)
    paths = [Path(rtt_s=0.2, rate=100e6, budget=budget) for _ in range(10)]
    for path in paths:
        path.run(5.0)
    grown = sum(path.tuner.size - WINDOW_MIN for path in paths)
    assert grown == budget.used <= WINDOW_MAX
    assert grown > WINDOW_MAX // 2
    for path in paths:
        path.tuner.close()
    assert budget.used == 0

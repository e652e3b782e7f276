"""When a process that ended is started again."""

import pytest

from masq_cli.supervisor.backoff import Backoff, RestartPolicy

POLICY = RestartPolicy(first_s=0.5, longest_s=4, good_run_s=30, jitter=0.2)


def test_each_end_doubles_the_wait_up_to_the_longest():
    backoff = Backoff(POLICY)
    assert [backoff.after_end(0, 0) for _ in range(6)] == [0.5, 1, 2, 4, 4, 4]


def test_a_good_run_forgets_the_ends_before_it():
    backoff = Backoff(POLICY)
    for _ in range(4):
        backoff.after_end(1, 0)
    assert backoff.after_end(30, 0) == 0.5
    assert backoff.after_end(29.9, 0) == 1


@pytest.mark.parametrize(("chance", "expected"), [(0, 0.5), (0.5, 0.45), (0.999, 0.4001)])
def test_chance_only_shortens(chance, expected):
    assert Backoff(POLICY).after_end(0, chance) == pytest.approx(expected)


def test_thousands_of_ends_cost_no_overflow():
    backoff = Backoff(POLICY)
    for _ in range(5000):
        last = backoff.after_end(0, 0)
    assert last == 4

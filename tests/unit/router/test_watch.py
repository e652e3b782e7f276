"""When a route is asked whether it lives, and when it is given up."""

import pytest

from masq_router.origin.watch import (
    ATTACH_MIN_S,
    ATTACH_S,
    BUSY_PACKAGES,
    PROBE_BUSY_S,
    PROBE_EVERY_S,
    SILENT_S,
    SLOW_S,
    RouteWatch,
    Step,
    patience_s,
)

SOON = 0.01


def heard_route(*, packages=1, at=0.0):
    watch = RouteWatch(at)
    for _ in range(packages):
        watch.heard(at)
    return watch


def step(watch, at, *, awaits_answer=False):
    return watch.step(at, awaits_answer=awaits_answer)


def test_a_route_that_never_answers_is_lost():
    watch = RouteWatch(100.0)
    assert step(watch, 100 + ATTACH_S - SOON) is Step.WAIT
    assert step(watch, 100 + ATTACH_S) is Step.LOST


def test_patience_follows_what_routes_have_taken_and_grows_with_failures():
    assert patience_s(None, 0) == ATTACH_S
    assert patience_s(0.01, 0) == patience_s(0.01, 1) == ATTACH_MIN_S
    assert patience_s(0.01, 2) == 2 * ATTACH_MIN_S
    assert patience_s(0.3, 0) == 8 * 0.3
    assert patience_s(5.0, 0) == patience_s(0.01, 20) == ATTACH_S


def test_an_impatient_watch_gives_up_sooner():
    watch = RouteWatch(0.0)
    watch.patience_s = ATTACH_MIN_S
    assert step(watch, ATTACH_MIN_S - SOON) is Step.WAIT
    assert step(watch, ATTACH_MIN_S) is Step.LOST


def test_a_route_at_rest_is_asked_now_and_then():
    watch = heard_route()
    assert step(watch, PROBE_EVERY_S - SOON) is Step.WAIT
    assert step(watch, PROBE_EVERY_S) is Step.PROBE
    watch.heard(PROBE_EVERY_S + SOON)
    watch.answered(watch.token)
    assert step(watch, 2 * PROBE_EVERY_S - SOON) is Step.WAIT
    assert step(watch, 2 * PROBE_EVERY_S) is Step.PROBE


@pytest.mark.parametrize(
    ("packages", "awaits_answer"), [(BUSY_PACKAGES, False), (2, True)], ids=["down", "up"]
)
def test_a_busy_route_that_falls_silent_is_asked_at_once(packages, awaits_answer):
    watch = heard_route(packages=packages)
    assert step(watch, PROBE_BUSY_S - SOON, awaits_answer=awaits_answer) is Step.WAIT
    assert step(watch, PROBE_BUSY_S, awaits_answer=awaits_answer) is Step.PROBE
    asked_at = PROBE_BUSY_S
    assert step(watch, asked_at + SILENT_S - SOON) is Step.WAIT
    assert step(watch, asked_at + SILENT_S) is Step.LOST


def test_a_server_that_takes_nothing_does_not_make_its_route_busy():
    watch = heard_route()
    assert step(watch, PROBE_BUSY_S, awaits_answer=True) is Step.WAIT
    assert step(watch, PROBE_EVERY_S, awaits_answer=True) is Step.PROBE
    watch.heard(PROBE_EVERY_S)
    watch.answered(watch.token)
    assert step(watch, PROBE_EVERY_S + PROBE_BUSY_S, awaits_answer=True) is Step.WAIT


def test_silence_counts_from_the_last_package_not_from_the_probe():
    watch = heard_route()
    assert step(watch, PROBE_EVERY_S) is Step.PROBE
    watch.heard(PROBE_EVERY_S + 1)
    assert step(watch, PROBE_EVERY_S + SILENT_S) is Step.WAIT
    assert step(watch, PROBE_EVERY_S + 1 + SILENT_S) is Step.LOST


def test_a_relay_so_slow_that_the_answer_never_comes_is_left():
    watch = heard_route()
    assert step(watch, PROBE_EVERY_S) is Step.PROBE
    at = PROBE_EVERY_S
    while at < PROBE_EVERY_S + SLOW_S - 0.5:
        at += 0.5
        watch.heard(at)
        assert step(watch, at) is Step.WAIT
    assert step(watch, PROBE_EVERY_S + SLOW_S) is Step.LOST


def test_the_answer_to_an_older_probe_says_nothing():
    watch = heard_route()
    assert step(watch, PROBE_EVERY_S) is Step.PROBE
    watch.answered(watch.token - 1)
    assert step(watch, PROBE_EVERY_S + SILENT_S) is Step.LOST

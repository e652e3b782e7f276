"""What routes of ours tell about the nodes on them."""

import pytest

from masq_gossip.rules import reputation as rules
from masq_gossip.rules.reputation import HALF_LIFE_S, HOST_MEMORY_S, Conduct, Reputation
from support.gossip_builders import make_key

A, B, C, D = (make_key(number).node_id for number in range(1, 5))


def test_a_stranger_has_a_full_success_rate():
    assert Reputation().conduct(A, 0.0) == Conduct(0.0, 0.0, None)
    assert Conduct().success_rate == 1.0


def test_a_lost_route_is_charged_to_all_that_were_on_it_and_to_nobody_else():
    reputation = Reputation()
    reputation.lost((A, B), 0.0)
    assert reputation.conduct(A, 0.0).success_rate == pytest.approx(2 / 3)
    assert reputation.conduct(A, 0.0) == reputation.conduct(B, 0.0)
    assert reputation.conduct(C, 0.0).success_rate == 1.0


def test_the_one_on_every_lost_route_ends_up_below_those_that_were_on_some():
    reputation = Reputation()
    for companion in (B, C, D):
        reputation.lost((A, companion), 0.0)
        reputation.served((companion,), 0.1, 0.0)
    rates = [reputation.conduct(one, 0.0).success_rate for one in (A, B, C, D)]
    assert rates[0] < min(rates[1:])


def test_what_happened_counts_half_after_half_an_hour():
    reputation = Reputation()
    reputation.lost((A,), 0.0)
    reputation.served((A,), 0.2, 0.0)
    later = reputation.conduct(A, HALF_LIFE_S)
    assert (later.served, later.lost) == pytest.approx((0.5, 0.5))
    reputation.lost((A,), HALF_LIFE_S)
    assert reputation.conduct(A, HALF_LIFE_S).lost == pytest.approx(1.5)


def test_a_clock_that_stands_still_or_back_changes_nothing():
    reputation = Reputation()
    reputation.lost((A,), 100.0)
    assert reputation.conduct(A, 50.0).lost == 1.0


def test_latency_is_a_running_mean_per_link():
    reputation = Reputation()
    reputation.served((A, B, C), 0.4, 0.0)
    assert reputation.conduct(A, 0.0).latency_s == pytest.approx(0.1)
    reputation.served((A, B, C), 1.2, 0.0)
    assert reputation.conduct(A, 0.0).latency_s == pytest.approx(0.1 + 0.25 * 0.2)


def test_slow_and_unreliable_nodes_weigh_more():
    assert Conduct(latency_s=0.2).factor > Conduct(latency_s=0.01).factor
    assert Conduct(lost=2.0).factor > Conduct().factor


def test_an_exit_is_thought_unable_to_reach_a_host_for_ten_minutes():
    reputation = Reputation()
    reputation.host_failed(A, "example.org", 0.0)
    assert not reputation.reaches(A, "example.org", HOST_MEMORY_S - 1)
    assert reputation.reaches(A, "example.org", HOST_MEMORY_S)
    assert reputation.reaches(A, "example.com", 0.0)
    assert reputation.reaches(B, "example.org", 0.0)


def test_memory_is_bounded_and_the_longest_unused_goes_first(monkeypatch):
    monkeypatch.setattr(rules, "NODES_MAX", 2)
    monkeypatch.setattr(rules, "HOSTS_MAX", 2)
    reputation = Reputation()
    for node in (A, B, A, C):
        reputation.lost((node,), 0.0)
    assert [reputation.conduct(one, 0.0).lost for one in (A, B, C)] == [2.0, 0.0, 1.0]
    for host in "abc":
        reputation.host_failed(A, host, 0.0)
    assert [reputation.reaches(A, host, 0.0) for host in "abc"] == [True, False, False]

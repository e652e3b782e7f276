"""Round trips: length, fitness of relays and exits, disjointness, price, bounds."""

import time
from functools import partial

import pytest

from masq_gossip.record import SignedRecord
from masq_gossip.rules.events import Now
from masq_gossip.rules.parameters import Parameters
from masq_gossip.rules.preferences import Preferences
from masq_gossip.rules.reputation import Reputation
from masq_gossip.rules.routing import RouteFinder, RouteWish
from masq_gossip.rules.view import View
from masq_kernel.entropy import SeededEntropy
from masq_kernel.rates import DEFAULT_RATES, ZERO_RATES, RatePack
from masq_kernel.units import Wei
from support.gossip_builders import CHAIN, START, make_key, sign_record

KEYS = [make_key(number) for number in range(1, 60)]
IDS = [key.node_id for key in KEYS]
NOW = Now(START, 0.0)
DEAR = RatePack(
    **{
        name: Wei(3 * getattr(DEFAULT_RATES, name))
        for name in ("routing_byte", "routing_service", "exit_byte", "exit_service")
    }
)
RING = [(at, (at + 1) % 6) for at in range(6)]
# 0 is joined to 1 and 2, these to 3 and 4, these to 5: two disjoint ways from 0 to 5
LADDER = [(0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 5)]


def make_finder(edges, seed=1, changes=None, half=()) -> RouteFinder:
    """Node 0 is ours; `edges` are full links by index, `half` are listed by the first only."""
    neighbors = {at: set() for pair in (*edges, *half) for at in pair}
    for one, other in edges:
        neighbors[one].add(other)
        neighbors[other].add(one)
    for one, other in half:
        neighbors[one].add(other)
    own = IDS[0]
    view = View(own, Parameters(), partial(SignedRecord.from_bytes, chain=CHAIN))
    for at, others in neighbors.items():
        listed = [IDS[one] for one in others]
        extra = (changes or {}).get(at, {})
        view.offer(sign_record(KEYS[at], neighbors=listed, **extra), NOW)
    return RouteFinder(own, view, Reputation(), SeededEntropy(seed))


def find(finder: RouteFinder, **wish) -> tuple[list[int], list[int]] | None:
    if "exit" in wish:
        wish["exit"] = IDS[wish["exit"]]
    if "avoid" in wish:
        wish["avoid"] = frozenset(IDS[at] for at in wish["avoid"])
    found = finder.find(RouteWish(**wish), NOW)
    if found is None:
        return None
    over = [IDS.index(one.node_id) for one in found.over]
    return over, [IDS.index(one.node_id) for one in found.back]


@pytest.mark.parametrize("seed", range(10))
def test_over_and_back_have_the_hops_asked_for_and_share_no_relay(seed):
    found = find(make_finder(LADDER, seed), hops=3)
    assert found in (([1, 3, 5], [4, 2]), ([2, 4, 5], [3, 1]))


def test_one_hop_uses_a_neighbor_as_exit():
    over, back = find(make_finder([(0, 1)]), hops=1)
    assert (over, back) == ([1], [])


def test_an_exit_further_away_does_not_list_us():
    for seed in range(10):
        over, _ = find(make_finder(RING, seed), hops=2)
        assert over[-1] in (2, 4)


def test_a_triangle_has_no_exit_two_hops_away():
    assert find(make_finder([(0, 1), (1, 2), (2, 0)]), hops=2) is None


def test_an_exit_where_streams_stand_serves_even_if_it_has_become_our_neighbor():
    triangle = make_finder([(0, 1), (1, 2), (2, 0)])
    assert find(triangle, hops=2, exit=2) is None
    assert find(triangle, hops=2, exit=2, resumes=True) == ([1, 2], [1])


def test_a_line_shares_its_relays_because_there_are_no_others():
    assert find(make_finder([(0, 1), (1, 2), (2, 3)]), hops=3) == ([1, 2, 3], [2, 1])


def test_a_longer_route_serves_when_none_is_so_short():
    over, back = find(make_finder(RING), hops=2, exit=3)
    assert len(over) == 3
    assert len(back) == 2


def test_half_links_carry_no_routes():
    assert find(make_finder([(0, 1)], half=[(1, 2), (3, 2)]), hops=2) is None


@pytest.mark.parametrize(
    "change", [{"routes_data": False}, {"onion_expires_at": START}], ids=["no data", "old key"]
)
@pytest.mark.parametrize("at", [1, 2, 3])
def test_what_does_not_serve_is_neither_relay_nor_exit(at, change):
    assert find(make_finder([(0, 1), (1, 2), (2, 3)], changes={at: change}), hops=3) is None


def test_avoided_nodes_are_on_neither_way():
    found = find(make_finder([*LADDER, (1, 4)]), hops=3, avoid=(2, 3))
    assert found == ([1, 4, 5], [4, 1])


def test_a_fixed_exit_is_used_and_an_impossible_one_is_not_replaced():
    assert find(make_finder(RING), hops=2, exit=4)[0] == [5, 4]
    assert find(make_finder(RING), hops=2, exit=1) is None
    assert find(make_finder(RING), hops=2, exit=20) is None
    assert find(make_finder(RING), hops=1, exit=0) is None


def test_what_costs_more_than_twice_the_cheapest_is_not_drawn():
    edges = [(0, 1), (1, 2), (0, 3), (3, 4)]
    for seed in range(20):
        over, _ = find(make_finder(edges, seed, {3: {"rates": DEAR}, 4: {"rates": DEAR}}), hops=2)
        assert over == [1, 2]


def test_equally_cheap_routes_are_all_drawn():
    edges = [(0, 1), (1, 2), (0, 3), (3, 4)]
    drawn = {tuple(find(make_finder(edges, seed), hops=2)[0]) for seed in range(30)}
    assert drawn == {(1, 2), (3, 4)}


def test_the_search_is_bounded_in_a_dense_graph_without_a_route():
    count = 55
    edges = [(at, (at + step) % count) for at in range(count) for step in (1, 2)]
    everybody = {at: {"routes_data": at != 27} for at in range(1, count)}
    finder = make_finder(edges, changes=everybody)
    began = time.perf_counter()
    assert find(finder, hops=6, exit=27) is None
    finder.find(RouteWish(hops=6), NOW)
    assert time.perf_counter() - began < 1.0


# What the operator prefers, and what we have seen

FORK = [(0, 1), (1, 2), (0, 3), (3, 4)]  # two exits, each at the end of its own branch


def exits_drawn(finder, *, seeds=40, **wish):
    return {find(finder, **wish)[0][-1] for _ in range(seeds)}


def prefer(finder, **changes):
    liked = {IDS[at]: liking for at, liking in changes.pop("liked", {}).items()}
    finder.preferences = Preferences(liked=liked, **changes)
    return finder


def in_countries(**countries):
    return {int(at[1:]): {"country": country} for at, country in countries.items()}


def test_a_node_that_is_never_wanted_is_on_no_route():
    assert exits_drawn(prefer(make_finder(FORK), liked={2: "never"}), hops=2) == {4}
    assert find(prefer(make_finder(FORK), liked={1: "never", 3: "never"}), hops=2) is None


def test_a_node_that_is_always_wanted_is_on_the_route_where_there_is_one():
    assert exits_drawn(prefer(make_finder(FORK), liked={4: "always"}), hops=2) == {4}
    assert exits_drawn(prefer(make_finder(FORK), liked={1: "always"}), hops=2) == {2}
    assert find(prefer(make_finder(FORK), liked={2: "always"}), hops=2, avoid=(1,))[0] == [3, 4]


def test_less_and_more_weigh_like_price():
    assert exits_drawn(prefer(make_finder(FORK), liked={2: "less", 1: "less"}), hops=2) == {4}
    assert exits_drawn(prefer(make_finder(FORK), liked={2: "more", 1: "more"}), hops=2) == {2}


def test_exit_countries_are_taken_in_their_order():
    finder = make_finder(FORK, changes=in_countries(n2="DE", n4="FR"))
    assert exits_drawn(prefer(finder, tiers=(("FR",), ("DE",))), hops=2) == {4}
    assert exits_drawn(prefer(finder, tiers=(("CH",), ("DE",))), hops=2) == {2}
    assert exits_drawn(prefer(finder, tiers=(("DE", "FR"),)), hops=2) == {2, 4}


def test_without_a_fitting_exit_any_serves_unless_the_countries_are_strict():
    finder = make_finder(FORK, changes=in_countries(n2="DE", n4="FR"))
    assert exits_drawn(prefer(finder, tiers=(("CH",),)), hops=2) == {2, 4}
    assert find(prefer(finder, tiers=(("CH",),), is_strict=True), hops=2) is None


def test_a_country_comes_before_a_short_route():
    finder = make_finder([*FORK, (4, 5)], changes=in_countries(n5="FR"))
    assert find(prefer(finder, tiers=(("FR",),)), hops=2)[0] == [3, 4, 5]


def test_relays_may_stand_in_any_country():
    finder = make_finder(FORK, changes=in_countries(n1="DE", n2="FR"))
    assert find(prefer(finder, tiers=(("FR",),), is_strict=True), hops=2)[0] == [1, 2]


def test_a_node_that_lost_our_routes_is_avoided_while_there_are_others():
    finder = make_finder(FORK)
    for _ in range(8):
        finder.reputation.lost((IDS[1], IDS[2]), 0.0)
    assert exits_drawn(finder, hops=2) == {4}


def test_an_exit_that_failed_at_a_host_is_the_last_choice_for_it():
    finder = make_finder(FORK)
    finder.reputation.host_failed(IDS[2], "example.org", 0.0)
    assert exits_drawn(finder, hops=2, host="example.org") == {4}
    assert exits_drawn(finder, hops=2, host="example.com") == {2, 4}
    finder.reputation.host_failed(IDS[4], "example.org", 0.0)
    assert exits_drawn(finder, hops=2, host="example.org") == {2, 4}


def test_an_exit_that_asks_nothing_does_not_draw_all_traffic():
    finder = make_finder(FORK, changes={1: {"rates": ZERO_RATES}, 2: {"rates": ZERO_RATES}})
    for _ in range(8):
        finder.reputation.lost((IDS[1], IDS[2]), 0.0)
    assert exits_drawn(finder, hops=2) == {4}


# How the search spreads

WIDE = [(0, at) for at in range(1, 6)] + [
    (at, 6 + 4 * (at - 1) + step) for at in range(1, 6) for step in range(4)
]


def test_candidates_come_from_every_neighbor():
    finder = make_finder(WIDE)
    firsts = {find(finder, hops=2)[0][0] for _ in range(100)}
    assert firsts == {1, 2, 3, 4, 5}


def test_a_maze_behind_one_neighbor_does_not_use_up_the_search_for_the_others():
    maze = [(at, (at - 10 + step) % 40 + 10) for at in range(10, 50) for step in (1, 2)]
    edges = [(0, 1), (1, 10), (0, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7)]
    everybody = {at: {"routes_data": at != 30} for at in range(10, 50)}
    finder = make_finder([*edges, *maze], changes=everybody)
    for _ in range(20):
        assert find(finder, hops=6, exit=7)[0] == [2, 3, 4, 5, 6, 7]


def test_a_country_without_a_way_leaves_the_others_their_share_of_the_search():
    count = 50
    edges = [(at, (at + step) % count) for at in range(count) for step in (1, 2)]
    changes = {at: {"country": "DE", "routes_data": at < 40} for at in range(20, count)}
    finder = prefer(make_finder(edges, changes=changes), tiers=(("DE",), ("FR",)))
    assert find(finder, hops=3) is not None

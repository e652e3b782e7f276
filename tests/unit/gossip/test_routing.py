"""Round trips: length, fitness of relays and exits, disjointness, price, bounds."""

import time
from functools import partial

import pytest

from masq_gossip.record import SignedRecord
from masq_gossip.rules.events import Now
from masq_gossip.rules.parameters import Parameters
from masq_gossip.rules.routing import RouteFinder, RouteWish
from masq_gossip.rules.view import View
from masq_kernel.entropy import SeededEntropy
from masq_kernel.rates import DEFAULT_RATES, RatePack
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
    return RouteFinder(own, view, SeededEntropy(seed))


def find(finder: RouteFinder, **wish) -> tuple[list[int], list[int]] | None:
    if "exit" in wish:
        wish["exit"] = IDS[wish["exit"]]
    if "avoid" in wish:
        wish["avoid"] = frozenset(IDS[at] for at in wish["avoid"])
    found = finder.find(RouteWish(**wish), NOW.unix)
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
    finder.find(RouteWish(hops=6), NOW.unix)
    assert time.perf_counter() - began < 1.0

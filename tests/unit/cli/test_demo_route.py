"""The demo's route, as the client's node tells of it."""

from masq_cli.demo.route import Route

SESSIONS = [
    {"role": "relay", "direction": "over", "hops": ["x"]},
    {"role": "origin", "direction": "over", "hops": ["a", "b", "exit"]},
    {"role": "origin", "direction": "back", "hops": ["c", "d"]},
    {"role": "origin", "direction": "over", "hops": ["of", "another", "circuit"]},
]


def test_both_ways_are_told_in_the_order_of_travel():
    route = Route.of(SESSIONS)
    assert list(route.ways("client")) == [
        ("over", ["a", "b", "exit"], ["client", "a", "b", "exit"]),
        ("back", ["c", "d"], ["exit", "c", "d", "client"]),
    ]


def test_each_node_has_its_role_and_place():
    route = Route.of(SESSIONS)
    nodes = ["d", "gone", "exit", "a", "c", "b"]
    assert sorted(nodes, key=route.place) == ["a", "b", "exit", "c", "d", "gone"]
    assert [route.role(node) for node in ("a", "exit", "c", "gone")] == [
        "relay, over",
        "exit",
        "relay, back",
        "other route",
    ]


def test_in_a_small_mesh_a_relay_may_serve_both_ways():
    assert Route(over=("a", "exit"), back=("a",)).role("a") == "relay, both"


def test_without_sessions_of_its_own_there_is_none():
    assert Route.of(SESSIONS[:1]) is None
    assert Route.of([]) is None

"""Whole gossip cores on one virtual clock: joining, healing, and what must hold all the while.

What must hold after every event is checked by `masq_gossip/simulation/checks.py`.
"""

import pytest

from masq_gossip.rules.parameters import Parameters
from masq_gossip.simulation import Conditions, Mesh, SimulatedNode

SEEDS = range(20)
JOIN_LIMIT_S = {12: 5.0, 30: 30.0}


def grown(count: int, seed: int) -> Mesh:
    mesh = Mesh(count=count, seed=seed)
    mesh.run_until(lambda: all(one.stage == "routable" for one in mesh.nodes), JOIN_LIMIT_S[count])
    return mesh


@pytest.mark.parametrize("seed", SEEDS)
def test_six_nodes_from_one_descriptor_have_a_node_with_three_hop_round_trips(seed):
    mesh = Mesh(count=6, seed=seed)
    at = mesh.run_until(lambda: any(one.stage == "routable" for one in mesh.nodes), 3.0)
    mesh.converge()
    assert at < 3.0
    routable = [one for one in mesh.nodes if one.stage == "routable"]
    assert routable
    assert all(mesh.degree(one) >= 3 for one in mesh.nodes)
    assert min(mesh.degree(one) for one in mesh.nodes) < 5  # never a complete graph
    for node in mesh.nodes:
        assert mesh.has_route(node) == (node in routable)


@pytest.mark.parametrize("seed", SEEDS)
def test_twelve_nodes_all_become_routable_and_agree(seed):
    mesh = grown(12, seed)
    mesh.converge()
    assert all(one.stage == "routable" for one in mesh.nodes)


@pytest.mark.parametrize("seed", SEEDS)
def test_thirty_nodes_all_become_routable_and_agree(seed):
    mesh = grown(30, seed)
    mesh.converge()
    assert all(one.stage == "routable" for one in mesh.nodes)


def test_one_seed_gives_one_history_and_another_seed_another():
    def history(seed: int) -> list[tuple]:
        mesh = Mesh(count=6, seed=seed)
        mesh.run(20.0)
        return mesh.history

    assert history(3) == history(3)
    assert history(3) != history(4)


@pytest.mark.parametrize("seed", range(5))
def test_a_killed_node_is_culled_everywhere_and_the_rest_stays_routable(seed):
    mesh = grown(12, seed)
    mesh.converge()
    dead = mesh.nodes[3]
    mesh.kill(dead)
    mesh.converge()
    for node in mesh.alive():
        assert dead.node_id not in node.core.state.view
        assert node.stage == "routable"


@pytest.mark.parametrize("seed", range(5))
def test_a_node_that_stops_in_order_is_gone_without_a_timeout(seed):
    mesh = Mesh(count=12, seed=seed, conditions=Conditions(link_timeout_s=30.0))
    mesh.run(20.0)
    leaver = mesh.nodes[4]
    neighbors = [mesh.by_id[one] for one in leaver.core.state.edges()]
    mesh.stop(leaver)
    mesh.run(1.0)
    assert neighbors
    assert all(leaver.node_id not in one.core.state.edges() for one in neighbors)


@pytest.mark.parametrize("seed", range(5))
def test_a_node_started_again_beats_its_past_and_is_routable_soon(seed):
    mesh = grown(12, seed)
    mesh.converge()
    node = mesh.nodes[5]
    mesh.kill(node)
    mesh.run(20.0)
    mesh.start_again(node)
    began = mesh.time
    at = mesh.run_until(lambda: node.stage == "routable", 10.0)
    mesh.converge()
    assert at - began < 10.0
    assert all(node.node_id in one.core.state.view for one in mesh.nodes)


@pytest.mark.parametrize("seed", range(5))
def test_the_mesh_outlives_the_node_of_its_only_descriptor(seed):
    mesh = grown(12, seed)
    mesh.converge()
    mesh.kill(mesh.nodes[0])
    mesh.converge()
    assert all(one.stage == "routable" for one in mesh.alive())


@pytest.mark.parametrize("seed", range(5))
def test_a_cut_link_lowers_both_edges_and_news_of_it_spreads(seed):
    mesh = grown(12, seed)
    mesh.converge()
    one = mesh.nodes[2]
    other = mesh.by_id[one.core.state.edges()[0]]
    before = one.core.state.own.version
    mesh.cut(one, other)
    mesh.run(0.3)
    assert one.core.state.own.version > before
    mesh.converge()


def test_the_stage_goes_down_and_says_why():
    mesh = Mesh(count=6, seed=1)
    mesh.run(10.0)
    node = next(one for one in mesh.nodes if one.stage == "routable")
    for other in list(mesh.nodes):
        if other is not node:
            mesh.kill(other)
    mesh.run(5.0)
    assert node.stage == "alone"
    assert node.core.reason.startswith(
        "no descriptor has answered; the last full neighbor was lost"
    )
    assert "round trips were lost at 20" in node.core.reason
    assert [stage for _, stage in node.stages][-1] == "alone"


def test_views_stop_at_the_horizon():
    mesh = Mesh(count=30, seed=2, parameters=Parameters(hops_min=2))
    mesh.run(60.0)

    def far(node: SimulatedNode) -> int:
        return max(node.core.state.view.distances().values())

    assert all(far(one) <= 4 for one in mesh.nodes)


@pytest.mark.parametrize("seed", [23, 25, 34, 41, 62, 105, 106, 119])
def test_no_node_of_a_small_mesh_loses_its_routes_when_another_restarts(seed):
    """Each seed once ended with a node that had made its last possible exit its neighbor."""
    mesh = Mesh(count=6, seed=seed)
    mesh.run(12.0)
    clients = [one for one in mesh.nodes if one.stage == "routable"]
    first = mesh.nodes[0]
    mesh.kill(first)
    mesh.run(0.3)
    mesh.start_again(first)
    mesh.run(3.0)
    for peer_id in list(first.links):
        mesh.cut(first, mesh.by_id[peer_id])
    mesh.run(30.0)
    assert all(one.stage == "routable" for one in clients if one is not first)
    assert all(mesh.degree(one) >= 3 for one in mesh.nodes)

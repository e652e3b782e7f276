"""Nodes that were away, nodes whose way in is gone, links that are lost: virtual time."""

from dataclasses import replace

import pytest

from masq_gossip.rules.events import SelfChanged
from masq_gossip.rules.neighborhood import Neighborhood
from masq_gossip.rules.parameters import Parameters
from masq_gossip.simulation import Mesh
from masq_kernel.entropy import SeededEntropy
from support.gossip_builders import make_self

DAY_S = 86_400.0
LINK_TIMEOUT_S = 1.0
"""The simulated routers notice a dead node's link after so long; real ones after 30 s."""

CALM = Parameters(
    digest_interval_s=900.0, bridge_interval_s=3600.0, retry_max_s=600.0, bridge_far_interval_s=7200
)
"""What goes on by itself is rare, so that days pass quickly."""


def grown(count, seed, **options):
    mesh = Mesh(count=count, seed=seed, **options)
    mesh.run_until(lambda: all(one.stage == "routable" for one in mesh.nodes), 10.0)
    mesh.run(20.0)
    return mesh


def renew_key(mesh, node, expires_in_s=2 * DAY_S):
    """Do what a router does every day: announce another onion key."""
    fresh = make_self(1_000 + node.index + int(mesh.time))
    expires_at = mesh.now_of(node).unix + int(expires_in_s)
    changed = SelfChanged(fresh.onion_key, expires_at, fresh.earning_wallet, fresh.rates)
    mesh.feed(node, changed)
    return changed


@pytest.mark.parametrize("seed", range(5))
def test_a_node_that_was_away_for_a_day_finds_its_way_back(seed):
    mesh = grown(12, seed, parameters=CALM)
    for node in mesh.nodes:
        renew_key(mesh, node)
    mesh.run(10.0)
    away = mesh.nodes[5]
    past = [mesh.by_id[one.node_id] for one in away.remembered.neighbors]
    assert len(past) >= 3
    mesh.kill(away)
    survivor = next(one for one in past if one is not mesh.nodes[0])
    for lost in {one.index for one in (*past, mesh.nodes[0]) if one is not survivor}:
        mesh.kill(mesh.nodes[lost])  # the only descriptor's node is among them
        mesh.run(3600.0)
    mesh.run(DAY_S)
    for node in mesh.alive():
        assert away.node_id not in node.core.state.view
        renew_key(mesh, node)
    mesh.run(10.0)
    began = mesh.time
    mesh.start_again(away)
    renew_key(mesh, away)
    back = mesh.run_until(lambda: away.stage == "routable", 30.0)
    mesh.run_until(lambda: all(mesh.is_converged(one) for one in mesh.alive()), 60.0)
    assert mesh.degree(away) >= 2  # others have filled the places of the dead
    print(f"\nseed {seed}: back after {back - began:.1f} s")


@pytest.mark.parametrize("seed", range(5))
def test_a_node_whose_descriptor_is_dead_uses_the_others(seed):
    mesh = grown(12, seed)
    node = mesh.nodes[7]
    origin = node.core.state.origin
    known = next(one for one in node.core.state.edges() if one != mesh.nodes[0].node_id)
    mesh.kill(node)
    mesh.kill(mesh.nodes[0])
    mesh.run(15.0)
    others = mesh.nodes[0].endpoint, mesh.by_id[known].endpoint  # the first is dead
    forgetful = replace(origin, boot=origin.boot + 1, descriptors=others, past=())
    node.core = Neighborhood(forgetful, Parameters(), SeededEntropy(seed))
    node.is_alive, node.versions_seen = True, {}
    mesh.feed(node, make_self(node.index))
    mesh.run_until(lambda: node.stage == "routable", 15.0)


@pytest.mark.parametrize("seed", range(5))
def test_a_node_whose_every_descriptor_is_dead_uses_its_past_neighbors(seed):
    mesh = grown(12, seed)
    node = next(one for one in mesh.nodes[1:] if mesh.nodes[0].node_id not in one.links)
    assert {one.node_id for one in node.core.state.origin.descriptors} == {mesh.nodes[0].node_id}
    mesh.kill(node)
    mesh.kill(mesh.nodes[0])
    mesh.run(15.0)
    mesh.start_again(node)
    mesh.run_until(lambda: node.stage == "routable", 15.0)


@pytest.mark.parametrize("seed", range(10))
def test_a_lost_link_lowers_the_edge_within_the_timeout_and_all_know_soon_after(seed):
    mesh = grown(12, seed)
    dead = mesh.nodes[4]
    neighbors = [mesh.by_id[one] for one in dead.core.state.edges()]
    mesh.kill(dead)
    began = mesh.time

    def is_lowered(node):
        return dead.node_id not in node.core.state.edges()

    lowered = mesh.run_until(lambda: all(map(is_lowered, neighbors)), 2 * LINK_TIMEOUT_S)
    assert lowered - began <= LINK_TIMEOUT_S + 0.1
    spread = mesh.run_until(
        lambda: all(
            not record.lists(dead.node_id)
            for node in mesh.alive()
            for record in node.core.state.view.records()
            if record.node_id in node.core.state.view.distances() and record.node_id != dead.node_id
        ),
        5.0,
    )
    assert spread - lowered <= 1.0
    mesh.run_until(lambda: all(mesh.degree(node) >= 3 for node in mesh.alive()), 30.0)
    print(
        f"\nseed {seed}: lowered after {lowered - began:.2f} s, known {spread - lowered:.2f} later"
    )

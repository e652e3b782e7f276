"""Attackers among whole gossip cores; `docs/gossip.md` states what each attack gains."""

import pytest

from masq_gossip.messages import Debut
from masq_gossip.record import MAX_DEGREE
from masq_gossip.rules.events import Send, Tick
from masq_gossip.rules.parameters import Parameters
from masq_gossip.simulation import Mesh
from support.attacker import Bent, Silent, bend, is_attacker

LIMITS = Parameters()


def honest(mesh):
    return [node for node in mesh.nodes if not is_attacker(node)]


def within_honest_reach(mesh, node):
    """Return the nodes to which a path of honest nodes leads that is within the horizon."""
    near = edge = {node.node_id}
    for _ in range(LIMITS.horizon):
        edge = {other for one in edge for other in mesh.edges_of(one)} - near
        edge = {one for one in edge if not is_attacker(mesh.by_id[one])}
        near = near | edge
    return near


@pytest.mark.parametrize("seed", range(8))
def test_neighbors_that_never_forward_keep_nothing_from_the_others(seed):
    mesh = Mesh(count=12, seed=seed)
    for node in mesh.nodes[9:]:
        bend(mesh, node, Silent)
    mesh.run(120.0)
    true = mesh.graph()
    for node in honest(mesh):
        assert node.stage == "routable"
        held = {one.node_id: one.neighbors for one in node.core.state.view.records()}
        for other in within_honest_reach(mesh, node):
            assert held.get(other) == true[other]


@pytest.mark.parametrize("seed", range(2))
def test_a_crawler_that_asks_all_the_time_learns_what_its_place_is_allowed(seed):
    """It asks its neighbors again with every breath, under a real debut each time."""
    mesh = Mesh(count=20, seed=seed)
    crawler = bend(mesh, mesh.nodes[19], Bent)
    node = mesh.nodes[19]
    mesh.run(30.0)
    met = set(node.links)
    began = len(crawler.told_addresses)
    for _ in range(150):
        own = crawler.state.own
        for peer_id in list(node.links):
            crawler.to_say.append(Send(peer_id, Debut(own.signed.raw, own.statement.raw)))
        met |= set(node.links)
        mesh.feed(node, Tick())
        mesh.run(0.4)
    learned = len(crawler.told_addresses) - began
    per_neighbor = LIMITS.introductions_max + 60 / LIMITS.introductions_refill_s
    assert learned <= len(met) * per_neighbor
    assert learned <= len(met) * MAX_DEGREE  # in fact: a node has no more neighbors to tell of
    assert not [one for one in honest(mesh) if one.core.state.misconduct.all()]


def share_of(mesh, victim):
    """Return how many of a node's neighbors are attackers."""
    return sum(1 for one in victim.core.state.edges() if is_attacker(mesh.by_id[one]))


@pytest.mark.parametrize("attackers", [1, 5, 12])
@pytest.mark.parametrize("seed", range(3))
def test_however_many_addresses_surround_a_node_it_keeps_those_it_dialled(seed, attackers):
    """They know its address before it starts, dial nobody else, and introduce each other to it."""
    mesh = Mesh(count=12 + attackers, seed=seed)
    victim = mesh.nodes[11]
    for node in mesh.nodes[12:]:
        bend(mesh, node, Bent)
        node.core.state.seeker.tell(victim.endpoint, passes=0, now=0.0)
        node.known.add(victim.node_id)
        for known in list(node.core.state.seeker._candidates):
            if known != victim.node_id:
                del node.core.state.seeker._candidates[known]
    worst = 0
    for _ in range(240):
        mesh.run(0.5)
        worst = max(worst, share_of(mesh, victim))
    assert worst <= min(attackers, MAX_DEGREE - 1)
    assert len(victim.core.state.edges()) - share_of(mesh, victim) >= 1
    assert victim.stage == "routable"

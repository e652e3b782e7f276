"""Every mode in one mesh: what each does, what others can have of it, and what not."""

from dataclasses import replace

import pytest

from masq_gossip.rules.neighborhood import Neighborhood
from masq_gossip.rules.parameters import Parameters
from masq_gossip.rules.routing import RouteWish
from masq_gossip.simulation import Mesh
from masq_kernel.entropy import SeededEntropy

COUNT = 16
MODES = {12: "originate-only", 13: "originate-only", 14: "consume-only", 15: "zero-hop"}


@pytest.fixture(scope="module", params=[0, 1, 2, 3, 7])
def mesh(request):
    seed = request.param
    mesh = Mesh(count=COUNT, seed=seed, parameters=Parameters())
    for index, mode in MODES.items():
        node = mesh.nodes[index]
        origin = replace(node.core.state.origin, address=None)
        entropy = SeededEntropy(seed * 100 + index)
        node.core = Neighborhood(origin, Parameters(mode=mode), entropy)
    mesh.run(60.0)
    return mesh


def of_mode(mesh, mode):
    return [mesh.nodes[index] for index, one in MODES.items() if one == mode]


def standard(mesh):
    return mesh.nodes[:12]


def record_of(mesh, node):
    found = (one.core.state.view.record(node.node_id) for one in standard(mesh))
    return next((record for record in found if record is not None), None)


def test_all_but_zero_hop_have_neighbors_and_routes(mesh):
    for node in mesh.nodes[:15]:
        assert node.stage == "routable", node.core.reason
        assert mesh.degree(node) >= 2  # three where somebody has room for a third


def test_who_takes_no_connections_is_dialled_by_nobody_and_introduced_to_nobody(mesh):
    hidden = {mesh.nodes[index].node_id for index in MODES}
    for node in mesh.nodes:
        for peer in node.core.state.peers.all():
            if peer.node_id in hidden:
                assert peer.inbound
                assert peer.endpoint is None
        remembered = node.remembered.neighbors if node.remembered else ()
        assert not hidden & {one.node_id for one in remembered}
    for node in (*of_mode(mesh, "originate-only"), *of_mode(mesh, "consume-only")):
        assert not record_of(mesh, node).accepts_connections
        assert node.core.state.own.statement is None


def seen_on_routes(mesh, client, *, draws=60):
    wish, seen = RouteWish(hops=3), set()
    for _ in range(draws):
        found = client.core.find_route(wish, mesh.now_of(client))
        assert found is not None
        seen |= {hop.node_id for hop in (*found.over, *found.back)}
    return seen


def test_originate_only_nodes_relay_and_consume_only_nodes_do_not(mesh):
    consumers = {one.node_id for one in of_mode(mesh, "consume-only")}
    seen = set()
    for client in standard(mesh):
        seen |= seen_on_routes(mesh, client)
    assert not consumers & seen
    for node in of_mode(mesh, "consume-only"):
        assert not record_of(mesh, node).routes_data
    for node in of_mode(mesh, "originate-only"):
        assert record_of(mesh, node).routes_data
        assert usable_as_exit(mesh, node)


def usable_as_exit(mesh, node):
    """Whether somebody finds a route that ends at this node."""
    wish = RouteWish(hops=3, exit=node.node_id)
    return any(one.core.find_route(wish, mesh.now_of(one)) for one in standard(mesh))


def test_a_zero_hop_node_takes_no_part_and_nobody_knows_it(mesh):
    [alone] = of_mode(mesh, "zero-hop")
    assert (alone.stage, mesh.degree(alone)) == ("alone", 0)
    assert "zero-hop" in alone.core.reason
    assert record_of(mesh, alone) is None
    assert not alone.links

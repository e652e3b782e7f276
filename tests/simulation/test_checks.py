"""The simulation's checks find what they are there to find: each is broken once."""

from dataclasses import replace

import pytest

from masq_gossip.messages import Introduction, Standard
from masq_gossip.rules.misconduct import Misconduct
from masq_gossip.simulation import Mesh
from masq_gossip.simulation.identities import CHAIN
from masq_gossip.statement import SignedStatement


@pytest.fixture
def mesh():
    mesh = Mesh(count=12, seed=1)
    mesh.run(20.0)
    return mesh


def stranger_to(mesh, node):
    return next(one for one in mesh.nodes if one.node_id not in {node.node_id, *node.neighbors_had})


def refused(mesh, node):
    with pytest.raises(AssertionError, match="seed 1") as refusal:
        mesh.checks.after_event(node)
    return str(refusal.value)


def test_an_address_that_is_not_the_tellers_to_tell(mesh):
    teller, listener = mesh.nodes[3], mesh.nodes[4]
    statement = stranger_to(mesh, teller).core.state.own.statement.raw
    with pytest.raises(AssertionError, match="an address of no neighbor was told"):
        mesh.checks.on_send(teller, listener, Introduction(statement))
    with pytest.raises(AssertionError, match="another's address was told"):
        mesh.checks.on_send(teller, listener, Standard((), statement))


def test_an_address_without_consent(mesh):
    teller = mesh.nodes[3]
    subject = mesh.by_id[teller.core.state.edges()[0]]
    unwilling = replace(subject.core.state.own.statement.statement, introducible=False)
    told = Introduction(SignedStatement.sign(unwilling, subject.key, CHAIN).raw)
    with pytest.raises(AssertionError, match="without consent"):
        mesh.checks.on_send(teller, mesh.nodes[4], told)


def test_an_address_that_nobody_told(mesh):
    node = mesh.nodes[3]
    hidden = next(one for one in mesh.nodes if one.node_id not in node.known | node.neighbors_had)
    node.core.state.seeker.tell(hidden.endpoint, passes=0, now=mesh.time)
    assert "nobody should have told it" in refused(mesh, node)


def test_an_honest_node_that_is_accused(mesh):
    node, honest = mesh.nodes[3], mesh.nodes[4]
    misconduct = Misconduct()
    misconduct.report(honest.node_id, "a quarrel", mesh.now_of(node))
    node.core.state.misconduct = misconduct
    assert "an honest node was accused of 'a quarrel'" in refused(mesh, node)


def test_a_version_that_goes_back(mesh):
    node = mesh.nodes[3]
    node.versions_seen[mesh.nodes[4].node_id] = 2**64
    assert "a version went back" in refused(mesh, node)


def test_what_is_noted_of_a_peer_without_bound(mesh):
    node = mesh.nodes[3]
    peer = node.core.state.peers.neighbors()[0]
    peer.heard = dict.fromkeys(range(10_000), 1)
    assert "too much noted of a peer" in refused(mesh, node)

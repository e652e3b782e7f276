"""Behaviours that MASQ's node asserts in its tests and that make sense here too.

The table in `docs/gossip.md` says which test holds which behaviour; most are in the other files.
"""

from masq_gossip.messages import Debut, Failure, FailureReason, Introduction, Standard
from masq_gossip.rules.events import Dial, LinkClosed, LinkOpened, Remember, Send
from masq_kernel.rates import DEFAULT_RATES
from support.gossip_builders import make_key, sign_record, sign_statement
from support.gossip_stage import ADDRESS, ALICE, BOB, CAROL, OWN, Stage, failures, sent


def test_one_bad_record_ends_the_message_and_the_link():
    stage = Stage()
    stage.befriend(ALICE)
    raw = sign_record(BOB).raw
    bad = raw[:-1] + bytes([raw[-1] ^ 1])
    good = sign_record(CAROL).raw
    assert failures(stage.hear(ALICE, Standard((bad, good)))) == [FailureReason.MISCONDUCT]
    assert CAROL.node_id not in stage.state.view


def quiet_debut(key):
    """The debut of a node that dials, and takes no connections."""
    return Debut(sign_record(key, accepts_connections=False).raw, None)


def test_a_node_that_takes_no_connections_debuts_without_an_address():
    stage = Stage()
    stage.arrive(ALICE)
    stage.hear(ALICE, quiet_debut(ALICE))
    assert stage.state.edges() == (ALICE.node_id,)


def test_a_node_that_takes_no_connections_is_never_introduced():
    stage = Stage()
    stage.arrive(ALICE)
    stage.hear(ALICE, quiet_debut(ALICE))
    stage.wait(0.2)
    listed = sign_record(ALICE, version=8 << 32, accepts_connections=False, neighbors=[OWN.node_id])
    stage.hear(ALICE, Standard((listed.raw,)))
    stage.arrive(BOB)
    statement = sign_statement(BOB, ADDRESS[BOB.node_id])
    commands = stage.hear(BOB, Debut(sign_record(BOB).raw, statement.raw)) + stage.wait(1.0)
    assert BOB.node_id in stage.state.edges()
    assert not sent(commands, Introduction)


def test_an_introduction_to_ourselves_or_to_a_neighbor_is_not_followed():
    stage = Stage()
    stage.befriend(ALICE)
    stage.befriend(BOB)
    for key in (OWN, BOB):
        stage.state.peers.get(ALICE.node_id).awaits_introduction = True
        told = sign_statement(key, ADDRESS[key.node_id])
        commands = stage.hear(ALICE, Introduction(told.raw)) + stage.wait(1.0)
        assert not any(isinstance(one, Dial) for one in commands)


def test_refusals_by_every_descriptor_do_not_end_the_node():
    """MASQ's node exits when the last of its descriptors has refused it."""
    stage = Stage(descriptors=(ALICE,))
    for _ in range(5):
        stage.feed(LinkOpened(ALICE.node_id, ADDRESS[ALICE.node_id], inbound=False))
        stage.hear(ALICE, Failure(FailureReason.FULL))
        stage.feed(LinkClosed(ALICE.node_id))
        again = [one for one in stage.wait(80.0) if isinstance(one, Dial)]
        assert again[0].endpoint.node_id == ALICE.node_id


def test_a_failure_from_a_node_we_never_debuted_to_ends_its_link_only():
    """MASQ's node panics."""
    stage = Stage()
    stage.befriend(BOB)
    stage.arrive(ALICE)
    stage.hear(ALICE, Failure(FailureReason.FULL))
    assert stage.state.edges() == (BOB.node_id,)


def test_a_neighbor_is_not_told_its_own_record():
    stage = Stage()
    stage.befriend(ALICE)
    stage.befriend(BOB)
    newer = sign_record(ALICE, version=8 << 32, neighbors=[OWN.node_id])
    commands = stage.hear(ALICE, Standard((newer.raw,))) + stage.wait(1.0)
    told = [
        raw
        for one in commands
        if isinstance(one, Send) and one.peer == ALICE.node_id and isinstance(one.message, Standard)
        for raw in one.message.records
    ]
    assert newer.raw not in told


def test_past_neighbors_are_written_only_when_they_change():
    stage = Stage()
    stage.befriend(ALICE)
    stage.befriend(BOB)
    for number in range(5):
        newer = sign_record(ALICE, version=(8 << 32) + number, neighbors=[OWN.node_id])
        commands = stage.hear(ALICE, Standard((newer.raw,))) + stage.wait(1.0)
        assert not [one for one in commands if isinstance(one, Remember)]
    commands = stage.feed(LinkClosed(BOB.node_id)) + stage.wait(1.0)
    assert [len(one.neighbors) for one in commands if isinstance(one, Remember)] == [1]


def test_what_a_record_lists_may_be_unknown():
    stage = Stage()
    stage.befriend(ALICE)
    ragged = sign_record(
        ALICE, version=8 << 32, neighbors=[OWN.node_id, make_key(77).node_id, make_key(78).node_id]
    )
    assert failures(stage.hear(ALICE, Standard((ragged.raw,)))) == []
    assert stage.state.view.signed(ALICE.node_id) == ragged


def test_the_default_prices_are_masqs():
    assert (DEFAULT_RATES.routing_byte, DEFAULT_RATES.routing_service) == (53_844, 53_844)
    assert (DEFAULT_RATES.exit_byte, DEFAULT_RATES.exit_service) == (107_688, 107_688)

"""Finding neighbors: order, back-off, passes, and the words for where we stand."""

from itertools import pairwise

import pytest

from masq_gossip.rules.bootstrap import CANDIDATES_MAX, Seeker, stage_of
from masq_gossip.rules.parameters import Parameters
from masq_gossip.rules.peers import Peers
from masq_kernel.entropy import SeededEntropy
from support.gossip_builders import endpoint_of, make_key

NODES = [endpoint_of(make_key(number).node_id, f"127.0.1.{number}") for number in range(1, 70)]
NOBODY = Peers(Parameters())


def make_seeker(descriptors=(), past=()) -> Seeker:
    return Seeker(Parameters(), SeededEntropy(1), descriptors=tuple(descriptors), past=tuple(past))


def wait_of(seeker: Seeker, at: float) -> float:
    due = seeker.next_due(NOBODY, may_ask=False)
    assert due is not None
    return due - at


def test_the_first_dial_is_at_once_and_a_candidate_is_tried_once_at_a_time():
    seeker = make_seeker(NODES[:1])
    assert seeker.pick(3, NOBODY, 0.0) == NODES[:1]
    assert seeker.pick(3, NOBODY, 0.0) == []
    assert seeker.trying() == 1


def test_the_wait_doubles_up_to_a_minute_with_jitter():
    seeker, at, waits = make_seeker(NODES[:1]), 0.0, []
    for _ in range(12):
        seeker.pick(1, NOBODY, at)
        seeker.failed(NODES[0].node_id, at)
        waits.append(wait_of(seeker, at))
        at += waits[-1]
    assert 0.225 <= waits[0] <= 0.375
    for earlier, later in pairwise(waits[:7]):
        assert 1.2 <= later / earlier <= 3.4
    assert all(45.0 <= wait <= 75.0 for wait in waits[9:])
    assert len(set(waits[9:])) == 3


def test_fresh_knowledge_is_tried_before_the_past_and_descriptors_last():
    seeker = make_seeker(NODES[:1], past=NODES[1:2])
    seeker.tell(NODES[2], passes=0, now=0.0)
    assert seeker.pick(3, NOBODY, 0.0) == [NODES[2], NODES[1], NODES[0]]


def test_an_introduction_that_fails_is_forgotten_and_not_taken_up_again_at_once():
    seeker = make_seeker()
    seeker.tell(NODES[0], passes=0, now=0.0)
    seeker.pick(1, NOBODY, 0.0)
    seeker.failed(NODES[0].node_id, 1.0)
    assert seeker.tried(1.0) == (NODES[0].node_id,)
    seeker.tell(NODES[0], passes=0, now=2.0)
    assert seeker.pick(1, NOBODY, 2.0) == []
    seeker.tell(NODES[0], passes=0, now=40.0)
    assert seeker.pick(1, NOBODY, 40.0) == [NODES[0]]


def test_a_descriptor_is_never_forgotten():
    seeker = make_seeker(NODES[:1])
    for at in range(0, 2000, 100):
        assert seeker.pick(1, NOBODY, float(at)) == NODES[:1]
        seeker.failed(NODES[0].node_id, float(at))


def test_a_chain_of_passes_ends():
    seeker = make_seeker()
    seeker.tell(NODES[0], passes=10, now=0.0)
    seeker.tell(NODES[1], passes=11, now=0.0)
    assert seeker.pick(5, NOBODY, 0.0) == [NODES[0]]


def test_a_dial_without_an_answer_is_overdue():
    seeker = make_seeker(NODES[:1])
    seeker.pick(1, NOBODY, 0.0)
    assert seeker.overdue(NOBODY, 7.9) == []
    assert seeker.overdue(NOBODY, 8.0) == [NODES[0].node_id]


def test_what_strangers_tell_does_not_grow_without_bound():
    seeker = make_seeker(NODES[:1])
    for at, node in enumerate(NODES[1:]):
        seeker.tell(node, passes=0, now=10.0 * at)
    picked = seeker.pick(1000, NOBODY, 1000.0)
    assert len(picked) == CANDIDATES_MAX + 1
    assert NODES[0] in picked


def test_asking_for_introductions_backs_off_until_there_is_hope():
    seeker = make_seeker()
    assert seeker.may_ask(NOBODY, 0.0)
    for at in range(0, 400, 40):
        seeker.asked(float(at))
    assert not seeker.may_ask(NOBODY, 370.0)
    seeker.hope(370.0)
    assert seeker.may_ask(NOBODY, 370.4)


@pytest.mark.parametrize(
    ("facts", "stage"),
    [
        ({}, "alone"),
        ({"links": 1}, "seeking"),
        ({"links": 1, "neighbors": 1}, "seeking"),
        ({"links": 1, "neighbors": 1, "full": 1}, "connected"),
        ({"links": 3, "neighbors": 3, "full": 3, "has_route": True}, "routable"),
    ],
)
def test_each_stage_has_its_sentence(facts, stage):
    zero = {"neighbors": 0, "full": 0, "links": 0, "can_dial": True, "has_route": False}
    named, reason = stage_of(**(zero | facts), hops_min=3)
    assert named == stage
    assert reason

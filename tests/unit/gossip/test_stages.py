"""The stage tells what was lost and when, and keeps its history within bounds."""

import pytest

from masq_gossip.messages import FailureReason
from masq_gossip.rules.bootstrap import stage_of
from masq_gossip.rules.stages import HISTORY_MAX, StageLog
from support.gossip_builders import START


def climbed():
    log = StageLog()
    for at, stage in enumerate(("alone", "seeking", "connected", "routable")):
        log.name(stage, stage, START + at)
    return log


def test_a_stage_that_fell_says_what_was_lost_and_when_until_it_is_back():
    log = climbed()
    log.name("connected", "3 full neighbors", START + 60)
    assert log.reason == "3 full neighbors; round trips were lost at 2027-01-15 08:01:00 UTC"
    log.name("alone", "nobody answers", START + 120)
    assert log.reason == (
        "nobody answers; the last full neighbor was lost at 2027-01-15 08:02:00 UTC; "
        "round trips were lost at 2027-01-15 08:01:00 UTC"
    )
    log.name("connected", "1 full neighbor", START + 180)
    assert log.reason == "1 full neighbor; round trips were lost at 2027-01-15 08:01:00 UTC"
    log.name("routable", "found", START + 240)
    assert log.reason == "found"
    log.name("connected", "again", START + 300)
    assert log.reason == "again; round trips were lost at 2027-01-15 08:05:00 UTC"


def test_what_never_was_is_not_called_lost():
    log = StageLog()
    log.name("alone", "nobody", START)
    log.name("seeking", "somebody", START)
    log.name("alone", "nobody", START)
    assert log.reason == "nobody"


def test_a_new_reason_is_told_but_is_no_change_of_stage():
    log = climbed()
    moved = log.name("routable", "another", START + 9)
    assert (moved.before, moved.stage, moved.reason) == ("routable", "routable", "another")
    assert log.name("routable", "another", START + 10) is None
    assert log.since == START + 3
    assert len(log.moves) == 4


def test_the_history_has_the_newest_first_and_an_end():
    log = climbed()
    first = log.moves[0]
    assert (first.before, first.stage, first.at) == ("connected", "routable", START + 3)
    for at in range(100):
        log.name(("connected", "routable")[at % 2], "to and fro", START + at)
    assert len(log.moves) == HISTORY_MAX
    assert log.moves[0].at == START + 99


@pytest.mark.parametrize("refusal", FailureReason)
def test_a_node_that_answered_and_refused_is_told_from_one_that_did_not_answer(refusal):
    facts = {"neighbors": 0, "full": 0, "links": 0, "can_dial": True, "hops_min": 3}
    stage, silent = stage_of(**facts, has_route=False)
    assert (stage, silent) == ("alone", "no descriptor has answered")
    stage, refused = stage_of(**facts, has_route=False, refusal=refusal)
    assert stage == "alone"
    assert refused.startswith("a node answered and refused us: ")

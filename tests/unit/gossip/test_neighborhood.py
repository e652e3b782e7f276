"""One node against hand-made peers: debuts, neighborhoods, and what it refuses."""

import pytest

from masq_gossip.messages import (
    Debut,
    Digest,
    FailureReason,
    Farewell,
    Introduction,
    Pass,
    Request,
    Standard,
    message_to_bytes,
)
from masq_gossip.record import MAX_DEGREE
from masq_gossip.rules.events import (
    Dial,
    DialFailed,
    Link,
    LinkClosed,
    LinkOpened,
    LinksListed,
    MoveStage,
    Pardoned,
    PayloadArrived,
    Remember,
    Send,
    Stopping,
)
from masq_gossip.rules.misconduct import BAN_FIRST_S, BAN_MAX_S, MEMORY_S
from support.gossip_builders import (
    START,
    make_key,
    make_self,
    sign_record,
    sign_statement,
)
from support.gossip_stage import (
    ADDRESS,
    ALICE,
    BOB,
    CAROL,
    OWN,
    Stage,
    debut_of,
    failures,
    is_closed,
    sent,
)


def test_a_newcomer_is_listed_and_told_our_record_address_and_digest():
    stage = Stage()
    stage.arrive(ALICE)
    commands = stage.hear(ALICE, debut_of(ALICE)) + stage.wait(0.2)
    assert stage.state.edges() == (ALICE.node_id,)
    (standard,) = sent(commands, Standard)
    record = stage.state.view.read(standard.records[0]).record
    assert record.neighbors == (ALICE.node_id,)
    assert standard.statement is not None
    assert sent(commands, Digest)


def test_the_stage_climbs_and_falls_with_its_reason():
    stage = Stage()
    stage.befriend(ALICE)
    assert stage.core.stage == "connected"
    commands = stage.feed(LinkClosed(ALICE.node_id)) + stage.wait(0.2)
    assert [one.stage for one in commands if isinstance(one, MoveStage)] == ["alone"]


def test_a_neighbor_that_never_lists_us_is_dropped():
    stage = Stage()
    stage.arrive(ALICE)
    stage.hear(ALICE, debut_of(ALICE))
    commands = stage.wait(11.0)
    assert failures(commands) == [FailureReason.HALF_LINK]
    assert is_closed(commands, ALICE)
    assert stage.state.edges() == ()


def test_a_neighbor_that_stops_listing_us_is_dropped():
    stage = Stage()
    stage.befriend(ALICE)
    newer = sign_record(ALICE, version=8 << 32)
    commands = stage.hear(ALICE, Standard((newer.raw,))) + stage.wait(0.2)
    assert is_closed(commands, ALICE)
    assert stage.state.edges() == ()


def test_a_second_node_at_a_neighbors_address_is_refused_with_the_reason():
    stage = Stage()
    stage.befriend(ALICE)
    address = ADDRESS[ALICE.node_id]
    stage.arrive(BOB, address)
    debut = Debut(sign_record(BOB).raw, sign_statement(BOB, address).raw)
    commands = stage.hear(BOB, debut, address)
    assert failures(commands) == [FailureReason.ADDRESS_TAKEN]
    assert stage.state.edges() == (ALICE.node_id,)


def test_a_node_at_our_own_address_is_refused():
    stage = Stage()
    address = ADDRESS[OWN.node_id]
    stage.arrive(BOB, address)
    debut = Debut(sign_record(BOB).raw, sign_statement(BOB, address).raw)
    assert failures(stage.hear(BOB, debut, address)) == [FailureReason.ADDRESS_TAKEN]


def test_a_statement_that_is_not_where_the_link_comes_from_is_refused():
    stage = Stage()
    stage.arrive(ALICE, "127.0.9.9")
    commands = stage.hear(ALICE, debut_of(ALICE), "127.0.9.9")
    assert failures(commands) == [FailureReason.ADDRESS_MISMATCH]


def test_the_address_is_free_again_when_its_holder_is_gone():
    stage = Stage()
    stage.befriend(ALICE)
    stage.feed(LinkClosed(ALICE.node_id))
    address = ADDRESS[ALICE.node_id]
    stage.arrive(BOB, address)
    stage.hear(BOB, Debut(sign_record(BOB).raw, sign_statement(BOB, address).raw), address)
    assert stage.state.edges() == (BOB.node_id,)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        message_to_bytes(Debut(sign_record(BOB).raw, None)),
        message_to_bytes(Debut(sign_record(ALICE).raw[:-1] + b"\0", None)),
        message_to_bytes(Debut(sign_record(ALICE).raw, None)),
    ],
    ids=["empty", "unknown", "another's record", "bad signature", "no statement"],
)
def test_what_no_honest_node_sends_closes_the_link_and_is_remembered(payload):
    stage = Stage()
    stage.arrive(ALICE)
    commands = stage.feed(PayloadArrived(ALICE.node_id, ADDRESS[ALICE.node_id], payload))
    assert failures(commands) == [FailureReason.MISCONDUCT]
    assert is_closed(commands, ALICE)
    assert stage.state.misconduct.of(ALICE.node_id).count == 1
    assert stage.state.misconduct.of(BOB.node_id) is None


def offend(stage, key):
    stage.arrive(key)
    return stage.feed(PayloadArrived(key.node_id, ADDRESS[key.node_id], b"\xffevidence"))


def test_an_offender_is_turned_away_until_its_ban_has_passed():
    stage = Stage()
    offend(stage, ALICE)
    stage.wait(3)
    commands = stage.arrive(ALICE)
    assert failures(commands) == [FailureReason.MISCONDUCT]
    assert is_closed(commands, ALICE)
    assert not sent(stage.hear(ALICE, debut_of(ALICE)), Standard)
    assert failures(stage.arrive(BOB)) == []
    stage.wait(BAN_FIRST_S)
    stage.befriend(ALICE)


def test_an_offender_is_not_dialled_either():
    stage = Stage(descriptors=(ALICE,))
    stage.feed(LinkOpened(ALICE.node_id, ADDRESS[ALICE.node_id], inbound=False))
    stage.feed(PayloadArrived(ALICE.node_id, ADDRESS[ALICE.node_id], b"\xff"))
    assert not [one for one in stage.wait(BAN_FIRST_S - 10) if isinstance(one, Dial)]
    assert [one for one in stage.wait(120) if isinstance(one, Dial)]


def test_each_further_offence_doubles_the_ban_up_to_a_day():
    stage, lengths = Stage(), []
    for _ in range(10):
        offend(stage, ALICE)
        ban = stage.state.misconduct.of(ALICE.node_id)
        lengths.append(ban.until - ban.since)
        stage.at = float(ban.until - START + 1)
        stage.feed(LinkClosed(ALICE.node_id))
    assert lengths[:3] == [BAN_FIRST_S, 2 * BAN_FIRST_S, 4 * BAN_FIRST_S]
    assert lengths[-1] == BAN_MAX_S


def test_a_week_without_offence_makes_a_node_new():
    stage = Stage()
    offend(stage, ALICE)
    stage.at += BAN_FIRST_S + MEMORY_S + 1
    stage.feed(LinkClosed(ALICE.node_id))
    offend(stage, ALICE)
    assert stage.state.misconduct.of(ALICE.node_id).count == 1


def test_a_ban_is_kept_for_the_next_start_with_its_evidence():
    stage = Stage()
    offend(stage, ALICE)
    remembered = [one for one in stage.wait(1) if isinstance(one, Remember)]
    [ban] = remembered[-1].bans
    assert (ban.node_id, ban.evidence) == (ALICE.node_id, b"\xffevidence")
    again = Stage(bans=remembered[-1].bans)
    assert is_closed(again.arrive(ALICE), ALICE)


def test_a_pardon_lets_a_node_in_again_and_is_kept():
    stage = Stage()
    offend(stage, ALICE)
    stage.wait(3)
    commands = stage.feed(Pardoned(ALICE.node_id)) + stage.wait(1)
    remembered = [one for one in commands if isinstance(one, Remember)]
    assert remembered[-1].bans == ()
    stage.befriend(ALICE)


def test_a_neighbors_two_records_of_one_version_are_its_misconduct():
    stage = Stage()
    stage.befriend(ALICE)
    other = sign_record(ALICE, version=(7 << 32) + 5, neighbors=[OWN.node_id], country="DE")
    assert failures(stage.hear(ALICE, Standard((other.raw,)))) == [FailureReason.MISCONDUCT]


def test_a_conflicting_record_of_a_third_node_is_refused_but_not_held_against_the_bearer():
    stage = Stage()
    stage.befriend(ALICE)
    stage.hear(ALICE, Standard((sign_record(BOB).raw,)))
    commands = stage.hear(ALICE, Standard((sign_record(BOB, country="DE").raw,)))
    assert failures(commands) == []
    assert stage.state.view.record(BOB.node_id).country == "CH"
    assert stage.state.misconduct.of(ALICE.node_id) is None


def test_there_are_never_more_than_five_neighbors():
    stage = Stage()
    for number in range(10, 20):
        key = make_key(number)
        ADDRESS[key.node_id] = f"127.0.2.{number}"
        stage.arrive(key)
        stage.hear(key, debut_of(key))
        stage.wait(0.5)
        assert len(stage.state.edges()) <= MAX_DEGREE
    assert len(stage.state.edges()) == MAX_DEGREE


def test_a_node_dials_its_descriptor_debuts_and_lists_who_lists_it():
    stage = Stage(descriptors=(ALICE,))
    assert stage.state.seeker.is_trying(ALICE.node_id)
    opened = stage.feed(LinkOpened(ALICE.node_id, ADDRESS[ALICE.node_id], inbound=False))
    assert len(sent(opened, Debut)) == 1
    assert stage.state.edges() == ()
    listed = sign_record(ALICE, neighbors=[OWN.node_id])
    stated = sign_statement(ALICE, ADDRESS[ALICE.node_id])
    commands = stage.hear(ALICE, Standard((listed.raw,), stated.raw)) + stage.wait(0.2)
    assert stage.state.edges() == (ALICE.node_id,)
    remembered = [one for one in commands if isinstance(one, Remember)]
    assert [one.node_id for one in remembered[-1].neighbors] == [ALICE.node_id]


def test_a_dial_that_fails_is_repeated_and_an_unanswered_debut_given_up():
    stage = Stage(descriptors=(ALICE,))
    stage.feed(DialFailed(ALICE.node_id))
    dials = [one for one in stage.wait(0.5) if isinstance(one, Dial)]
    assert [one.endpoint.node_id for one in dials] == [ALICE.node_id]
    stage.feed(LinkOpened(ALICE.node_id, ADDRESS[ALICE.node_id], inbound=False))
    assert is_closed(stage.wait(5.1), ALICE)


def test_a_pass_is_followed_by_a_dial_and_the_passer_is_named_as_tried():
    stage = Stage(descriptors=(ALICE,))
    stage.feed(LinkOpened(ALICE.node_id, ADDRESS[ALICE.node_id], inbound=False))
    commands = stage.hear(ALICE, Pass(sign_statement(BOB, ADDRESS[BOB.node_id]).raw))
    commands += stage.wait(0.1)
    assert is_closed(commands, ALICE)
    assert [one.endpoint.node_id for one in commands if isinstance(one, Dial)] == [BOB.node_id]
    opened = stage.feed(LinkOpened(BOB.node_id, ADDRESS[BOB.node_id], inbound=False))
    assert sent(opened, Debut)[0].tried == (ALICE.node_id,)


def test_passes_and_introductions_nobody_asked_for_are_not_followed():
    stage = Stage()
    stage.arrive(ALICE)
    told = sign_statement(BOB, ADDRESS[BOB.node_id]).raw
    commands = stage.hear(ALICE, Pass(told)) + stage.hear(ALICE, Introduction(told))
    commands += stage.wait(1.0)
    assert not any(isinstance(one, Dial) for one in commands)


def test_a_node_with_three_neighbors_dials_nobody():
    stage = Stage(anchors=0)
    for key in (ALICE, BOB, CAROL):
        stage.befriend(key)
    told = sign_statement(make_key(9), "127.0.1.9").raw
    commands = stage.hear(ALICE, Introduction(told)) + stage.wait(5.0)
    assert not any(isinstance(one, Dial) for one in commands)


FAR = make_key(8)
ADDRESS[FAR.node_id] = "127.0.1.8"


def bridge_dial(stage):
    """Wait for the node to try one that it does not see."""
    for _ in range(90):
        dials = [one for one in stage.wait(1.0) if isinstance(one, Dial)]
        if dials:
            return dials[0].endpoint.node_id
    return None


def test_a_node_with_neighbors_enough_tries_one_it_does_not_see_and_joins_its_part():
    """Two parts of a mesh have healed apart from each other; our descriptor is in the other."""
    stage = Stage(descriptors=(FAR,), anchors=0)
    stage.feed(DialFailed(FAR.node_id))
    for key in (ALICE, BOB, CAROL):
        stage.befriend(key)
    assert bridge_dial(stage) == FAR.node_id
    opened = stage.feed(LinkOpened(FAR.node_id, ADDRESS[FAR.node_id], inbound=False))
    assert sent(opened, Debut)
    listed = sign_record(FAR, neighbors=[OWN.node_id])
    stage.hear(FAR, Standard((listed.raw,)))
    assert FAR.node_id in stage.state.edges()


def test_a_pass_leads_a_bridge_on():
    stage = Stage(descriptors=(FAR,), anchors=0)
    stage.feed(DialFailed(FAR.node_id))
    for key in (ALICE, BOB, CAROL):
        stage.befriend(key)
    bridge_dial(stage)
    stage.feed(LinkOpened(FAR.node_id, ADDRESS[FAR.node_id], inbound=False))
    told = sign_statement(make_key(9), "127.0.1.9").raw
    dials = [one for one in stage.hear(FAR, Pass(told)) + stage.wait(1.0) if isinstance(one, Dial)]
    assert [one.endpoint.node_id for one in dials] == [make_key(9).node_id]


def test_a_node_that_is_seen_or_a_full_table_needs_no_bridge():
    stage = Stage(descriptors=(FAR,), anchors=0)
    stage.feed(DialFailed(FAR.node_id))
    for key in (ALICE, BOB, CAROL):
        stage.befriend(key)
    seen = sign_record(ALICE, version=(8 << 32), neighbors=[OWN.node_id, FAR.node_id])
    far = sign_record(FAR, neighbors=[ALICE.node_id])
    stage.hear(ALICE, Standard((seen.raw, far.raw)))
    assert not [one for one in stage.wait(200.0) if isinstance(one, Dial)]


def test_a_node_whose_record_is_kept_from_us_is_looked_for_though_others_list_it():
    stage = Stage(descriptors=(FAR,), anchors=0)
    stage.feed(DialFailed(FAR.node_id))
    for key in (ALICE, BOB, CAROL):
        stage.befriend(key)
    seen = sign_record(ALICE, version=(8 << 32), neighbors=[OWN.node_id, FAR.node_id])
    stage.hear(ALICE, Standard((seen.raw,)))
    bridge_dial(stage)


def test_a_digest_is_answered_by_a_request_for_what_is_news_only():
    stage = Stage()
    stage.befriend(ALICE)
    held = (ALICE.node_id, (7 << 32) + 5)
    (request,) = sent(stage.hear(ALICE, Digest((held, (BOB.node_id, 3)))), Request)
    assert request.node_ids == (BOB.node_id,)
    assert sent(stage.hear(ALICE, Digest((held,))), Request) == []


def test_a_request_is_answered_with_the_very_bytes_their_owner_signed():
    stage = Stage()
    stage.befriend(ALICE)
    stage.befriend(BOB)
    held = stage.state.view.signed(ALICE.node_id)
    (standard,) = sent(stage.hear(BOB, Request((ALICE.node_id, CAROL.node_id))), Standard)
    assert standard.records == (held.raw,)


def test_strangers_get_no_records():
    stage = Stage()
    stage.befriend(ALICE)
    stage.arrive(BOB)
    commands = stage.hear(BOB, Request((ALICE.node_id,))) + stage.hear(BOB, Digest(()))
    assert not any(isinstance(one, Send) for one in commands)


def test_news_goes_to_the_others_but_not_back_to_its_bearer():
    stage = Stage()
    stage.befriend(ALICE)
    stage.befriend(BOB)
    carol = sign_record(CAROL, neighbors=[ALICE.node_id])
    alice = sign_record(ALICE, version=8 << 32, neighbors=[OWN.node_id, CAROL.node_id])
    commands = stage.hear(ALICE, Standard((carol.raw, alice.raw))) + stage.wait(0.2)
    told = {
        (one.peer, raw)
        for one in commands
        if isinstance(one, Send) and isinstance(one.message, Standard)
        for raw in one.message.records
    }
    assert {(BOB.node_id, carol.raw), (BOB.node_id, alice.raw)} <= told
    assert (ALICE.node_id, carol.raw) not in told


def test_changed_rates_raise_the_version_and_spread():
    stage = Stage()
    stage.befriend(ALICE)
    before = stage.state.own.version
    commands = stage.feed(make_self(2)) + stage.wait(0.2)
    (standard,) = sent(commands, Standard)
    assert stage.state.view.read(standard.records[0]).version > before


def test_a_burst_of_changes_is_one_record():
    stage = Stage()
    stage.befriend(ALICE)
    before = stage.state.own.version
    for number in range(3, 13):
        stage.feed(make_self(number))
    stage.wait(0.2)
    assert stage.state.own.version - before <= 2


def test_the_record_is_renewed_every_hour():
    stage = Stage()
    before = stage.state.own.version
    stage.wait(3500.0)
    assert stage.state.own.version == before
    stage.wait(200.0)
    assert stage.state.own.version == before + 1


def test_a_record_of_ours_from_a_forgotten_life_is_outbid_and_the_boot_remembered():
    stage = Stage()
    stage.befriend(ALICE)
    past = sign_record(OWN, version=(9 << 32) + 4)
    commands = stage.hear(ALICE, Standard((past.raw,))) + stage.wait(0.2)
    assert stage.state.own.version > past.version
    assert [one.boot for one in commands if isinstance(one, Remember)] == [10]


def test_a_farewell_drops_the_edge_at_once_and_ours_goes_to_every_neighbor():
    stage = Stage()
    stage.befriend(ALICE)
    stage.befriend(BOB)
    stage.hear(ALICE, Farewell())
    assert stage.state.edges() == (BOB.node_id,)
    commands = stage.feed(Stopping())
    assert [one.peer for one in commands] == [BOB.node_id]
    assert sent(commands, Farewell)


def test_the_routers_list_makes_up_for_lost_events():
    stage = Stage()
    stage.befriend(ALICE)
    stage.wait(3.0)
    stage.feed(LinksListed((Link(BOB.node_id, ADDRESS[BOB.node_id], inbound=True),)))
    assert stage.state.edges() == ()
    assert BOB.node_id in stage.state.peers


def test_after_a_restart_of_gossip_the_open_links_are_debuted_over():
    stage = Stage()
    links = (Link(BOB.node_id, ADDRESS[BOB.node_id], inbound=True),)
    assert len(sent(stage.feed(LinksListed(links)), Debut)) == 1


def test_a_neighbor_that_restarted_is_taken_back_over_the_same_link():
    stage = Stage()
    stage.befriend(ALICE)
    commands = stage.hear(ALICE, debut_of(ALICE, version=9 << 32)) + stage.wait(0.2)
    assert stage.state.edges() == (ALICE.node_id,)
    assert sent(commands, Standard)
    assert not is_closed(commands, ALICE)


def test_an_inbound_link_on_which_nothing_happens_is_closed():
    stage = Stage()
    stage.arrive(ALICE)
    assert is_closed(stage.wait(10.5), ALICE)


def test_zero_hop_mode_takes_no_neighbors():
    stage = Stage(mode="zero-hop", descriptors=(ALICE,))
    stage.arrive(BOB)
    commands = stage.hear(BOB, debut_of(BOB)) + stage.wait(2.0)
    assert failures(commands) == [FailureReason.NOT_SERVING]
    assert not any(isinstance(one, Dial) for one in commands)

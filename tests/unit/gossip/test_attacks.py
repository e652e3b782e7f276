"""What one attacker can do to one node; `docs/gossip.md` states what each attack gains."""

import time

import pytest

from masq_gossip.messages import (
    Debut,
    Digest,
    Failure,
    FailureReason,
    Introduction,
    Pass,
    Request,
    Standard,
)
from masq_gossip.record import MAX_DEGREE, SignedRecord
from masq_gossip.rules.budget import HOLDERS_MAX, Budgets
from masq_gossip.rules.events import Dial, DialFailed, LinkClosed, LinkOpened, Now, Send
from masq_gossip.rules.parameters import Parameters
from masq_gossip.rules.routing import RouteWish
from masq_gossip.rules.view import DROPPED_MAX, Verdict, View
from masq_kernel.addresses import leads_inward, site_of
from masq_kernel.identity.keys import NodeId
from support.gossip_builders import START, endpoint_of, make_key, sign_record, sign_statement
from support.gossip_stage import ADDRESS, ALICE, BOB, CAROL, OWN, Stage, debut_of, failures, sent

MALLORY = ALICE
VICTIMS = [make_key(number) for number in range(50, 90)]
LIMITS = Parameters()


def dials(commands):
    return [one.endpoint for one in commands if isinstance(one, Dial)]


def told_addresses(commands, peer):
    """Return the statements that left for a peer, ours not among them."""
    statements = set()
    for one in commands:
        if not isinstance(one, Send) or one.peer != peer.node_id:
            continue
        if isinstance(one.message, Introduction | Pass):
            statements.add(one.message.statement)
    return statements


# Forged and replayed


def test_a_forged_record_costs_its_bearer_the_link_and_changes_nothing():
    stage = Stage()
    stage.befriend(MALLORY)
    stage.befriend(BOB)
    true = stage.state.view.signed(BOB.node_id)
    forged = sign_record(BOB, version=9 << 32, neighbors=[OWN.node_id]).raw
    forged = forged[:40] + bytes([forged[40] ^ 1]) + forged[41:]
    assert failures(stage.hear(MALLORY, Standard((forged,)))) == [FailureReason.MISCONDUCT]
    assert stage.state.view.signed(BOB.node_id) == true
    assert stage.state.misconduct.of(BOB.node_id) is None


def test_an_old_record_replayed_changes_nothing_and_is_not_spread():
    stage = Stage()
    stage.befriend(MALLORY)
    stage.befriend(BOB)
    old = sign_record(BOB, version=(7 << 32) + 1)
    commands = stage.hear(MALLORY, Standard((old.raw,) * 20)) + stage.wait(1.0)
    assert stage.state.view.signed(BOB.node_id).version == (7 << 32) + 5
    assert not any(old.raw in message.records for message in sent(commands, Standard))


def test_an_old_record_replayed_after_the_newer_was_dropped_is_still_old():
    stage = Stage()
    stage.befriend(MALLORY)
    stage.befriend(BOB)
    stage.feed(LinkClosed(BOB.node_id))
    stage.wait(15.0)
    assert BOB.node_id not in stage.state.view
    stage.hear(MALLORY, Standard((sign_record(BOB, version=(7 << 32) + 4).raw,)))
    assert BOB.node_id not in stage.state.view


def test_once_expired_a_record_is_never_taken_again():
    stage = Stage()
    stage.befriend(MALLORY)
    old = sign_record(BOB, published_at=START - LIMITS.record_ttl_s)
    stage.hear(MALLORY, Standard((old.raw,)))
    assert BOB.node_id not in stage.state.view


def test_the_memory_of_dropped_records_can_be_washed_out_but_the_living_outbid_the_replay():
    """4,096 other nodes dropped later make room for one replay, which the next true record ends."""
    view = View(OWN.node_id, LIMITS, lambda raw: pytest.fail("not read"))
    stage = Stage()
    old, new = sign_record(BOB, version=5), sign_record(BOB, version=6)
    view.offer(new, at(stage, 0.0))
    for number in range(LIMITS.unreached_max + DROPPED_MAX + 1):
        view.offer(unsigned(number), at(stage, 1.0))
    assert BOB.node_id not in view
    assert view.offer(old, at(stage, 2.0)) is Verdict.TAKEN
    assert view.offer(new, at(stage, 3.0)) is Verdict.TAKEN


def test_the_statement_of_a_node_that_has_moved_dials_its_old_address_once():
    """Its dial proves the NodeId: nobody else can answer there, and nobody learns anything new."""
    stage = Stage(descriptors=(MALLORY,))
    stage.feed(LinkOpened(MALLORY.node_id, ADDRESS[MALLORY.node_id], inbound=False))
    old = sign_statement(BOB, "127.0.9.1", version=1).raw
    commands = stage.hear(MALLORY, Pass(old)) + stage.wait(0.5)
    to_bob = [one.address for one in dials(commands) if one.node_id == BOB.node_id]
    assert to_bob == ["127.0.9.1"]


# Records at their limits


@pytest.mark.parametrize("version", [2**64 - 1, 2**63])
def test_a_liar_with_the_highest_version_freezes_nobody_but_itself(version):
    stage = Stage()
    stage.befriend(MALLORY)
    stage.befriend(BOB)
    last = sign_record(MALLORY, version=version, neighbors=[OWN.node_id])
    stage.hear(MALLORY, Standard((last.raw,)))
    newer = sign_record(BOB, version=8 << 32, neighbors=[OWN.node_id])
    stage.hear(BOB, Standard((newer.raw,)))
    assert stage.state.view.signed(MALLORY.node_id).version == version
    assert stage.state.view.signed(BOB.node_id) == newer


def test_even_with_our_own_key_leaked_the_highest_version_does_not_stop_us():
    stage = Stage()
    stage.befriend(MALLORY)
    stolen = sign_record(OWN, version=2**64 - 1)
    for _ in range(5):
        stage.hear(MALLORY, Standard((stolen.raw,)))
        stage.wait(1.0)
    assert stage.state.own.boot == 2**32 - 1
    assert stage.state.edges() == (MALLORY.node_id,)


def test_a_record_from_the_future_is_not_taken_and_not_held_against_its_bearer():
    stage = Stage()
    stage.befriend(MALLORY)
    future = sign_record(BOB, published_at=START + LIMITS.future_skew_s + 60)
    assert failures(stage.hear(MALLORY, Standard((future.raw,)))) == []
    assert BOB.node_id not in stage.state.view


# Bombs and floods


class Splinter:
    """As much of a record as the view looks at: a million of them take a second to make."""

    __slots__ = ("node_id",)
    version, published_at, neighbors, country = 5, START, (), "CH"

    def __init__(self, node_id):
        self.node_id = node_id

    def lists(self, _node_id):
        return False


def unsigned(number: int) -> SignedRecord:
    """A record of a node of its own; the signature is left out where it is not looked at."""
    raw = number.to_bytes(32, "big")
    return SignedRecord(raw, Splinter(NodeId(raw)))


def at(stage, seconds):
    return Now(START + int(stage.at + seconds), stage.at + seconds)


BOMB = 1_000_000


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_million_records_fill_their_share_and_no_more():
    view = View(OWN.node_id, LIMITS, lambda raw: pytest.fail("not read"))
    stage = Stage()
    honest = [sign_record(OWN, neighbors=[BOB.node_id]), sign_record(BOB, neighbors=[OWN.node_id])]
    for record in honest:
        view.offer(record, at(stage, 0.0))
    began, early = time.perf_counter(), 0.0
    for number in range(BOMB):
        view.offer(unsigned(number), at(stage, number / 1_400))
        if number == BOMB // 10:
            early = time.perf_counter() - began
    assert len(view) <= len(honest) + LIMITS.unreached_max
    assert len(view._raw_known) == len(view)
    assert len(view._dropped) <= DROPPED_MAX
    assert BOB.node_id in view
    assert time.perf_counter() - began < 20 * early  # the last costs no more than the first


def test_a_bomb_is_not_spread_and_its_bearer_gets_no_answers():
    stage = Stage(read=lambda raw: unsigned(int.from_bytes(raw, "big")) if len(raw) == 32 else None)
    for key in (MALLORY, BOB):
        stage.state.view._read = lambda raw: SignedRecord.from_bytes(raw, stage.state.origin.chain)
        stage.befriend(key)
    stage.state.view._read = lambda raw: unsigned(int.from_bytes(raw, "big"))
    commands = []
    for number in range(1_000):
        first = 1 + number * 28
        raws = tuple((first + one).to_bytes(32, "big") for one in range(28))
        commands += stage.hear(MALLORY, Standard(raws))
    commands += stage.wait(2.0)
    assert not sent(commands, Standard)
    assert len(stage.state.peers.get(MALLORY.node_id).heard) <= len(stage.state.view) + 28_000
    stage.wait(60.0)
    assert len(stage.state.view) == 3


def test_records_of_one_node_that_come_too_fast_are_taken_at_an_honest_pace():
    stage = Stage()
    stage.befriend(MALLORY)
    stage.befriend(BOB)
    spread = 0
    for number in range(300):
        churned = sign_record(
            MALLORY, version=(8 << 32) + number, neighbors=[OWN.node_id], published_at=START
        )
        commands = stage.hear(MALLORY, Standard((churned.raw,))) + stage.wait(0.1)
        told = [
            one.message for one in commands if isinstance(one, Send) and one.peer == BOB.node_id
        ]
        spread += sum(1 for message in told if isinstance(message, Standard))
    assert LIMITS.updates_max <= spread <= LIMITS.updates_max + 30 / LIMITS.updates_refill_s + 1
    assert stage.state.misconduct.of(MALLORY.node_id) is None
    assert MALLORY.node_id in stage.state.edges()


def test_requests_are_answered_as_far_as_a_neighbor_can_need_them():
    stage = Stage()
    stage.befriend(MALLORY)
    stage.befriend(BOB)
    wanted = (BOB.node_id,)
    answers = sum(
        len(sent(stage.hear(MALLORY, Request(wanted)), Standard))
        for _ in range(2 * LIMITS.answers_max)
    )
    assert answers == LIMITS.answers_max
    stage.wait(1.0)
    assert sent(stage.hear(MALLORY, Request(wanted)), Standard)


def test_a_flood_of_digests_leaves_nothing_behind():
    stage = Stage()
    stage.befriend(MALLORY)
    for number in range(50):
        versions = tuple(
            (NodeId((number * 1_400 + one).to_bytes(32, "big")), 1) for one in range(1_400)
        )
        stage.hear(MALLORY, Digest(versions))
    assert len(stage.state.peers.get(MALLORY.node_id).heard) <= len(stage.state.view)


def test_who_floods_a_link_is_banned_and_not_let_in_again():
    stage = Stage()
    stage.befriend(MALLORY)
    stage.feed(LinkClosed(MALLORY.node_id, "it broke the protocol: a flood of gossip"))
    assert "flood" in stage.state.misconduct.of(MALLORY.node_id).reason
    assert failures(stage.arrive(MALLORY)) == [FailureReason.MISCONDUCT]


def test_a_link_that_just_ends_is_nobodys_misconduct():
    stage = Stage()
    stage.befriend(BOB)
    stage.feed(LinkClosed(BOB.node_id))
    assert stage.state.misconduct.of(BOB.node_id) is None


# Harvesting addresses


def popular(neighbors=4):
    """A node with neighbors that have room and may be introduced."""
    stage = Stage()
    for key in VICTIMS[:neighbors]:
        ADDRESS[key.node_id] = f"127.0.5.{VICTIMS.index(key) + 1}"
        stage.befriend(key)
    return stage


def test_false_edges_bring_no_address():
    """MASQ's node hands over the address of whomever the asking node claims as its neighbor."""
    stage = popular()
    stage.befriend(MALLORY)
    victims = [key.node_id for key in VICTIMS[:4]]
    claim = sign_record(MALLORY, version=8 << 32, neighbors=[OWN.node_id, *victims])
    commands = stage.hear(MALLORY, Standard((claim.raw,)))
    commands += stage.hear(MALLORY, Request(tuple(victims)))
    commands += stage.hear(MALLORY, Digest(())) + stage.wait(60.0)
    assert told_addresses(commands, MALLORY) == set()
    own = {one.statement for one in sent(commands, Standard)}
    assert own <= {None, stage.state.own.statement.raw}


def test_repeated_asking_brings_eight_addresses_and_then_two_a_minute():
    stage = popular()
    stage.befriend(MALLORY)
    answers = 0
    for number in range(600):
        record = sign_record(MALLORY, version=(8 << 32) + number, neighbors=[OWN.node_id])
        statement = sign_statement(MALLORY, ADDRESS[MALLORY.node_id])
        commands = stage.hear(MALLORY, Debut(record.raw, statement.raw))
        answers += len(sent(commands, Introduction))
        stage.at += 0.1
    assert answers <= LIMITS.introductions_max + 60 / LIMITS.introductions_refill_s


def debut_with_fresh_names(stage, count, address):
    """Debut under one NodeId after the other from one address; return what was told."""
    told = []
    for number in range(count):
        key = make_key(10_000 + number)
        ADDRESS[key.node_id] = address
        stage.arrive(key)
        commands = stage.hear(key, debut_of(key)) + stage.wait(0.05)
        told += sent(commands, Introduction) + sent(commands, Pass)
        stage.feed(LinkClosed(key.node_id))
    return told


@pytest.mark.parametrize("neighbors", [4, 5])
def test_fresh_names_from_one_address_learn_no_more_than_one_name(neighbors):
    """With four neighbors each would be accepted and introduced, with five passed on."""
    told = debut_with_fresh_names(popular(neighbors), 100, "127.0.77.1")
    assert len(told) <= LIMITS.introductions_max + 1


def test_one_ipv6_network_is_one_place():
    stage = popular()
    told = []
    for number in range(1, 41):
        told += debut_with_fresh_names(stage, 1, f"2001:db8::{number:x}")
    assert len(told) <= LIMITS.introductions_max + 1
    assert site_of("2001:db8::1") == site_of("2001:db8::ffff") != site_of("2001:db8:0:1::1")


def test_another_place_is_answered_though_the_first_has_used_up_its_share():
    stage = popular()
    debut_with_fresh_names(stage, 30, "127.0.77.1")
    stage.wait(LIMITS.introduction_memory_s + 1.0)
    assert debut_with_fresh_names(stage, 1, "127.0.77.2")


def test_the_places_remembered_are_bounded():
    budgets = Budgets[int](burst=1, refill_s=1.0)
    for number in range(HOLDERS_MAX + 10):
        budgets.of(number, 0.0).take(0.0)
    assert len(budgets) == HOLDERS_MAX


# Pass reflection


def test_nobody_sends_us_anywhere_unasked():
    stage = Stage()
    stage.befriend(MALLORY)
    stage.wait(1.0)
    stage.state.peers.get(MALLORY.node_id).awaits_introduction = False
    told = [sign_statement(key, f"127.0.6.{n}").raw for n, key in enumerate(VICTIMS, 1)]
    commands = []
    for one in told:
        commands += stage.hear(MALLORY, Introduction(one)) + stage.hear(MALLORY, Pass(one))
    assert dials(commands) == []


def reflect(stage, address_of):
    """Answer every debut of the node with a pass to an address of the attacker's choice."""
    reached, number, end = [], 0, stage.at + 120.0
    waiting = [endpoint_of(MALLORY.node_id, ADDRESS[MALLORY.node_id])]  # dialled at the start
    while stage.at < end:
        commands = []
        for endpoint in waiting:
            if endpoint.node_id != MALLORY.node_id:
                reached.append(endpoint)
                commands += stage.feed(DialFailed(endpoint.node_id))
                continue
            stage.feed(LinkOpened(MALLORY.node_id, ADDRESS[MALLORY.node_id], inbound=False))
            number += 1
            told = sign_statement(make_key(20_000 + number), address_of(number))
            commands += stage.hear(MALLORY, Pass(told.raw))
            commands += stage.feed(LinkClosed(MALLORY.node_id))
        waiting = dials(commands + stage.wait(0.05))
    return reached


def test_a_node_that_passes_us_on_to_many_addresses_is_followed_less_and_less():
    reached = reflect(Stage(descriptors=(MALLORY,)), lambda number: f"127.0.66.{number}")
    assert 1 <= len(reached) <= 14  # the back-off to the descriptor: 0.3 s doubling to 60 s


def test_one_address_is_dialled_at_most_twice_a_minute_under_whatever_names():
    reached = reflect(Stage(descriptors=(MALLORY,)), lambda _: "127.0.66.1")
    assert 1 <= len(reached) <= 5


def test_a_neighbor_that_answers_every_question_sends_us_to_thirty_addresses_a_minute():
    stage = Stage()
    stage.befriend(MALLORY)
    reached, number, commands = 0, 0, []
    while stage.at < 600.0:
        commands += stage.wait(0.05)
        answers = []
        for one in commands:
            if isinstance(one, Dial):
                reached += 1
                answers += stage.feed(DialFailed(one.endpoint.node_id))
            elif isinstance(one, Send) and isinstance(one.message, Debut):
                number += 1
                key = make_key(30_000 + number)
                address = f"127.1.{number // 250}.{1 + number % 250}"
                answers += stage.hear(MALLORY, Introduction(sign_statement(key, address).raw))
                stage.state.seeker.hope(stage.at)  # as news of ever new nodes would
        commands = answers
    assert 100 < reached <= LIMITS.told_max + 600 / LIMITS.told_refill_s


@pytest.mark.parametrize(
    ("told", "teller", "is_inward"),
    [
        ("192.168.1.1", "8.8.8.8", True),
        ("127.0.0.1", "192.168.1.7", True),
        ("fe80::1", "8.8.8.8", True),
        ("224.0.0.1", "8.8.8.8", True),
        ("0.0.0.0", "127.0.0.1", True),
        ("1.1.1.1", "8.8.8.8", False),
        ("1.1.1.1", "192.168.1.7", False),
        ("192.168.1.9", "10.0.0.1", False),
        ("127.0.4.2", "127.0.1.1", False),
    ],
)
def test_nobody_out_there_makes_us_probe_our_own_network(told, teller, is_inward):
    assert leads_inward(told, teller) is is_inward
    stage = Stage(descriptors=(MALLORY,))
    stage.feed(LinkOpened(MALLORY.node_id, teller, inbound=False))
    commands = stage.hear(MALLORY, Pass(sign_statement(BOB, told).raw)) + stage.wait(0.2)
    dialled = [one.address for one in dials(commands) if one.node_id == BOB.node_id]
    assert dialled == ([] if is_inward else [told])


# Eclipse


def crowd(stage, count, *, network=9):
    """Let so many attackers with an address each debut and list us."""
    for number in range(count):
        key = make_key(40_000 + number)
        ADDRESS[key.node_id] = f"127.0.{network}.{number + 1}"
        stage.arrive(key)
        stage.hear(key, debut_of(key))
        listed = sign_record(key, version=8 << 32, neighbors=[OWN.node_id])
        stage.hear(key, Standard((listed.raw,)))
        stage.wait(0.2)


def test_one_address_holds_one_place():
    stage = Stage()
    for number in range(5):
        key = make_key(50_000 + number)
        ADDRESS[key.node_id] = "127.0.8.1"
        stage.arrive(key)
        stage.hear(key, debut_of(key))
        stage.wait(0.2)
    assert len(stage.state.edges()) == 1


def test_two_places_stay_free_for_nodes_that_we_dial_however_many_come():
    stage = Stage(descriptors=(BOB, CAROL))
    crowd(stage, 20)
    assert len(stage.state.edges()) == MAX_DEGREE - LIMITS.anchors
    stage.feed(LinkOpened(BOB.node_id, ADDRESS[BOB.node_id], inbound=False))
    stage.state.debut_to(stage.state.peers.get(BOB.node_id), stage.at)
    stage.hear(BOB, Standard((sign_record(BOB, neighbors=[OWN.node_id]).raw,)))
    assert BOB.node_id in stage.state.edges()


def test_a_node_whom_only_strangers_surround_goes_on_dialling_those_it_knows():
    stage = Stage(descriptors=(BOB,))
    stage.feed(LinkClosed(BOB.node_id))
    crowd(stage, 20)
    assert BOB.node_id in [one.node_id for one in dials(stage.wait(120.0))]


def test_who_came_by_itself_does_not_become_our_choice_by_leaving():
    """Else an attacker would leave, be dialled as a past neighbor, and never have to make room."""
    stage = Stage()
    crowd(stage, 1)
    [mallory] = stage.state.edges()
    stage.feed(LinkClosed(mallory))
    assert mallory in [one.node_id for one in dials(stage.wait(5.0))]
    stage.feed(LinkOpened(mallory, "127.0.9.1", inbound=False))
    listed = sign_record(make_key(40_000), version=9 << 32, neighbors=[OWN.node_id])
    stage.hear(make_key(40_000), Standard((listed.raw,)))
    assert stage.state.edges() == (mallory,)
    assert stage.state.peers.anchors() == 0


def test_the_first_node_of_a_mesh_lives_on_who_comes():
    stage = Stage()
    crowd(stage, 20)
    assert len(stage.state.edges()) == MAX_DEGREE


def test_who_claims_to_be_alone_never_takes_the_place_of_a_node_that_we_dialled():
    stage = Stage(descriptors=(BOB, CAROL))
    for key in (BOB, CAROL):
        stage.feed(LinkOpened(key.node_id, ADDRESS[key.node_id], inbound=False))
        strangers = [one.node_id for one in VICTIMS[:4]]
        listed = sign_record(key, neighbors=[OWN.node_id, *strangers])
        statement = sign_statement(key, ADDRESS[key.node_id])
        stage.hear(key, Standard((listed.raw,), statement.raw))
        stage.wait(0.2)
    crowd(stage, 40)
    assert {BOB.node_id, CAROL.node_id} <= set(stage.state.edges())
    assert len(stage.state.edges()) == MAX_DEGREE


# Lies about edges


def test_edges_that_the_other_side_does_not_confirm_carry_no_routes():
    stage = Stage()
    stage.befriend(MALLORY)
    record = sign_record(MALLORY, version=8 << 32, neighbors=[OWN.node_id, BOB.node_id])
    bob = sign_record(BOB, neighbors=[CAROL.node_id])
    stage.hear(MALLORY, Standard((record.raw, bob.raw)))
    stage.wait(0.2)
    assert stage.core.find_route(RouteWish(hops=2), at(stage, 0.0)) is None


def test_a_debut_flood_is_answered_with_refusals_that_end_the_link():
    stage = popular(5)
    reasons = []
    for number in range(200):
        key = make_key(60_000 + number)
        ADDRESS[key.node_id] = "127.0.88.1"
        stage.arrive(key)
        reasons += failures(stage.hear(key, debut_of(key)))
        stage.at += 0.01
    assert reasons.count(FailureReason.FULL) >= 180
    assert len(stage.state.edges()) == MAX_DEGREE
    assert len(sent(stage.wait(0.1), Failure)) <= 200
    assert len(stage.state.view) <= 1 + MAX_DEGREE + LIMITS.unreached_max + 4

"""Judging debuts: accept, introduce, pass on, make room, refuse."""

from functools import partial

from masq_gossip.messages import FailureReason
from masq_gossip.record import SignedRecord
from masq_gossip.rules.acceptor import Accepted, Acceptor, Displaced, PassedOn, Refused
from masq_gossip.rules.events import Now
from masq_gossip.rules.parameters import Parameters
from masq_gossip.rules.peers import Peer, Peers, PeerStage
from masq_gossip.rules.reputation import Reputation
from masq_gossip.rules.view import View
from masq_kernel.entropy import SeededEntropy
from support.gossip_builders import (
    CHAIN,
    START,
    make_key,
    make_record,
    sign_record,
    sign_statement,
)

OWN, NEWCOMER = make_key(1), make_key(2)
NEIGHBORS = [make_key(number) for number in range(10, 15)]
STRANGERS = [make_key(number).node_id for number in range(20, 30)]
FAR = [make_key(number).node_id for number in range(40, 44)]
NOW = Now(START, 100.0)


class Scene:
    """A node whose neighbors have the given degrees."""

    def __init__(self, *degrees: int, introducible: bool = True) -> None:
        self.parameters = Parameters()
        read = partial(SignedRecord.from_bytes, chain=CHAIN)
        self.view = View(OWN.node_id, self.parameters, read)
        self.peers = Peers(self.parameters)
        self.reputation = Reputation()
        self.acceptor = Acceptor(
            OWN.node_id,
            self.parameters,
            self.view,
            self.peers,
            self.reputation,
            SeededEntropy(1),
        )
        for at, (key, degree) in enumerate(zip(NEIGHBORS, degrees, strict=False)):
            address = f"127.0.1.{10 + at}"
            peer = self.peers.add(
                key.node_id, address, inbound=True, stage=PeerStage.NEIGHBOR, now=NOW
            )
            peer.is_full = True
            peer.statement = sign_statement(key, address, introducible=introducible)
            listed = [OWN.node_id, *STRANGERS][:degree]
            self.view.offer(sign_record(key, neighbors=listed), NOW)

    def peer(self, at: int) -> Peer:
        found = self.peers.get(NEIGHBORS[at].node_id)
        assert found is not None
        return found

    def judge(self, tried=(), now=100.0, site="127.0.9.9", kept=0, **changes):
        newcomer = make_record(NEWCOMER, **changes)
        return self.acceptor.judge(newcomer, tried, now, site=site, kept=kept)


def test_the_first_newcomer_is_accepted_without_an_introduction():
    assert Scene().judge() == Accepted(None)


def test_the_least_connected_neighbor_is_introduced():
    scene = Scene(3, 2, 4)
    assert scene.judge() == Accepted(scene.peer(1))


def test_a_neighbor_without_room_is_not_introduced():
    assert Scene(5, 5).judge() == Accepted(None)


def test_nobody_known_to_the_newcomer_or_tried_by_it_is_introduced():
    scene = Scene(2, 3, 4)
    verdict = scene.judge(neighbors=[NEIGHBORS[0].node_id], tried=(NEIGHBORS[1].node_id,))
    assert verdict == Accepted(scene.peer(2))


def test_nobody_is_introduced_without_consent():
    assert Scene(2, 2, introducible=False).judge() == Accepted(None)


def test_a_newcomer_with_two_neighbors_needs_no_introduction():
    assert Scene(2).judge(neighbors=STRANGERS[:2]) == Accepted(None)


def test_a_rush_of_newcomers_is_spread():
    scene = Scene(2, 2)
    first, second = scene.judge(), scene.judge()
    assert {first.introduce.node_id, second.introduce.node_id} == {
        NEIGHBORS[0].node_id,
        NEIGHBORS[1].node_id,
    }


def test_a_full_node_passes_to_the_less_connected():
    scene = Scene(5, 4, 3, 5, 2)
    assert scene.judge() == PassedOn(scene.peer(2))


def test_a_pass_does_not_lead_back_to_where_the_newcomer_was():
    scene = Scene(5, 4, 3, 5, 5)
    assert scene.judge(tried=(NEIGHBORS[2].node_id,)) == PassedOn(scene.peer(1))


def test_a_saturated_node_makes_room_for_an_isolated_newcomer():
    verdict = Scene(5, 5, 5, 5, 5).judge()
    assert isinstance(verdict, Displaced)


def test_a_saturated_node_makes_room_for_one_that_takes_no_connections_too():
    """It dials who made room; without this a consume-only node stayed alone (modes, seeds 2, 7)."""
    verdict = Scene(5, 5, 5, 5, 5).judge(accepts_connections=False)
    assert isinstance(verdict, Displaced)


def test_a_saturated_node_makes_no_room_for_one_that_has_two_neighbors():
    verdict = Scene(5, 5, 5, 5, 5).judge(neighbors=STRANGERS[:2])
    assert verdict == Refused(FailureReason.FULL)


def test_room_is_made_once_in_a_while_only():
    scene = Scene(5, 5, 5, 5, 5)
    verdicts = [scene.judge(now=100.0 + at / 10) for at in range(12)]
    assert [type(one) for one in verdicts].count(Displaced) == 2


def test_a_saturated_node_passes_one_that_needs_more_to_whoever_knows_room():
    scene = Scene(5, 5, 5, 5, 5)
    scene.view.offer(sign_record(make_key(20), neighbors=[NEIGHBORS[0].node_id]), NOW)
    assert isinstance(scene.judge(neighbors=FAR[:2]), PassedOn)
    knows_it_already = scene.judge(neighbors=[FAR[0], STRANGERS[0]])
    assert knows_it_already == Refused(FailureReason.FULL)


def saturated(**options):
    """A full node with full neighbors, which sees them and whom they list."""
    scene = Scene(5, 5, 5, 5, 5, **options)
    scene.view.offer(sign_record(OWN, neighbors=[key.node_id for key in NEIGHBORS]), NOW)
    return scene


def test_a_saturated_node_makes_room_for_one_from_where_it_does_not_see_once_a_minute():
    """It needs nobody for itself, so it may be there to join two parts of the mesh."""
    scene = saturated()
    assert isinstance(scene.judge(neighbors=FAR[:3]), Displaced)
    assert scene.judge(neighbors=FAR[:3], now=150.0) == Refused(FailureReason.FULL)
    assert isinstance(scene.judge(neighbors=FAR[:3], now=161.0), Displaced)


def test_it_makes_none_for_one_from_a_part_that_it_sees():
    scene = saturated()
    assert scene.judge(neighbors=[*FAR[:2], STRANGERS[0]]) == Refused(FailureReason.FULL)


def test_a_refusal_does_not_use_up_the_minute():
    scene = saturated(introducible=False)
    assert scene.judge(neighbors=FAR[:3]) == Refused(FailureReason.FULL)
    willing = sign_statement(NEIGHBORS[0], "127.0.1.10", version=8 << 32)
    scene.peer(0).statement = willing
    assert scene.judge(neighbors=FAR[:3], now=102.0) == Displaced(scene.peer(0))


def test_who_has_nobody_but_us_is_introduced_to_a_full_node_rather_than_to_nobody():
    scene = Scene(1, 5, 5)
    asking = scene.peer(0)

    def introduced_to(*others):
        record = make_record(NEIGHBORS[0], neighbors=[OWN.node_id, *others])
        return scene.acceptor.introduction_for(asking, record, (), 100.0)

    assert introduced_to() in (scene.peer(1), scene.peer(2))
    assert introduced_to(FAR[0]) is None


def test_a_neighbor_that_asks_too_often_learns_no_more_addresses():
    scene = Scene(2, 2)
    asking = scene.peer(0)
    record = make_record(NEIGHBORS[0])
    answers = [
        scene.acceptor.introduction_for(asking, record, (), 100.0 + 3 * at) for at in range(9)
    ]
    assert answers == [scene.peer(1)] * 8 + [None]
    later = [scene.acceptor.introduction_for(asking, record, (), 131.0 + at) for at in range(2)]
    assert later == [scene.peer(1), None]


def test_the_last_stranger_is_passed_on_so_that_an_exit_remains():
    scene = Scene(3, 3, 3, 3)
    verdict = scene.judge(neighbors=[NEIGHBORS[0].node_id])
    assert isinstance(verdict, PassedOn)


def test_the_last_stranger_takes_the_place_of_a_neighbor_that_can_spare_us():
    scene = Scene(4, 4, 4)
    listed = [NEIGHBORS[0].node_id, NEIGHBORS[1].node_id]
    assert isinstance(scene.judge(neighbors=listed), Displaced)


def test_the_last_stranger_is_refused_when_it_has_enough():
    scene = Scene(4, 4, 4)
    listed = [key.node_id for key in NEIGHBORS[:3]]
    assert scene.judge(neighbors=listed) == Refused(FailureReason.FULL)


def test_an_isolated_newcomer_is_taken_even_as_the_last_stranger():
    assert isinstance(Scene(5, 5, 5).judge(), Accepted)


def test_a_newcomer_that_leads_to_strangers_is_not_the_last():
    verdict = Scene(3, 3, 3).judge(neighbors=[NEIGHBORS[0].node_id, STRANGERS[0]])
    assert isinstance(verdict, Accepted)


def test_nobody_is_a_last_stranger_while_neighbors_are_wanted():
    assert isinstance(Scene(3, 3).judge(neighbors=[NEIGHBORS[0].node_id]), Accepted)


def fail_routes(scene, at):
    for _ in range(5):
        scene.reputation.lost([NEIGHBORS[at].node_id], 100.0)


def test_of_equally_connected_neighbors_one_that_serves_is_introduced():
    for at in (0, 1):
        scene = Scene(2, 2)
        fail_routes(scene, at)
        assert scene.judge() == Accepted(scene.peer(1 - at))


def test_of_equally_connected_neighbors_one_that_serves_is_passed_to():
    for at in (0, 1):
        scene = Scene(3, 3, 5, 5, 5)
        fail_routes(scene, at)
        assert scene.judge() == PassedOn(scene.peer(1 - at))


def test_a_neighbor_that_fails_us_is_introduced_all_the_same_when_it_is_less_connected():
    scene = Scene(2, 3)
    fail_routes(scene, 0)
    assert scene.judge() == Accepted(scene.peer(0))


def test_a_neighbor_that_fails_us_is_the_first_to_make_room():
    for at in range(5):
        scene = Scene(5, 5, 5, 5, 5)
        fail_routes(scene, at)
        assert scene.judge() == Displaced(scene.peer(at))


def test_a_neighbor_that_we_dialled_makes_no_room_while_there_are_but_two():
    scene = Scene(5, 5, 5, 5, 5)
    for at in (3, 4):
        scene.peer(at).is_anchor = True
        fail_routes(scene, at)
    victims = {scene.judge(now=100.0 + 60 * at).victim.node_id for at in range(30)}
    assert victims <= {key.node_id for key in NEIGHBORS[:3]}


def test_places_kept_for_nodes_that_we_dial_are_not_given_away():
    assert Scene(5, 5, 5).judge(kept=2, neighbors=STRANGERS[:2]) == Refused(FailureReason.FULL)
    assert isinstance(Scene(5, 5, 5).judge(kept=1), Accepted)

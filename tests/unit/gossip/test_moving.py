"""A node whose address changes while it runs, as it sees itself and as its neighbors see it."""

import pytest

from masq_gossip.messages import (
    Debut,
    Digest,
    Failure,
    FailureReason,
    Introduction,
    Standard,
)
from masq_gossip.rules.events import (
    AddressChanged,
    CloseLink,
    Dial,
    Endpoint,
    LinkClosed,
    LinkOpened,
    MoveStage,
    Send,
)
from masq_gossip.statement import SignedStatement
from support.gossip_builders import (
    CHAIN,
    endpoint_of,
    sign_record,
    sign_statement,
)
from support.gossip_stage import ADDRESS, ALICE, BOB, CAROL, OWN, Stage

ELSEWHERE = "127.0.9.9"


class Node(Stage):
    """`said` collects its commands."""

    def __init__(self, **options):
        self.said = []
        super().__init__(**options)

    def feed(self, event):
        commands = super().feed(event)
        self.said += commands
        return commands

    def befriend(self, key, address=None):
        address = address or ADDRESS[key.node_id]
        self.arrive(key, address)
        self.hear(key, debut_at(key, address), address)
        self.wait(0.2)
        self.hear(key, Standard((listing_us(key).raw,)), address)
        self.wait(0.2)
        assert key.node_id in self.state.edges()

    def taken(self):
        """Return what was said since the last call."""
        said, self.said = self.said, []
        return said

    def endpoint_of(self, key):
        peer = self.state.peers.get(key.node_id)
        return peer.endpoint if peer else None


def debut_at(key, address, *, version=7 << 32, **record):
    return Debut(sign_record(key, **record).raw, sign_statement(key, address, version=version).raw)


def listing_us(key, version=(7 << 32) + 5):
    return sign_record(key, version=version, neighbors=[OWN.node_id])


def sent(said, kind, to=None):
    return [
        one.message
        for one in said
        if isinstance(one, Send) and type(one.message) is kind and to in (None, one.peer)
    ]


def statement_in(message):
    return SignedStatement.from_bytes(message.statement, CHAIN).statement


# As it sees itself


def test_each_peer_is_told_where_we_go_before_its_link_ends_and_is_dialled_again():
    node = Node()
    node.befriend(ALICE)
    node.befriend(BOB)
    before, record = node.state.own.statement.statement, node.state.own.version
    node.taken()
    node.feed(AddressChanged(Endpoint(OWN.node_id, ELSEWHERE, (5000,))))
    said = node.taken()
    for key in (ALICE, BOB):
        [told] = sent(said, Introduction, to=key.node_id)
        assert statement_in(told).addresses == (ELSEWHERE,)
        assert statement_in(told).version > before.version
        places = [one for one in said if getattr(one, "peer", None) == key.node_id]
        assert isinstance(places[-1], CloseLink)
    for key in (ALICE, BOB):
        node.feed(LinkClosed(key.node_id))
    assert not any(isinstance(one, Dial) for one in node.taken())  # the router still closes them
    node.wait(0.5)
    said = node.taken()
    assert {one.endpoint.node_id for one in said if isinstance(one, Dial)} == {
        ALICE.node_id,
        BOB.node_id,
    }
    node.feed(LinkOpened(ALICE.node_id, ADDRESS[ALICE.node_id], inbound=False))
    [debut] = sent(node.taken(), Debut)
    assert statement_in(debut).addresses == (ELSEWHERE,)
    assert node.state.own.version > record


def test_a_descriptors_node_is_not_dialled_before_its_old_link_is_closed():
    node = Node(descriptors=[ALICE])
    node.befriend(ALICE)
    node.taken()
    node.feed(AddressChanged(Endpoint(OWN.node_id, ELSEWHERE, (5000,))))
    assert not any(isinstance(one, Dial) for one in node.taken())


def test_other_ports_are_told_over_the_links_there_are():
    node = Node()
    node.befriend(ALICE)
    node.taken()
    node.feed(AddressChanged(Endpoint(OWN.node_id, ADDRESS[OWN.node_id], (6000,))))
    node.wait(0.2)
    said = node.taken()
    told = [one for one in sent(said, Standard, to=ALICE.node_id) if one.statement]
    assert [statement_in(one).ports for one in told] == [(6000,)]
    assert not any(isinstance(one, CloseLink) for one in said)
    assert ALICE.node_id in node.state.edges()


def test_a_life_that_is_outbid_is_outbid_with_its_address():
    node = Node()
    node.befriend(ALICE)
    before = node.state.own.statement.statement.version
    ours = sign_record(OWN, version=9 << 32 | 1)
    node.hear(ALICE, Standard((ours.raw,)))
    assert node.state.own.statement.statement.version > max(before, 9 << 32)


def test_a_node_that_is_refused_for_its_address_says_so():
    node = Node(descriptors=[ALICE])
    node.feed(LinkOpened(ALICE.node_id, ADDRESS[ALICE.node_id], inbound=False))
    node.hear(ALICE, Failure(FailureReason.ADDRESS_MISMATCH))
    node.wait(0.2)
    moved = [one for one in node.taken() if isinstance(one, MoveStage)]
    assert moved[-1].stage == "alone"
    assert "our link comes from another address" in moved[-1].reason
    assert "masq address" in moved[-1].reason
    assert node.state.own.address == endpoint_of(
        OWN.node_id, ADDRESS[OWN.node_id]
    )  # not moved by it


# As its neighbors see it


def test_a_neighbor_that_comes_from_its_new_address_is_taken_with_it():
    node = Node()
    node.befriend(ALICE)
    node.feed(LinkOpened(ALICE.node_id, ELSEWHERE, inbound=True))
    assert node.state.edges() == ()  # until it says that it is there
    node.hear(ALICE, debut_at(ALICE, ELSEWHERE, version=8 << 32), ELSEWHERE)
    node.wait(0.2)
    assert node.state.edges() == (ALICE.node_id,)
    assert node.endpoint_of(ALICE) == endpoint_of(ALICE.node_id, ELSEWHERE)
    assert node.state.misconduct.of(ALICE.node_id) is None


def test_a_neighbor_that_comes_from_elsewhere_without_a_word_does_not_stay():
    node = Node()
    node.befriend(ALICE)
    node.feed(LinkOpened(ALICE.node_id, ELSEWHERE, inbound=True))
    node.wait(11.0)
    assert ALICE.node_id not in node.state.peers


def test_a_newer_statement_over_the_old_link_is_refused_but_no_misconduct():
    node = Node()
    node.befriend(ALICE)
    node.taken()
    statement = sign_statement(ALICE, ELSEWHERE, version=8 << 32).raw
    node.hear(ALICE, Standard((), statement))
    assert [one.reason for one in sent(node.taken(), Failure)] == [FailureReason.ADDRESS_MISMATCH]
    assert node.state.edges() == ()
    assert node.state.misconduct.of(ALICE.node_id) is None


def test_an_older_statement_does_not_replace_a_newer_one():
    node = Node()
    node.feed(LinkOpened(ALICE.node_id, ADDRESS[ALICE.node_id], inbound=True))
    newer = sign_statement(ALICE, ADDRESS[ALICE.node_id], version=9 << 32, ports=(6000,))
    node.hear(ALICE, Debut(sign_record(ALICE).raw, newer.raw))
    older = sign_statement(ALICE, ADDRESS[ALICE.node_id], version=8 << 32)
    node.hear(ALICE, Standard((), older.raw))
    assert node.endpoint_of(ALICE).ports == (6000,)
    assert node.state.edges() == (ALICE.node_id,)


def test_there_is_one_node_at_each_address_after_a_move_too():
    node = Node()
    node.befriend(ALICE)
    node.befriend(BOB)
    node.taken()
    node.feed(LinkOpened(ALICE.node_id, ADDRESS[BOB.node_id], inbound=True))
    node.hear(ALICE, debut_at(ALICE, ADDRESS[BOB.node_id], version=8 << 32), ADDRESS[BOB.node_id])
    assert [one.reason for one in sent(node.taken(), Failure)] == [FailureReason.ADDRESS_TAKEN]
    assert node.state.edges() == (BOB.node_id,)


@pytest.mark.parametrize("stranger", [False, True])
def test_a_neighbor_that_moves_is_dialled_where_it_went_but_only_it_can_say_so(stranger):
    node = Node()
    node.befriend(ALICE)
    node.befriend(BOB)
    said_by = BOB if stranger else ALICE
    node.hear(said_by, Introduction(sign_statement(ALICE, ELSEWHERE, version=8 << 32).raw))
    node.taken()
    node.feed(LinkClosed(ALICE.node_id))
    node.wait(0.5)
    dialled = [one.endpoint.address for one in node.taken() if isinstance(one, Dial)]
    assert dialled == [ADDRESS[ALICE.node_id] if stranger else ELSEWHERE]


def test_a_statement_of_another_node_is_the_senders_misconduct():
    node = Node()
    node.befriend(ALICE)
    node.hear(ALICE, Standard((), sign_statement(BOB, ADDRESS[ALICE.node_id]).raw))
    assert node.state.misconduct.of(ALICE.node_id) is not None


def test_nothing_is_introduced_but_the_newest_statement():
    node = Node()
    node.befriend(ALICE)
    newer = sign_statement(ALICE, ADDRESS[ALICE.node_id], version=9 << 32, ports=(6000,))
    node.hear(ALICE, Standard((), newer.raw))
    node.hear(ALICE, Standard((), sign_statement(ALICE, ADDRESS[ALICE.node_id]).raw))
    node.hear(ALICE, Digest(()))
    node.taken()
    node.feed(LinkOpened(CAROL.node_id, ADDRESS[CAROL.node_id], inbound=True))
    node.hear(CAROL, debut_at(CAROL, ADDRESS[CAROL.node_id]))
    [introduced] = sent(node.taken(), Introduction, to=CAROL.node_id)
    assert statement_in(introduced).ports == (6000,)

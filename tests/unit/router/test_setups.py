"""What becomes of SETUPs, with links that only remember what they were told."""

import pytest

from masq_kernel.clock import ManualClock
from masq_kernel.entropy import SeededEntropy
from masq_kernel.rates import DEFAULT_RATES
from masq_router.egress import Egress
from masq_router.gate import Gate
from masq_router.lifecycle import LiveSessions
from masq_router.metering import Metering
from masq_router.onion.geometry import LINK_TAG_SIZE
from masq_router.onion.keys import OnionKeyPair
from masq_router.onion.setup import build_setup
from masq_router.relay.replay import ReplayWindow
from masq_router.relay.setups import Setups
from masq_router.sessions import SessionTable
from masq_router.wire.frames import TeardownReason
from support.routes import DEV, EXPIRES_AT, make_route


class RecordingLink:
    """A link that keeps what it was given."""

    def __init__(self, peer=None):
        self.peer, self.is_sibling = peer or object(), False
        self.is_congested = False
        self.data, self.setups, self.teardowns = [], [], []
        self.egress = Egress(self, lambda key: None)

    def send_data(self, tag, body):
        self.data.append((tag, body))

    def send_setup(self, setup):
        self.setups.append(setup)

    def send_teardown(self, tag, reason):
        self.teardowns.append((tag, reason))


class RecordingEnd:
    """A route's end that takes everything, or refuses."""

    def __init__(self):
        self.blocks, self.asks_only = [], []
        self.refusal = None

    def arrive(self, link, tag, block, setup, *, asks_only=False):
        self.blocks.append(block)
        self.asks_only.append(asks_only)
        return self.refusal


class RelayNode:
    """The first hop of a route of two, between two links."""

    def __init__(self, *, sessions_max=100):
        self.clock = ManualClock(int(EXPIRES_AT) - 600)
        self.route = make_route(2, key_pool=KEYS)
        self.before, self.after = RecordingLink(), RecordingLink()
        self.links = {self.route[1].node_id: self.after}
        self.exit_end = RecordingEnd()
        self.metering = Metering("test")
        self.live = LiveSessions(SessionTable(sessions_max=sessions_max), self.metering)
        self.setups = self.make_setups(0)

    def make_setups(self, hop):
        node_id = self.route[hop].node_id
        return Setups(
            chain=DEV,
            keys=lambda: [self.route[hop].keys],
            gate=Gate(chain=DEV, node_id=node_id, rates=DEFAULT_RATES, barred={}),
            find_link=self.links.get,
            live=self.live,
            exit_end=self.exit_end,
            return_end=RecordingEnd(),
            replay=ReplayWindow(),
            clock=self.clock,
            note_voucher=self.metering.note,
        )

    def setup(self, seed=1):
        return build_setup(DEV, [hop.spec for hop in self.route], SeededEntropy(seed))

    @property
    def tag(self):
        return self.route[0].tag


KEYS = [OnionKeyPair.generate(), OnionKeyPair.generate()]


@pytest.fixture
def node():
    return RelayNode()


def test_a_relay_passes_the_setup_on_and_then_the_data(node):
    setup = node.setup()
    node.setups.handle(node.before, setup)
    assert [len(each) for each in node.after.setups] == [len(setup)]
    assert node.after.setups[0][:LINK_TAG_SIZE] == node.route[1].tag
    assert node.before.teardowns == []
    assert len(node.live.table) == 1
    assert node.setups.counts.accepted == 1


def test_the_second_hop_finds_itself_to_be_the_exit(node):
    node.setups.handle(node.before, node.setup())
    exit_setups = node.make_setups(1)
    exit_setups.handle(RecordingLink(), node.after.setups[0])
    assert [block.secret for block in node.exit_end.blocks] == [node.route[1].secret]


def test_the_same_setup_is_dropped_in_silence(node):
    setup = node.setup()
    node.setups.handle(node.before, setup)
    node.setups.handle(node.before, setup)
    assert len(node.after.setups) == 1
    assert node.before.teardowns == []
    assert node.setups.counts.replayed == 1


def test_a_changed_setup_is_dropped_in_silence(node):
    changed = bytearray(node.setup())
    changed[5_000] ^= 1
    node.setups.handle(node.before, bytes(changed))
    assert node.after.setups == []
    assert node.before.teardowns == []
    assert node.setups.counts.unreadable == 1


def test_without_the_next_hop_the_answer_says_so(node):
    node.links.clear()
    node.setups.handle(node.before, node.setup())
    assert node.before.teardowns == [(node.tag, TeardownReason.NEXT_HOP_GONE)]
    assert len(node.live.table) == 0


def test_a_route_that_turns_back_on_its_own_link_is_refused(node):
    node.links[node.route[1].node_id] = node.before
    node.setups.handle(node.before, node.setup())
    assert node.before.teardowns == [(node.tag, TeardownReason.NEXT_HOP_GONE)]
    assert node.before.setups == []


def test_before_our_prices_are_known_nobody_is_served(node):
    node.setups.gate = None
    node.setups.handle(node.before, node.setup())
    assert node.before.teardowns == [(node.tag, TeardownReason.OVERLOAD)]


def test_a_full_table_refuses(node):
    node = RelayNode(sessions_max=0)
    node.setups.handle(node.before, node.setup())
    assert node.before.teardowns == [(node.tag, TeardownReason.OVERLOAD)]


def test_the_gates_refusal_is_the_answer_and_is_counted(node):
    node.clock.advance(600)
    node.setups.handle(node.before, node.setup())
    assert node.before.teardowns == [(node.tag, TeardownReason.EXPIRED)]
    assert node.setups.counts.refused == {"expired": 1}


def test_an_ends_refusal_is_the_answer(node):
    node.exit_end.refusal = TeardownReason.PROTOCOL_ERROR
    node.setups.handle(node.before, node.setup())
    link = RecordingLink()
    node.make_setups(1).handle(link, node.after.setups[0])
    assert link.teardowns == [(node.route[1].tag, TeardownReason.PROTOCOL_ERROR)]


def test_a_tag_that_is_taken_downstream_is_refused(node):
    node.setups.handle(node.before, node.setup())
    other = RecordingLink()
    node.setups.handle(other, node.setup(seed=2))
    assert other.teardowns == [(node.tag, TeardownReason.PROTOCOL_ERROR)]
    assert len(node.live.table) == 1


class TestTeardown:
    def test_from_upstream_it_is_told_downstream_only(self, node):
        node.setups.handle(node.before, node.setup())
        node.live.on_teardown(node.before, node.tag, TeardownReason.CLOSED)
        assert node.after.teardowns == [(node.route[1].tag, TeardownReason.CLOSED)]
        assert node.before.teardowns == []
        assert len(node.live.table) == 0

    def test_from_downstream_it_is_told_upstream_only(self, node):
        node.setups.handle(node.before, node.setup())
        node.live.on_teardown(node.after, node.route[1].tag, TeardownReason.REFUSED_PRICE)
        assert node.before.teardowns == [(node.tag, TeardownReason.REFUSED_PRICE)]
        assert node.after.teardowns == []

    def test_of_an_unknown_session_it_is_nothing(self, node):
        node.live.on_teardown(node.before, bytes(8), TeardownReason.CLOSED)
        assert node.before.teardowns == []

    def test_a_lost_link_ends_its_sessions_and_tells_the_other_side(self, node):
        node.setups.handle(node.before, node.setup())
        node.live.end_link(node.after)
        assert node.before.teardowns == [(node.tag, TeardownReason.NEXT_HOP_GONE)]
        assert node.after.teardowns == []

    def test_time_ends_it_on_both_sides(self, node):
        node.setups.handle(node.before, node.setup())
        node.clock.advance(601)
        node.live.end_expired(node.clock.unix())
        assert node.before.teardowns == [(node.tag, TeardownReason.EXPIRED)]
        assert node.after.teardowns == [(node.route[1].tag, TeardownReason.EXPIRED)]

    def test_what_was_carried_is_charged_to_the_end(self, node):
        node.setups.handle(node.before, node.setup())
        session = next(iter(node.live.table))
        session.counter.add(1_000)
        node.live.end(session, TeardownReason.CLOSED)
        batch = node.metering.batch(node.clock.unix())
        assert [(entry.packages, entry.size) for entry in batch.entries] == [(1, 1_000)]
        node.metering.confirm(batch.event_id)
        assert node.metering.meter_count == 0


def words(node):
    batch = node.metering.batch(0)
    return [] if batch is None else [each.wallet for each in batch.vouchers]


def test_what_a_payer_says_that_it_owes_is_noted_once_it_is_proven(node):
    node.setups.handle(node.before, node.setup())
    assert words(node) == [node.route[0].spec.block.wallet]


def test_the_word_of_who_is_refused_credit_is_noted_and_of_who_is_banned_is_not(node):
    for reason, noted in (
        (TeardownReason.REFUSED_BANNED, []),
        (TeardownReason.REFUSED_CREDIT, [node.route[0].spec.block.wallet]),
    ):
        setups = node.make_setups(0)
        setups.gate.barred = {node.route[0].spec.block.wallet: reason}
        setups.handle(node.before, node.setup())
        assert node.before.teardowns.pop()[1] is reason
        assert words(node) == noted


def test_who_is_refused_credit_may_still_ask_what_it_owes(node):
    node.setups.handle(node.before, node.setup())
    arrived = node.after.setups[0]
    exit_setups, link = node.make_setups(1), RecordingLink()
    exit_setups.gate.barred = {node.route[1].spec.block.wallet: TeardownReason.REFUSED_CREDIT}
    exit_setups.handle(link, arrived)
    assert (link.teardowns, node.exit_end.asks_only) == ([], [True])
    exit_setups.handle(link, arrived)
    assert exit_setups.counts.replayed == 1
    banned = node.make_setups(1)
    banned.gate.barred = {node.route[1].spec.block.wallet: TeardownReason.REFUSED_BANNED}
    banned.handle(link, arrived)
    assert [reason for _, reason in link.teardowns] == [TeardownReason.REFUSED_BANNED]

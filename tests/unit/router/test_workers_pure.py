"""What router processes of one node decide from what they tell each other."""

from dataclasses import dataclass
from itertools import pairwise

import pytest
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client import Counter as PrometheusCounter

from masq_kernel.bus.messages.gossip import NeighborState
from masq_kernel.bus.messages.router import LinkState, WorkerState, WorkerTold
from masq_kernel.identity.keys import NodeId
from masq_router.links.pool import LINKS_PER_PEER_MAX, LinkPool
from masq_router.workers.merging import merged_metrics, troubles
from masq_router.workers.roster import SILENT_S, WORKERS_MAX, Roster, merged_links
from masq_router.workers.seen import DOUBT_S, JustTaken
from masq_router.workers.spread import RETRY_FIRST_S, RETRY_MAX_S, Spread

A, B, C = (bytes([number]) * 8 for number in (1, 2, 3))
PEER, OTHER = NodeId(bytes([1]) * 32), NodeId(bytes([2]) * 32)


def held(peer, opened_at=100, **changes):
    fields = {"inbound": False, "rtt_ms": None, "bytes_in": 1, "bytes_out": 2, **changes}
    return LinkState(peer=peer, address="10.0.0.1", opened_at=opened_at, **fields)


def state(name, trouble=""):
    return WorkerState(
        worker=name, pid=1, started_at=0, links=0, sessions=0, streams=0, trouble=trouble
    )


def told(name, *links):
    return WorkerTold(state=state(name), address="127.0.0.1", port=1, links=links)


class TestRoster:
    def test_it_knows_the_others_and_not_itself(self):
        roster = Roster(B)
        assert not roster.hear(told(B), 0.0)
        assert roster.hear(told(C), 0.0)
        assert not roster.hear(told(C), 1.0)
        assert roster.names == [C]

    def test_it_is_bounded(self):
        roster = Roster(A)
        for number in range(WORKERS_MAX + 5):
            roster.hear(told(number.to_bytes(8, "big")), 0.0)
        assert len(roster) == WORKERS_MAX

    def test_the_oldest_link_speaks_and_all_agree_on_it(self):
        opened = {A: 30, B: 10, C: 10}
        speaking = []
        for own in opened:
            roster = Roster(own)
            for name in opened.keys() - {own}:
                roster.hear(told(name, held(PEER, opened[name])), 0.0)
            if roster.speaks(held(PEER, opened[own])):
                speaking.append(own)
        assert speaking == [B]

    def test_what_a_dead_process_held_alone_is_orphaned(self):
        roster = Roster(A)
        third = NodeId(bytes([3]) * 32)
        roster.hear(told(B, held(PEER), held(OTHER), held(third)), 0.0)
        roster.hear(told(C, held(PEER)), 0.0)
        assert [link.peer for link in roster.forget(B, [OTHER])] == [third]
        assert roster.forget(B, []) == []

    def test_the_first_that_is_left_speaks_for_the_dead(self):
        roster = Roster(B)
        roster.hear(told(A), 0.0)
        roster.hear(told(C), 0.0)
        assert not roster.is_first
        roster.forget(A, [])
        assert roster.is_first

    def test_the_silent_are_gone_unless_a_link_shows_that_they_live(self):
        roster = Roster(A)
        for name in (B, C):
            roster.hear(told(name), 0.0)
        assert roster.silent(SILENT_S - 0.1, [C]) == []
        assert roster.silent(SILENT_S, [C]) == [B]


def test_links_with_one_peer_are_one_with_all_its_bytes():
    young = held(PEER, 50, rtt_ms=2.0, inbound=True)
    [one, other] = merged_links([[young, held(OTHER)], [held(PEER, 40, rtt_ms=3.0)]])
    assert (one.peer, one.opened_at, one.inbound) == (PEER, 40, False)
    assert (one.rtt_ms, one.bytes_in, one.bytes_out, one.links) == (2.0, 2, 4, 2)
    assert (other.peer, other.links) == (OTHER, 1)


class TestJustTaken:
    def test_a_doubt_finds_its_place_once(self):
        taken = JustTaken()
        taken.add(b"one", "here", 0.0)
        assert taken.doubted(b"other", 1.0) is None
        assert taken.doubted(b"one", 1.0) == "here"
        assert taken.doubted(b"one", 1.0) is None

    def test_it_is_forgotten_after_a_while(self):
        taken = JustTaken()
        taken.add(b"one", "here", 0.0)
        assert taken.doubted(b"one", DOUBT_S) is None
        assert not taken._places


class TestSpread:
    def neighbor(self, peer=PEER, ports=(1,)):
        return NeighborState(
            node_id=peer,
            address="10.0.0.1",
            ports=ports,
            edge="full",
            link_up=True,
            inbound=False,
            since=0,
            rates=None,
            degree=1,
        )

    def test_whoever_has_no_link_with_us_is_dialled_if_that_can_be(self):
        neighbors = [self.neighbor(), self.neighbor(OTHER, ports=())]
        assert [each.node_id for each in Spread().due(neighbors, set(), 0.0)] == [PEER]
        assert Spread().due(neighbors, {PEER}, 0.0) == []

    def test_what_fails_is_tried_less_and_less(self):
        spread, tries = Spread(), []
        for at in range(600):
            if spread.due([self.neighbor()], set(), float(at)):
                tries.append(at)
        gaps = [later - earlier for earlier, later in pairwise(tries)]
        assert gaps[0] == RETRY_FIRST_S
        assert gaps == sorted(gaps)
        assert gaps[-1] == RETRY_MAX_S

    def test_a_link_that_stood_is_made_again_at_once(self):
        spread = Spread()
        assert spread.due([self.neighbor()], set(), 0.0)
        assert not spread.due([self.neighbor()], {PEER}, 1.0)
        assert spread.due([self.neighbor()], set(), 1.1)


@dataclass(eq=False)
class FakeLink:
    peer_worker: bytes
    peer: NodeId = PEER
    inbound: bool = True
    proven_at: float = 0.0
    is_open: bool = True


class TestLinksWithSeveralWorkers:
    def test_each_worker_of_a_peer_has_its_link_and_routes_take_turns(self):
        pool = LinkPool(OTHER)
        links = [FakeLink(name) for name in (A, B, C)]
        assert [pool.put(link) for link in links] == [None, None, None]
        taken = [pool.get(PEER) for _ in range(6)]
        assert all(taken.count(link) == 2 for link in links)
        assert pool.peers == [PEER]
        assert len(pool) == 3

    def test_one_that_is_closing_takes_no_route(self):
        pool = LinkPool(OTHER)
        closing, standing = FakeLink(A, is_open=False), FakeLink(B)
        for link in (closing, standing):
            pool.put(link)
        assert {pool.get(PEER) for _ in range(4)} == {standing}

    def test_they_are_bounded(self):
        pool = LinkPool(OTHER)
        links = [FakeLink(bytes([number]) * 8) for number in range(LINKS_PER_PEER_MAX + 1)]
        assert [pool.put(link) for link in links[:-1]] == [None] * LINKS_PER_PEER_MAX
        assert pool.put(links[-1]) is links[-1]
        assert not pool.remove(links[-1])

    def test_the_peer_is_gone_with_the_last_of_them(self):
        pool = LinkPool(OTHER)
        links = [FakeLink(A), FakeLink(B)]
        for link in links:
            pool.put(link)
        assert pool.remove(links[0])
        assert PEER in pool
        assert pool.remove(links[1])
        assert PEER not in pool
        assert pool.get(PEER) is None


class TestMerging:
    def text(self, links, accepted):
        registry = CollectorRegistry()
        Gauge("masq_links", "Links", registry=registry).set(links)
        counter = PrometheusCounter("masq_setups", "SETUPs", ["outcome"], registry=registry)
        counter.labels("accepted").inc(accepted)
        return generate_latest(registry).decode()

    def test_samples_are_summed(self):
        merged = merged_metrics([self.text(2, 5), self.text(3, 7)])
        assert "masq_links 5.0\n" in merged
        assert 'masq_setups_total{outcome="accepted"} 12.0\n' in merged
        assert merged.count("# TYPE masq_links gauge") == 1
        assert merged.count("# TYPE masq_setups_total counter") == 1

    def test_one_alone_is_as_it_was_but_for_the_order(self):
        text = self.text(2, 5)
        samples = [line for line in text.splitlines() if not line.startswith("#")]
        merged = merged_metrics([text]).splitlines()
        assert all(line in merged for line in samples if "_created" not in line)

    @pytest.mark.parametrize(
        ("states", "wanted", "found"),
        [
            ([state(A), state(B)], 2, {"workers": "ok"}),
            ([state(A)], 2, {"workers": "1 of 2 run"}),
            (
                [state(A), state(B, "bus: not connected")],
                2,
                {"workers": "ok", f"worker {B.hex()}": "bus: not connected"},
            ),
        ],
    )
    def test_what_is_wrong_is_named(self, states, wanted, found):
        assert troubles(states, wanted) == found

"""The view: which records count, how far it reaches, what it drops."""

from functools import partial

import pytest

from masq_gossip.record import SignedRecord
from masq_gossip.rules.events import Now
from masq_gossip.rules.parameters import Parameters
from masq_gossip.rules.view import DROPPED_MAX, Verdict, View
from support.gossip_builders import CHAIN, START, make_key, sign_record

KEYS = [make_key(number) for number in range(1, 12)]
OWN = KEYS[0]
NOW = Now(START, 100.0)


def make_view(**changes) -> View:
    return View(OWN.node_id, Parameters(**changes), partial(SignedRecord.from_bytes, chain=CHAIN))


def line(count: int) -> list[SignedRecord]:
    """Nodes in a row, each listing the one before and the one after."""
    ids = [key.node_id for key in KEYS[:count]]
    return [
        sign_record(KEYS[at], neighbors=[ids[one] for one in (at - 1, at + 1) if 0 <= one < count])
        for at in range(count)
    ]


def fill(view: View, records: list[SignedRecord], now: Now = NOW) -> list[Verdict]:
    return [view.offer(record, now) for record in records]


def test_of_two_versions_the_higher_counts_in_either_order():
    old, new = sign_record(KEYS[1], version=5), sign_record(KEYS[1], version=6)
    assert fill(make_view(), [old, new]) == [Verdict.TAKEN, Verdict.TAKEN]
    view = make_view()
    assert fill(view, [new, old]) == [Verdict.TAKEN, Verdict.OLDER]
    assert view.signed(KEYS[1].node_id) == new


def test_two_records_of_one_version_conflict_and_the_first_stays():
    first, second = sign_record(KEYS[1], country="CH"), sign_record(KEYS[1], country="DE")
    view = make_view()
    assert fill(view, [first, first, second]) == [
        Verdict.TAKEN,
        Verdict.KNOWN,
        Verdict.CONFLICTING,
    ]
    assert view.signed(KEYS[1].node_id) == first


@pytest.mark.parametrize(
    ("published_at", "verdict"),
    [
        (START - 86_400, Verdict.EXPIRED),
        (START - 86_399, Verdict.TAKEN),
        (START + 900, Verdict.TAKEN),
        (START + 901, Verdict.FUTURE),
    ],
)
def test_records_too_old_or_from_the_future_are_not_taken(published_at, verdict):
    assert make_view().offer(sign_record(KEYS[1], published_at=published_at), NOW) is verdict


def test_distances_follow_the_edges_and_stop_at_the_horizon():
    view = make_view(hops_min=3)
    fill(view, line(8))
    assert sorted(view.distances().values()) == [0, 1, 2, 3, 4]
    assert len(view.shareable()) == 4


def test_a_longer_route_widens_the_horizon():
    view = make_view(hops_min=6)
    fill(view, line(10))
    assert max(view.distances().values()) == 7


def test_what_lies_beyond_the_horizon_is_culled_after_the_grace():
    view = make_view()
    fill(view, line(8))
    view.cull(NOW)
    assert len(view) == 8
    assert view.next_cull() == 110.0
    view.cull(Now(START + 10, 110.0))
    assert {key.node_id for key in KEYS[:8] if key.node_id in view} == {
        key.node_id for key in KEYS[:5]
    }


def test_an_island_is_culled_even_though_its_records_list_each_other():
    view = make_view()
    fill(view, line(4))
    view.cull(NOW)
    fill(view, [sign_record(OWN, version=8 << 32)], NOW)
    view.cull(Now(START, 100.0))
    view.cull(Now(START + 10, 110.0))
    assert len(view) == 1


def test_a_record_reached_again_within_the_grace_stays():
    view = make_view()
    fill(view, line(4))
    fill(view, [sign_record(OWN, version=8 << 32)])
    view.cull(NOW)
    fill(view, [sign_record(OWN, version=9 << 32, neighbors=[KEYS[1].node_id])])
    view.cull(Now(START + 20, 120.0))
    assert len(view) == 4
    assert view.next_cull() is None


def test_a_record_past_its_lifetime_is_dropped():
    view = make_view()
    fill(view, line(3))
    view.cull(Now(START + 86_400, 86_500.0))
    assert KEYS[1].node_id not in view


def test_a_link_is_full_only_when_both_records_list_it():
    view = make_view()
    fill(view, [sign_record(OWN, neighbors=[KEYS[1].node_id]), sign_record(KEYS[1])])
    assert not view.is_full(OWN.node_id, KEYS[1].node_id)
    assert view.full_neighbors(OWN.node_id) == []
    fill(view, [sign_record(KEYS[1], version=8 << 32, neighbors=[OWN.node_id])])
    assert view.full_neighbors(OWN.node_id) == [KEYS[1].node_id]


def test_a_bomb_of_unreached_records_fills_only_its_share():
    view = make_view(unreached_max=4)
    fill(view, line(2))
    fill(view, [sign_record(key) for key in KEYS[2:]])
    assert len(view) == 2 + 4
    assert OWN.node_id in view
    assert KEYS[1].node_id in view


def test_a_full_view_makes_room_for_what_is_reached_before_what_is_not():
    view = make_view(view_records_max=3)
    records = line(3)
    fill(view, [records[0], sign_record(KEYS[8]), sign_record(KEYS[9])])
    assert view.offer(sign_record(KEYS[7]), NOW) is Verdict.NO_ROOM
    assert view.offer(records[1], NOW) is Verdict.TAKEN
    assert len(view) == 3


def test_bytes_held_already_are_not_verified_again():
    calls = []

    def read(raw: bytes) -> SignedRecord:
        calls.append(raw)
        return SignedRecord.from_bytes(raw, CHAIN)

    view, record = View(OWN.node_id, Parameters(), read), sign_record(KEYS[1])
    view.offer(view.read(record.raw), NOW)
    assert view.read(record.raw) == record
    assert len(calls) == 1


def test_an_old_record_does_not_stand_in_for_a_newer_one_that_was_dropped():
    view = make_view()
    old, new = sign_record(KEYS[1], version=5), sign_record(KEYS[1], version=6)
    view.offer(new, NOW)
    later = Now(START + 60, 160.0)
    view.cull(NOW)
    view.cull(later)
    assert KEYS[1].node_id not in view
    assert view.offer(old, later) is Verdict.OLDER
    assert view.offer(new, later) is Verdict.TAKEN


def test_what_was_dropped_is_remembered_within_bounds():
    view = make_view(unreached_max=DROPPED_MAX + 50)
    for number in range(DROPPED_MAX + 20):
        key = make_key(1_000 + number)
        view.offer(sign_record(key, version=2), NOW)
    view.cull(NOW)
    view.cull(Now(START + 60, 160.0))
    assert len(view) == 0
    assert len(view._dropped) == DROPPED_MAX


def test_a_view_is_whole_until_something_lies_at_its_horizon():
    view = make_view()
    records = line(6)
    fill(view, records[:3])
    assert view.is_whole
    fill(view, records[3:])
    assert not view.is_whole

"""Who may have how many connections, which of two links is kept, and onion keys over time."""

from dataclasses import dataclass

import pytest

from masq_kernel.entropy import SeededEntropy
from masq_kernel.identity.keys import NodeId, WalletAddress
from masq_kernel.identity.keystore import LIGHT, KeyStore
from masq_kernel.units import Seconds, UnixSeconds
from masq_router.exit.quota import Quota, StreamCounts
from masq_router.links.admission import BAN_FIRST_S, BAN_MAX_S, CREDIT, SITES_MAX, Admission
from masq_router.links.pool import SIMULTANEOUS_S, LinkPool
from masq_router.onion_keys import ENTRY, ROTATION_S, OnionKeys

SMALL, LARGE = NodeId(bytes(32)), NodeId(b"\xff" * 32)
NOW = UnixSeconds(1_800_000_000)
T0 = Seconds(100.0)


class TestAdmission:
    def test_unproven_connections_of_everybody_are_bounded(self):
        admission = Admission(unproven_max=2, per_address_max=9)
        assert admission.enter("10.0.0.1", T0)
        assert admission.enter("10.0.0.2", T0)
        assert not admission.enter("10.0.0.3", T0)
        admission.proven()
        assert admission.enter("10.0.0.3", T0)

    def test_connections_of_everybody_are_bounded_proven_or_not(self):
        admission = Admission(inbound_max=2)
        for address in ("10.0.0.1", "10.0.0.2"):
            assert admission.enter(address, T0)
            admission.proven()
        assert not admission.enter("10.0.0.3", T0)
        admission.leave("10.0.0.1", was_proven=True)
        assert admission.enter("10.0.0.3", T0)

    def test_connections_of_one_address_are_bounded_proven_or_not(self):
        admission = Admission(unproven_max=9, per_address_max=2)
        assert admission.enter("10.0.0.1", T0)
        admission.proven()
        assert admission.enter("10.0.0.1", T0)
        assert not admission.enter("10.0.0.1", T0)
        assert admission.enter("10.0.0.2", T0)
        admission.leave("10.0.0.1", was_proven=True)
        assert admission.enter("10.0.0.1", T0)

    def test_who_leaves_makes_room(self):
        admission = Admission(unproven_max=1, per_address_max=1)
        for _ in range(3):
            assert admission.enter("10.0.0.1", T0)
            admission.leave("10.0.0.1", was_proven=False)

    def come(self, admission, address, now, *, fails=False):
        """Connect and leave again; say whether it was let in."""
        if not admission.enter(address, now):
            return False
        admission.leave(address, was_proven=not fails)
        if not fails:
            admission.proven()
        if fails:
            admission.failed(address, now)
        return True

    def test_an_address_may_come_back_forty_times_at_once_and_then_every_two_seconds(self):
        admission = Admission()
        assert sum(self.come(admission, "10.0.0.1", T0) for _ in range(100)) == CREDIT
        later = [self.come(admission, "10.0.0.1", Seconds(T0 + at)) for at in range(1, 61)]
        assert sum(later) == 30
        assert not admission.is_banned("10.0.0.1", T0)
        assert self.come(admission, "10.0.0.2", T0)

    def test_an_address_that_never_proves_itself_is_banned_for_longer_each_time(self):
        admission, now, bans = Admission(), T0, []
        for _ in range(9):
            while not admission.is_banned("10.0.0.1", now):
                self.come(admission, "10.0.0.1", now, fails=True)
            since = now
            while admission.is_banned("10.0.0.1", now):
                assert not admission.enter("10.0.0.1", now)
                now = Seconds(now + 60.0)
            bans.append(now - since)
        assert bans[:3] == [BAN_FIRST_S, 2 * BAN_FIRST_S, 4 * BAN_FIRST_S]
        assert bans[-1] == BAN_MAX_S

    def test_a_flood_of_failures_is_over_after_ten(self):
        admission = Admission()
        let_in = sum(self.come(admission, "10.0.0.1", T0, fails=True) for _ in range(1000))
        assert let_in == 10
        assert admission.is_banned("10.0.0.1", T0)

    def test_an_honest_node_with_a_stale_descriptor_is_never_banned(self):
        """It fails every time, with gossip's back-off: 0.3 s doubling to 60 s."""
        admission, now, wait = Admission(), T0, 0.3 * 0.75
        for _ in range(1000):
            assert self.come(admission, "10.0.0.1", now, fails=True)
            now, wait = Seconds(now + wait), min(60.0 * 0.75, wait * 2)
        assert not admission.is_banned("10.0.0.1", now)

    def test_all_addresses_of_one_ipv6_network_are_one(self):
        admission = Admission(per_address_max=2)
        assert admission.enter("2001:db8::1", T0)
        assert admission.enter("2001:db8::2", T0)
        assert not admission.enter("2001:db8::ffff:3", T0)
        assert admission.enter("2001:db8:0:1::1", T0)

    def test_sites_are_remembered_within_bounds(self):
        admission = Admission()
        for number in range(SITES_MAX + 100):
            self.come(admission, f"10.1.{number // 256}.{number % 256}", T0)
        assert len(admission._standings) == SITES_MAX


@dataclass(eq=False)
class FakeLink:
    peer: NodeId
    inbound: bool
    proven_at: float = 0.0
    is_open: bool = True
    peer_worker: bytes = bytes(8)


class TestLinkPool:
    @pytest.mark.parametrize("first_inbound", [True, False])
    def test_both_sides_of_a_simultaneous_dial_keep_what_the_smaller_dialled(self, first_inbound):
        small_side, large_side = LinkPool(SMALL), LinkPool(LARGE)
        for inbound in (first_inbound, not first_inbound):
            small_side.put(FakeLink(LARGE, inbound))
            large_side.put(FakeLink(SMALL, not inbound))
        assert not small_side.get(LARGE).inbound
        assert large_side.get(SMALL).inbound

    def test_the_loser_is_named(self):
        pool = LinkPool(SMALL)
        ours, theirs = FakeLink(LARGE, inbound=False), FakeLink(LARGE, inbound=True)
        assert pool.put(ours) is None
        assert pool.put(theirs) is theirs
        assert not pool.remove(theirs)
        assert pool.remove(ours)
        assert len(pool) == 0

    def test_a_later_link_replaces_one_that_the_peer_has_lost(self):
        pool = LinkPool(SMALL)
        old = FakeLink(LARGE, inbound=False)
        new = FakeLink(LARGE, inbound=True, proven_at=SIMULTANEOUS_S + 0.1)
        pool.put(old)
        assert pool.put(new) is old
        assert pool.get(LARGE) is new

    def test_a_closing_link_never_wins(self):
        pool = LinkPool(SMALL)
        old = FakeLink(LARGE, inbound=False, is_open=False)
        new = FakeLink(LARGE, inbound=True)
        pool.put(old)
        assert pool.put(new) is old


class TestOnionKeys:
    @pytest.fixture
    def store(self, tmp_path):
        return KeyStore.create(tmp_path / "keystore.json", "pass", SeededEntropy(1), work=LIGHT)

    def publics(self, keys):
        return [pair.public() for pair in keys.pairs()]

    def test_a_key_survives_a_restart(self, store):
        first = OnionKeys(store, NOW)
        again = OnionKeys(store, UnixSeconds(NOW + 100))
        assert self.publics(again) == self.publics(first)
        assert again.announcement() == first.announcement()
        assert first.announcement().expires_at == NOW + 2 * ROTATION_S

    def test_a_day_later_there_is_a_new_one_and_the_old_still_opens(self, store):
        keys = OnionKeys(store, NOW)
        [old] = self.publics(keys)
        assert not keys.rotate(UnixSeconds(NOW + ROTATION_S - 1))
        assert keys.rotate(UnixSeconds(NOW + ROTATION_S))
        assert self.publics(keys)[1] == old
        assert keys.announcement().public_key == self.publics(keys)[0] != old

    def test_two_days_later_the_old_is_gone_from_memory_and_disk(self, store):
        keys = OnionKeys(store, NOW)
        [old] = keys.pairs()
        keys.rotate(UnixSeconds(NOW + ROTATION_S))
        keys.rotate(UnixSeconds(NOW + 2 * ROTATION_S))
        assert old.public() not in self.publics(keys)
        assert old.secret() not in store.get(ENTRY)
        assert len(keys.pairs()) == 2

    def test_after_a_long_absence_everything_is_new(self, store):
        old = self.publics(OnionKeys(store, NOW))
        new = self.publics(OnionKeys(store, UnixSeconds(NOW + 5 * ROTATION_S)))
        assert len(new) == 1
        assert new != old

    @pytest.mark.parametrize("entry", [b"", b"short", bytes(105)])
    def test_an_entry_that_cannot_be_read_is_replaced(self, store, entry):
        store.put(ENTRY, entry)
        assert len(OnionKeys(store, NOW).pairs()) == 1


class TestQuota:
    def test_one_payer_cannot_take_everything(self):
        counts = StreamCounts(streams_max=3, per_wallet_max=2)
        greedy, modest = (Quota(counts, WalletAddress(bytes([n]) * 20)) for n in (1, 2))
        assert [greedy.take() for _ in range(3)] == [True, True, False]
        assert modest.take()
        assert not modest.take()
        greedy.give_back()
        assert modest.take()
        assert len(counts) == 3

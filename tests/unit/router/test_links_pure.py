"""Who may have how many connections, which of two links is kept, and onion keys over time."""

from dataclasses import dataclass

import pytest

from masq_kernel.entropy import SeededEntropy
from masq_kernel.identity.keys import NodeId, WalletAddress
from masq_kernel.identity.keystore import LIGHT, KeyStore
from masq_kernel.units import UnixSeconds
from masq_router.exit.quota import Quota, StreamCounts
from masq_router.links.listener import Admission
from masq_router.links.pool import SIMULTANEOUS_S, LinkPool
from masq_router.onion_keys import ENTRY, ROTATION_S, OnionKeys

SMALL, LARGE = NodeId(bytes(32)), NodeId(b"\xff" * 32)
NOW = UnixSeconds(1_800_000_000)


class TestAdmission:
    def test_unproven_connections_of_everybody_are_bounded(self):
        admission = Admission(unproven_max=2, per_address_max=9)
        assert admission.enter("a")
        assert admission.enter("b")
        assert not admission.enter("c")
        admission.proven()
        assert admission.enter("c")

    def test_connections_of_one_address_are_bounded_proven_or_not(self):
        admission = Admission(unproven_max=9, per_address_max=2)
        assert admission.enter("a")
        admission.proven()
        assert admission.enter("a")
        assert not admission.enter("a")
        assert admission.enter("b")
        admission.leave("a", was_proven=True)
        assert admission.enter("a")

    def test_who_leaves_makes_room(self):
        admission = Admission(unproven_max=1, per_address_max=1)
        for _ in range(3):
            assert admission.enter("a")
            admission.leave("a", was_proven=False)


@dataclass(eq=False)
class FakeLink:
    peer: NodeId
    inbound: bool
    proven_at: float = 0.0
    is_open: bool = True


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

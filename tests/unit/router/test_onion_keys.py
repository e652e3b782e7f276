"""Onion keys rotate without a moment in which what others know of us is of no use."""

import pytest

from masq_kernel.entropy import OsEntropy
from masq_kernel.identity.keystore import LIGHT, KeyStore
from masq_kernel.units import UnixSeconds
from masq_router.onion_keys import ROTATION_S, OnionKeys

START = UnixSeconds(1_800_000_000)
RECORD_TTL_S = 24 * 3600
"""No older record counts (protocol.md 5.1)."""

STEP_S = 3600


@pytest.fixture
def store(tmp_path):
    return KeyStore.create(tmp_path / "keystore.json", "passphrase", OsEntropy(), work=LIGHT)


def test_every_record_that_counts_names_a_key_that_is_opened_and_has_not_expired(store):
    keys, records, rotations = OnionKeys(store, START), [], 0
    for at in range(START, START + 5 * ROTATION_S, STEP_S):
        rotations += keys.rotate(UnixSeconds(at))
        opened = {pair.public() for pair in keys.pairs()}
        records.append((at, keys.announcement()))
        for published_at, announced in records:
            if at - published_at < RECORD_TTL_S:
                assert announced.public_key in opened
                assert announced.expires_at > at
        assert len(opened) <= 2
    assert rotations == 4


def test_a_restart_at_any_hour_changes_nothing_about_that(store):
    keys, records = OnionKeys(store, START), []
    for at in range(START, START + 3 * ROTATION_S, 5 * STEP_S):
        keys = OnionKeys(store, UnixSeconds(at))
        opened = {pair.public() for pair in keys.pairs()}
        records.append((at, keys.announcement().public_key))
        assert {key for then, key in records if at - then < RECORD_TTL_S} <= opened


def test_a_node_that_was_away_for_a_week_starts_with_a_fresh_key(store):
    before = OnionKeys(store, START).announcement()
    after = OnionKeys(store, UnixSeconds(START + 7 * ROTATION_S))
    assert [pair.public() for pair in after.pairs()] == [after.announcement().public_key]
    assert after.announcement().public_key != before.public_key


def test_processes_of_one_node_have_the_same_keys_at_every_moment(store):
    first, second = OnionKeys(store, START), OnionKeys(store, START)
    assert first.announcement() == second.announcement()
    for day in range(1, 4):
        now = UnixSeconds(START + day * ROTATION_S)
        assert [first.rotate(now), second.rotate(UnixSeconds(now + 1))] == [True, True]
        assert [pair.public() for pair in first.pairs()] == [
            pair.public() for pair in second.pairs()
        ]
        assert not first.rotate(UnixSeconds(now + 2))

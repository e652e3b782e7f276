"""The key store: opens with its passphrase only, survives changes, notices damage."""

import json
import multiprocessing
import stat

import pytest

from masq_kernel.entropy import OsEntropy
from masq_kernel.identity.keystore import (
    LIGHT,
    KeyStore,
    KeyStoreDamaged,
    KeyStoreError,
    KeyStoreExposed,
    KeyStoreMissing,
    WrongPassphrase,
)

ENTROPY = OsEntropy()
PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keystore.json"


@pytest.fixture
def store(path):
    return KeyStore.create(path, PASSPHRASE, ENTROPY, work=LIGHT)


def test_what_is_put_is_there_after_opening_again(store, path):
    store.put("identity", b"secret one")
    again = KeyStore.open(path, PASSPHRASE, ENTROPY)
    assert again.get("identity") == b"secret one"
    assert again.get("onion") is None


def test_the_file_is_private_and_holds_no_secret(store, path):
    store.put("identity", b"secret one")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"secret one" not in path.read_bytes()
    assert "secret" not in repr(store)


def test_a_wrong_passphrase_is_refused_with_a_code_of_its_own(store, path):
    with pytest.raises(WrongPassphrase) as refused:
        KeyStore.open(path, "guess", ENTROPY)
    assert refused.value.exit_code == 4
    assert "guess" not in str(refused.value)


def test_a_new_passphrase_opens_the_same_entries_and_the_old_one_none(store, path):
    store.put("identity", b"secret one")
    before = json.loads(path.read_text())["entries"]
    store.change_passphrase(PASSPHRASE, "another passphrase")
    assert json.loads(path.read_text())["entries"] == before
    assert KeyStore.open(path, "another passphrase", ENTROPY).get("identity") == b"secret one"
    with pytest.raises(WrongPassphrase):
        KeyStore.open(path, PASSPHRASE, ENTROPY)


def test_entries_cannot_be_swapped(store, path):
    store.put("identity", b"secret one")
    store.put("onion", b"secret two")
    content = json.loads(path.read_text())
    entries = content["entries"]
    entries["identity"], entries["onion"] = entries["onion"], entries["identity"]
    path.write_text(json.dumps(content))
    with pytest.raises(KeyStoreDamaged):
        KeyStore.open(path, PASSPHRASE, ENTROPY).get("identity")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        json.dumps({"version": 9}),
        json.dumps(
            {
                "version": 1,
                "work": {"memory_kib": 1 << 40, "iterations": 1, "lanes": 1},
                "salt": "",
                "master": "",
                "entries": {},
            }
        ),
    ],
)
def test_a_damaged_or_hostile_file_is_refused(path, content):
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(KeyStoreDamaged):
        KeyStore.open(path, PASSPHRASE, ENTROPY)


def test_a_missing_file_says_how_to_make_one(path):
    with pytest.raises(KeyStoreMissing, match="masq init"):
        KeyStore.open(path, PASSPHRASE, ENTROPY)


def test_a_file_that_others_may_read_is_refused(store, path):
    path.chmod(0o640)
    with pytest.raises(KeyStoreExposed, match="chmod 600"):
        KeyStore.open(path, PASSPHRASE, ENTROPY)


def test_a_key_store_is_never_overwritten(store, path):
    with pytest.raises(KeyStoreError):
        KeyStore.create(path, PASSPHRASE, ENTROPY, work=LIGHT)


def _put_many(path, name):
    store = KeyStore.open(path, PASSPHRASE, ENTROPY)
    for number in range(10):
        store.put(f"{name}-{number}", name.encode())


def test_processes_that_add_entries_at_once_lose_none(store, path):
    workers = [
        multiprocessing.get_context("spawn").Process(target=_put_many, args=(path, name))
        for name in ("router", "gossip")
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert len(json.loads(path.read_text())["entries"]) == 20

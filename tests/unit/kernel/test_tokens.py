import stat

import pytest

from masq_kernel.entropy import OsEntropy, SeededEntropy
from masq_kernel.errors import OperatorError
from masq_kernel.identity.tokens import SCOPES, TokenStore
from masq_kernel.units import UnixSeconds

NOW = UnixSeconds(1_800_000_000)


@pytest.fixture
def store(tmp_path):
    return TokenStore(tmp_path / "api-tokens.json")


def create(store, name="ci", scopes=("ledger:read",), **options):
    return store.create(name, scopes, OsEntropy(), NOW, **options)


def test_a_token_is_found_by_its_text_and_by_nothing_else(store):
    text = create(store)
    found = store.find(text, NOW)
    assert (found.name, found.scopes) == ("ci", ("ledger:read",))
    for other in (
        "",
        "masq_",
        text[:-1],
        text[:-1] + ("0" if text[-1] != "0" else "1"),
        text + "0",
    ):
        assert store.find(other, NOW) is None


def test_the_secret_is_not_kept(store, tmp_path):
    text = create(store)
    kept = (tmp_path / "api-tokens.json").read_text()
    assert text.rpartition("_")[2] not in kept
    assert stat.S_IMODE((tmp_path / "api-tokens.json").stat().st_mode) == 0o600


def test_a_token_ends_at_its_time(store):
    text = create(store, expires_at=UnixSeconds(NOW + 10))
    assert store.find(text, UnixSeconds(NOW + 9))
    assert store.find(text, UnixSeconds(NOW + 10)) is None


def test_another_process_sees_new_and_revoked_tokens(store, tmp_path):
    other = TokenStore(tmp_path / "api-tokens.json")
    first, second = create(store), create(store, name="second")
    assert other.find(first, NOW)
    assert other.find(second, NOW)
    assert store.revoke(store.find(first, NOW).token_id)
    assert other.find(first, NOW) is None
    assert [token.name for token in other.list()] == ["second"]
    assert not store.revoke("0" * 16)


@pytest.mark.parametrize("scopes", [(), ("everything",), (*SCOPES, "more")])
def test_scopes_that_do_not_exist_are_refused_with_those_that_do(store, scopes):
    with pytest.raises(OperatorError, match="ledger:read"):
        create(store, scopes=scopes)


@pytest.mark.parametrize("content", ["", "{}", "[1]", '[{"name": "x"}]', "\x00"])
def test_a_broken_file_is_a_sentence(store, tmp_path, content):
    (tmp_path / "api-tokens.json").write_text(content)
    if content == "{}":
        assert store.list() == []
        return
    with pytest.raises(OperatorError, match="masq token create"):
        store.list()


def test_two_tokens_of_one_seed_differ(store):
    entropy = SeededEntropy(1)
    made = {store.create("a", SCOPES, entropy, NOW) for _ in range(5)}
    assert len(made) == 5

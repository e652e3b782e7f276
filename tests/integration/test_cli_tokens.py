"""`masq token` on the files of a node."""

import json

import pytest

from masq_kernel.identity.tokens import TokenStore
from masq_kernel.units import UnixSeconds
from support.masq_command import run_masq


@pytest.fixture
def masq(tmp_path, monkeypatch, capsys):
    config = tmp_path / "masq.toml"
    config.write_text(f'[node]\ndata_dir = "{tmp_path}"\n')

    def run(*arguments):
        code = run_masq("token", *arguments, "--config", config, monkeypatch=monkeypatch)
        said = capsys.readouterr()
        return code, said.out.strip(), said.err.strip()

    return run


def test_a_token_is_made_listed_and_revoked(masq, tmp_path):
    code, text, _ = masq("create", "--name", "ci", "--scope", "ledger:read", "--days", "2")
    assert code == 0
    store = TokenStore(tmp_path / "api-tokens.json")
    made = store.list()[0]
    assert made.expires_at == made.created_at + 2 * 86_400
    assert store.find(text, made.created_at) == made
    code, listed, _ = masq("list", "--json")
    assert [(each["id"], each["scopes"]) for each in json.loads(listed)] == [
        (made.token_id, ["ledger:read"])
    ]
    assert masq("revoke", made.token_id)[0] == 0
    assert store.find(text, made.created_at) is None


def test_without_scopes_a_token_reads_and_changes_nothing(masq, tmp_path):
    _, text, _ = masq("create", "--name", "look")
    made = TokenStore(tmp_path / "api-tokens.json").find(text, UnixSeconds(2_000_000_000))
    assert made.scopes
    assert all(scope.endswith(":read") for scope in made.scopes)


def test_mistakes_are_sentences(masq):
    code, _, said = masq("create", "--name", "x", "--scope", "everything")
    assert code == 2
    assert "ledger:read" in said
    code, _, said = masq("revoke", "0" * 16)
    assert code == 1
    assert "masq token list" in said

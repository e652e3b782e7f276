"""`masq init` and `masq config show`: real files, real modes, real keys."""

import io
import json
import re
import stat
import tomllib
from itertools import pairwise

import pytest
from eth_account import Account

from masq_kernel.bus.subjects import Service
from masq_kernel.entropy import OsEntropy
from masq_kernel.identity.descriptor import Descriptor
from masq_kernel.identity.keys import IdentityKey
from masq_kernel.identity.keystore import KeyStore
from masq_kernel.identity.proofs import wallet_of
from masq_kernel.runtime.address import AddressFile, Move, Place
from masq_kernel.runtime.settings import NodeSettings, load_section, read_file
from support.masq_command import run_masq

PASSPHRASE = "correct horse battery staple"
NEIGHBOR = f"masq://dev:{'A' * 42}A@203.0.113.7:4321"


@pytest.fixture
def masq(monkeypatch):
    monkeypatch.setenv("MASQ_PASSPHRASE", PASSPHRASE)
    return lambda *arguments: run_masq(*arguments, monkeypatch=monkeypatch)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_node_has_private_files_that_work(masq, tmp_path, capsys):
    data_dir = tmp_path / "new" / "node"
    options = ("--chain", "dev", "--neighbor", NEIGHBOR, "--address", "198.51.100.1", "--port", 99)
    assert masq("init", "--data-dir", data_dir, *options, "--json") == 0
    told = json.loads(capsys.readouterr().out)

    assert mode(data_dir) == 0o700
    private = [path for path in data_dir.rglob("*") if path.is_file() and mode(path) != 0o600]
    assert private == []
    services = {path.name for path in (data_dir / "bus").glob("*.password")}
    assert services == {f"{service}.password" for service in Service}

    store = KeyStore.open(data_dir / "keystore.json", PASSPHRASE, OsEntropy())
    node_id = IdentityKey.from_seed(store.get("identity")).node_id
    assert Descriptor.from_text(told["descriptor"]).node_id == node_id
    assert told["descriptor"].endswith("@198.51.100.1:99")
    assert wallet_of(store.get("consuming-wallet")).text == told["consuming_wallet"]
    assert wallet_of(store.get("earning-wallet")).text == told["earning_wallet"]

    sections = read_file(data_dir / "masq.toml")
    node = load_section(NodeSettings, "node", file=sections["node"])
    assert (node.data_dir, node.chain) == (data_dir, "dev")
    assert sections["gossip"] == {
        "address": "198.51.100.1",
        "ports": [99],
        "neighbors": [NEIGHBOR],
    }
    assert sections["router"]["listen_port"] == 99


def test_the_words_restore_both_wallets(masq, tmp_path, capsys):
    assert masq("init", "--data-dir", tmp_path / "node", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    Account.enable_unaudited_hdwallet_features()
    assert len(told["words"].split()) == 24
    for wallet, number in (("consuming_wallet", 0), ("earning_wallet", 1)):
        path = f"m/44'/60'/0'/0/{number}"
        assert Account.from_mnemonic(told["words"], account_path=path).address == told[wallet]


def test_wallets_are_restored_from_their_words(masq, tmp_path, capsys):
    """The list of BIP-39's first test vector, and its well-known first address."""
    file = tmp_path / "words"
    file.write_text("Abandon " * 11 + "\n about\n")
    assert masq("init", "--data-dir", tmp_path / "node", "--words-file", file, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["consuming_wallet"] == "0x9858EfFD232B4033E47d90003D41EC34EcaEda94"
    assert "words" not in told
    assert masq("init", "--data-dir", tmp_path / "other", "--words-file", file) == 0
    assert "abandon" not in capsys.readouterr().out.lower()


def test_several_wallets_pay_and_the_words_restore_them_all(masq, tmp_path, capsys):
    file, options = tmp_path / "words", ("--consuming-wallets", 3, "--json")
    assert masq("init", "--data-dir", tmp_path / "a", *options) == 0
    made = json.loads(capsys.readouterr().out)
    file.write_text(made["words"])
    assert masq("init", "--data-dir", tmp_path / "b", "--words-file", file, *options) == 0
    restored = json.loads(capsys.readouterr().out)
    assert restored["consuming_wallets"] == made["consuming_wallets"]
    assert len({*made["consuming_wallets"], made["earning_wallet"]}) == 4
    store = KeyStore.open(tmp_path / "b" / "keystore.json", PASSPHRASE, OsEntropy())
    names = ("consuming-wallet", "consuming-wallet-2", "consuming-wallet-3")
    assert [wallet_of(store.get(name)).text for name in names] == made["consuming_wallets"]
    assert store.get("consuming-wallet-4") is None


@pytest.mark.parametrize("words", ["abandon " * 12, "abandon", "", "correct horse " * 6])
def test_words_that_are_none_make_no_node(masq, tmp_path, capsys, words):
    file = tmp_path / "words"
    file.write_text(words)
    assert masq("init", "--data-dir", tmp_path / "node", "--words-file", file) == 2
    assert "not the words of a wallet" in capsys.readouterr().err
    assert not (tmp_path / "node").exists()
    assert masq("init", "--data-dir", tmp_path / "node", "--words-file", tmp_path / "none") == 1
    assert "No such file" in capsys.readouterr().err


def test_servers_of_the_chain_are_kept_and_never_shown(masq, tmp_path, capsys):
    urls = ("https://one.example/v2/KEY-OF-MINE", "https://two.example")
    options = [word for url in urls for word in ("--rpc-url", url)]
    data_dir = tmp_path / "node"
    assert masq("init", "--data-dir", data_dir, *options) == 0
    assert read_file(data_dir / "masq.toml")["accountant"]["rpc_urls"] == list(urls)
    assert masq("config", "show", "--config", data_dir / "masq.toml") == 0
    shown = capsys.readouterr().out
    assert "rpc_urls" in shown
    assert "KEY-OF-MINE" not in shown


def test_the_words_are_shown_once_and_no_file_holds_them_or_the_passphrase(masq, tmp_path, capsys):
    data_dir = tmp_path / "[red]node"
    assert masq("init", "--data-dir", data_dir) == 0
    out = capsys.readouterr().out
    assert "Made a node in" in out
    assert f"masq up --config {data_dir / 'masq.toml'}" in out
    written = b"".join(path.read_bytes() for path in data_dir.rglob("*") if path.is_file())
    rows = out.split("has the money:")[1].split("Next:")[0].split()
    assert len(rows) == 24
    words = [row for row in rows if row.isalpha()]
    assert len(words) in (12, 24)
    for word, following in pairwise(words):  # one alone may stand in the settings by chance
        assert not re.search(rf"{word}[^a-z]+{following}".encode(), written)
    assert PASSPHRASE.encode() not in written


def test_no_second_node_in_the_same_folder(masq, tmp_path, capsys):
    data_dir = tmp_path / "node"
    assert masq("init", "--data-dir", data_dir, "--json") == 0
    before = {path: path.read_bytes() for path in data_dir.rglob("*") if path.is_file()}
    assert masq("init", "--data-dir", data_dir) == 4
    assert "is not empty" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in data_dir.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--chain", "nowhere"], "is not the name of a chain"),
        (["--chain", "dev", "--neighbor", "masq://x"], "is not a descriptor"),
        (["--chain", "eth-mainnet", "--neighbor", NEIGHBOR], "lives on another chain"),
        (["--chain", "dev", "--neighbor", NEIGHBOR.split("@")[0] + "@:"], "takes no connections"),
        (["--address", "203.0.113.7"], "only make sense together"),
        (["--port", "99"], "only make sense together"),
        (["--rpc-url", "one.example"], "An RPC server is a URL"),
        (["--address", "example.org", "--port", "99"], "is not an IP address"),
    ],
)
def test_a_wrong_plan_is_refused_before_anything_is_written(masq, tmp_path, capsys, options, told):
    data_dir = tmp_path / "node"
    assert masq("init", "--data-dir", data_dir, *options) == 2
    assert told in capsys.readouterr().err
    assert not data_dir.exists()


def test_without_a_terminal_somebody_must_give_the_passphrase(masq, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("MASQ_PASSPHRASE")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert masq("init", "--data-dir", tmp_path / "node") == 1
    assert "MASQ_PASSPHRASE" in capsys.readouterr().err
    file = tmp_path / "passphrase"
    file.write_text("from a file\nsecond line\n")
    assert masq("init", "--data-dir", tmp_path / "node", "--passphrase-file", file) == 0
    KeyStore.open(tmp_path / "node" / "keystore.json", "from a file", OsEntropy())
    written = tomllib.loads((tmp_path / "node" / "masq.toml").read_text())
    assert written["node"]["passphrase_file"] == str(file)


def test_an_impossible_folder_is_a_sentence(masq, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert masq("init", "--data-dir", tmp_path / "file" / "node") == 1
    assert "cannot be" in capsys.readouterr().err


def test_the_settings_in_force_are_shown_with_their_origin(masq, tmp_path, capsys, monkeypatch):
    data_dir = tmp_path / "node"
    assert masq("init", "--data-dir", data_dir, "--json") == 0
    capsys.readouterr()
    monkeypatch.setenv("MASQ_NODE_LOG_LEVEL", "debug")
    monkeypatch.setenv("MASQ_GOSSIP_HOPS_MIN", "4")
    assert masq("config", "show", "--json", "--config", data_dir / "masq.toml") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["node"]["log_level"] == {"value": "debug", "from": "environment"}
    assert shown["node"]["bus_host"] == {"value": "127.0.0.1", "from": "default"}
    assert shown["node"]["bus_port"] == {"value": 4222, "from": "file"}
    assert shown["gossip"]["hops_min"] == {"value": 4, "from": "environment"}


def test_an_address_set_at_run_time_is_shown_as_such_until_the_file_is_edited(
    masq, tmp_path, capsys
):
    data_dir = tmp_path / "node"
    config = data_dir / "masq.toml"
    place = ("--address", "203.0.113.7", "--port", 4321)
    assert masq("init", "--data-dir", data_dir, *place, "--json") == 0
    setting = Place("203.0.113.7", (4321,))
    AddressFile(data_dir).save(Move(setting=setting, place=Place("203.0.113.9", (443,))))

    def shown():
        capsys.readouterr()
        assert masq("config", "show", "--json", "--config", config) == 0
        return json.loads(capsys.readouterr().out)

    moved = shown()
    assert moved["gossip"]["address"] == {"value": "203.0.113.9", "from": "run time"}
    assert moved["gossip"]["ports"] == {"value": [443], "from": "run time"}
    assert moved["router"]["listen_port"] == {"value": 443, "from": "run time"}
    assert moved["router"]["listen_host"] == {"value": "0.0.0.0", "from": "file"}
    config.write_text(config.read_text().replace("203.0.113.7", "203.0.113.8"))
    assert shown()["gossip"]["address"] == {"value": "203.0.113.8", "from": "file"}


def test_no_secret_is_shown_with_the_settings(masq, tmp_path, capsys):
    config = tmp_path / "masq.toml"
    config.write_text(
        f'[node]\ndata_dir = "{tmp_path}"\nnats_url = "nats://user:hunter2@bus.example:4222"\n'
    )
    for form in ((), ("--json",)):
        assert masq("config", "show", "--config", config, *form) == 0
        out = capsys.readouterr().out
        assert "hunter2" not in out
        assert PASSPHRASE not in out
        assert "bus.example" in out


def test_a_broken_file_is_a_sentence(masq, tmp_path, capsys):
    config = tmp_path / "masq.toml"
    config.write_text("[node\n")
    assert masq("config", "show", "--config", config) == 2
    assert "is not valid TOML" in capsys.readouterr().err

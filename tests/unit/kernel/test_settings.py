"""Settings: the environment wins over the file, and every mistake is a sentence with a remedy."""

from pathlib import Path

import pytest

from masq_kernel.runtime.settings import NodeSettings, SettingsError, load_section, read_file


def test_the_file_is_read_by_section(tmp_path):
    path = tmp_path / "masq.toml"
    path.write_text('[node]\ndata_dir = "/var/lib/masq"\nchain = "dev"\n')
    node = load_section(NodeSettings, "node", file=read_file(path)["node"])
    assert node.data_dir == Path("/var/lib/masq")
    assert (node.chain, node.bus_url) == ("dev", "nats://127.0.0.1:4222")


def test_the_environment_wins_over_the_file(monkeypatch):
    monkeypatch.setenv("MASQ_NODE_BUS_PORT", "5555")
    node = load_section(NodeSettings, "node", file={"data_dir": "/x", "bus_port": 4444})
    assert node.bus_port == 5555


@pytest.mark.parametrize(
    ("file", "named"),
    [
        ({"data_dir": "/x", "bus_prot": 1}, "bus_prot"),
        ({"data_dir": "/x", "bus_port": "many"}, "bus_port"),
        ({"data_dir": "/x", "bus_port": 0}, "bus_port"),
        ({"data_dir": "/x", "chain": "nowhere"}, "chain.*known are polygon-mainnet"),
        ({}, "data_dir.*must be set"),
    ],
)
def test_a_mistake_names_its_key(file, named):
    with pytest.raises(SettingsError, match=named) as mistake:
        load_section(NodeSettings, "node", file=file)
    assert mistake.value.exit_code == 2
    assert "MASQ_NODE_" in mistake.value.remedy


def test_a_misspelt_key_is_told_its_right_spelling():
    with pytest.raises(SettingsError, match=r"no such setting; is `bus_port` meant\?"):
        load_section(NodeSettings, "node", file={"data_dir": "/x", "bus_prot": 1})


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[node", "not valid TOML"),
        ("chain = 'dev'\n", "outside of any section"),
        ("[acountant]\n", r"no section \[acountant\].*\[accountant\]"),
        (None, "masq init"),
    ],
)
def test_an_unusable_file_is_a_sentence(tmp_path, content, told):
    path = tmp_path / "masq.toml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SettingsError, match=told):
        read_file(path)

"""The commands that look at a node, against a real HTTP server that answers like the API."""

import json
import socket

import pytest

from support.masq_command import TOKEN, api_stand_in, run_masq

WALLETS = [f"0x{number:040x}" for number in range(5)]
ANSWERS = {
    "/v1/node": {"node_id": "a" * 43, "stage": "routable", "services": {"router": "ok"}},
    "/v1/neighbors": [
        {"node_id": f"{letter * 43}", "address": "203.0.113.7", "link_up": True} for letter in "bcd"
    ],
    "/v1/neighborhood": [{"node_id": "e" * 43, "hops_away": 2, "country": "[red]\x1b[31mXX"}],
    "/v1/node/stages": [
        {"at": "2027-01-15T08:00:00Z", "before": "routable", "stage": "alone", "reason": "gone"}
    ],
    "/v1/node/address": {"address": "203.0.113.7", "ports": [4321], "origin": "run time"},
    "/v1/sessions": [],
    "/v1/ledger/payables": [
        {"wallet": wallet, "balance": "12345678901234567890123", "size": 2_500_000, "packages": 9}
        for wallet in WALLETS
    ],
    "/v1/ledger/receivables": [],
    "/v1/ledger/summary": {"payable": "1", "receivable": "2"},
}


@pytest.fixture(autouse=True)
def _wide_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("MASQ_API_TOKEN", TOKEN)


@pytest.fixture
def masq(monkeypatch):
    return lambda *arguments: run_masq(*arguments, monkeypatch=monkeypatch)


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (["status"], ["a" * 43, "routable", "services.router"]),
        (["status", "--history"], ["2027-01-15T08:00:00Z", "routable", "alone", "gone"]),
        (["address"], ["203.0.113.7, port 4321, changed at run time"]),
        (["neighbors"], ["bbbbbbbb", "cccccccc", "dddddddd", "203.0.113.7", "yes"]),
        (["sessions"], ["No session is open."]),
        (["ledger", "payables"], [*WALLETS, "12 345 678 901 234 567 890 123", "2.5 MB"]),
        (["ledger", "receivables"], ["Nobody owes this node anything."]),
        (["ledger", "summary"], ["payable", "receivable"]),
    ],
)
def test_what_the_node_says_is_shown(masq, capsys, command, shown):
    with api_stand_in(ANSWERS) as api:
        assert masq(*command, "--url", api.url) == 0
    out = capsys.readouterr().out
    assert [text for text in shown if text not in out] == []


def test_what_others_said_reaches_the_terminal_as_printable_text_only(masq, capsys):
    with api_stand_in(ANSWERS) as api:
        assert masq("neighborhood", "--url", api.url) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "[red]\ufffd[31mXX" in out


def test_json_is_what_the_node_said_page_after_page(masq, capsys):
    with api_stand_in(ANSWERS) as api:
        assert masq("ledger", "payables", "--json", "--url", api.url) == 0
        cursors = [query.get("cursor") for _, query in api.asked]
    assert json.loads(capsys.readouterr().out) == ANSWERS["/v1/ledger/payables"]
    assert cursors == [None, "2", "4"]


@pytest.mark.parametrize(
    ("status", "code"), [(403, 4), (404, 1), (422, 1), (500, 1), (502, 3), (503, 3), (504, 3)]
)
def test_each_refusal_has_its_exit_code_and_says_what_the_node_said(masq, capsys, status, code):
    with api_stand_in({"/v1/node": status}) as api:
        assert masq("status", "--url", api.url) == code
    told = capsys.readouterr()
    assert f"masq: The node answers: It is a {status}.\n" in told.err
    assert told.out == ""
    assert len(told.err.splitlines()) == 2


def test_an_unknown_token_is_a_refusal(masq, capsys):
    with api_stand_in(ANSWERS) as api:
        assert masq("status", "--url", api.url, "--token", "another") == 4
    assert "The token is not known." in capsys.readouterr().err


def test_nobody_there_is_unreachable(masq, capsys):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        assert masq("status", "--url", f"http://127.0.0.1:{port}") == 3
    told = capsys.readouterr().err
    assert "cannot be reached" in told
    assert "masq up" in told


def test_something_else_that_answers_is_not_taken_for_a_node(masq, capsys):
    with api_stand_in({"/v1/node": b"<html>hello</html>"}) as api:
        assert masq("status", "--url", api.url) == 3
    assert "is not a masq node" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["127.0.0.1:80", "ftp://x", "http://[", "http://x y/"])
def test_an_address_that_is_none_is_a_sentence(masq, capsys, url):
    assert masq("status", "--url", url) == 3
    assert "cannot be reached" in capsys.readouterr().err


def test_a_list_without_end_is_given_up(masq, capsys, monkeypatch):
    monkeypatch.setattr("masq_cli.client.api._PAGES_MAX", 3)
    endless = {"/v1/sessions": {"items": [], "next": "again"}}
    with api_stand_in(endless) as api:
        assert masq("sessions", "--url", api.url) == 1
    assert "does not end" in capsys.readouterr().err


def test_no_configuration_is_a_sentence_with_the_next_step(masq, capsys, tmp_path):
    assert masq("status", "--config", tmp_path / "masq.toml") == 2
    assert "masq init" in capsys.readouterr().err


def test_the_address_and_the_token_come_from_the_nodes_folder(masq, capsys, tmp_path, monkeypatch):
    monkeypatch.delenv("MASQ_API_TOKEN")
    config = tmp_path / "masq.toml"
    with api_stand_in(ANSWERS) as api:
        port = api.server.server_port
        config.write_text(f'[node]\ndata_dir = "{tmp_path}"\n[api]\nport = {port}\n')
        assert masq("status", "--config", config) == 4
        assert "There is no token" in capsys.readouterr().err
        (tmp_path / "cli-token").write_text(TOKEN + "\n")
        assert masq("status", "--config", config) == 0


def test_wrong_usage_is_exit_code_2(masq):
    assert masq("status", "--colour") == 2
    assert masq("nonsense") == 2
    assert masq("service", "nonsense") == 2


@pytest.mark.parametrize("countries", [["XX1"], ["CH", "DE,"], ["switzerland"]])
def test_a_country_that_is_none_is_a_sentence(masq, capsys, countries):
    assert masq("exits", "set", *countries, "--url", "http://127.0.0.1:1") == 2
    assert "such as CH or DE,FR" in capsys.readouterr().err


def test_an_export_is_written_as_it_comes(masq, capsys):
    text = b"wallet,balance\r\n" + b"0x00,12345678901234567890123\r\n" * 50_000
    with api_stand_in({"/v1/ledger/payables/export": text}) as api:
        assert masq("ledger", "export", "payables", "--format", "csv", "--url", api.url) == 0
        assert api.asked[-1][1]["format"] == "csv"
    out = capsys.readouterr().out
    assert out.splitlines()[0] == "wallet,balance"
    assert len(out.splitlines()) == 50_001


def test_a_wallets_history_is_exported_too_and_a_refusal_is_a_sentence(masq, capsys):
    path = f"/v1/ledger/receivables/{WALLETS[1]}/entries/export"
    command = ("ledger", "export", "receivables", "--wallet", WALLETS[1], "--format", "jsonl")
    with api_stand_in({path: b'{"amount": "1"}\n'}) as api:
        assert masq(*command, "--url", api.url) == 0
    assert capsys.readouterr().out == '{"amount": "1"}\n'
    with api_stand_in({path: 404}) as api:
        assert masq(*command, "--url", api.url) == 1
    told = capsys.readouterr()
    assert "The node answers: It is a 404." in told.err
    assert told.out == ""

"""The scripts of docs/examples, run as operators run them: against a node, as programs."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from masq_cli.client import Node
from masq_cli.errors import ApiFailed, ApiRefused
from support.one_node import MASQ, make_one_node, masq, masq_up, wait_for_doctor
from support.served_node import ServedNode

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
LISTED = ["0x" + digit * 40 for digit in "567"]


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    made = make_one_node(tmp_path_factory.mktemp("node"))
    with masq_up(made):
        wait_for_doctor(made, "0 transactions")
        yield made


def run(script, *arguments, code=0):
    path = f"{MASQ.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, EXAMPLES / script, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": path},
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout


def test_every_script_is_run_here_and_listed():
    listed = (EXAMPLES / "README.md").read_text()
    here = Path(__file__).read_text()
    for script in EXAMPLES.glob("*.py"):
        assert script.name in listed
        assert f'"{script.name}"' in here


def test_export_books(node, tmp_path):
    assert "owes 0.000000 MASQ" in run("export_books.py", node.made.config, tmp_path / "books")
    files = sorted((tmp_path / "books").iterdir())
    assert [file.name.split("-")[0] for file in files] == ["payables", "receivables"]
    with files[0].open() as file:
        assert "balance" in next(csv.reader(file))


def test_ban_from_list(node, tmp_path):
    file = tmp_path / "list.txt"
    file.write_text(f"{LISTED[0]}\n\n{LISTED[1]}  # spam\n")
    assert masq(node, "ban", LISTED[2], "--note", "by hand").returncode == 0
    assert run("ban_from_list.py", node.made.config, file).count("banned 0x") == 2
    assert "banned 0x" not in run("ban_from_list.py", node.made.config, file)
    file.write_text(LISTED[1])
    assert f"withdrawn {LISTED[0]}" in run("ban_from_list.py", node.made.config, file)
    left = {each["wallet"] for each in json.loads(masq(node, "bans", "--json").stdout)}
    assert {each.lower() for each in left} == set(LISTED[1:])


def test_alert_on_disputes(node):
    assert run("alert_on_disputes.py", node.made.config) == ""


def test_rotate_token(node, tmp_path):
    file = tmp_path / "token"
    arguments = (node.made.config, "ci", file, "node:read")
    assert "0 revoked" in run("rotate_token.py", *arguments)
    first = file.read_text().strip()
    assert file.stat().st_mode & 0o77 == 0
    with Node(node.api_url, first) as client:
        assert client.state()["chain"] == "dev"
    assert "1 revoked" in run("rotate_token.py", *arguments)
    with Node(node.api_url, first) as client, pytest.raises(ApiRefused):
        client.state()
    with Node(node.api_url, file.read_text().strip()) as client:
        assert client.state()["chain"] == "dev"


def test_fleet(node, tmp_path):
    file = tmp_path / "nodes.txt"
    away = "http://127.0.0.1:1"
    file.write_text(f"here {node.api_url} {node.made.token}\naway {away} masq_x\n")
    here, gone = run("fleet.py", file).splitlines()
    assert "0 disputes" in here
    assert "cannot be reached" in gone


def test_all_that_a_script_can_ask_is_answered(tmp_path):
    served = ServedNode(tmp_path)
    served.start()
    try:
        with Node(served.url, served.node.token()) as node:
            assert node.neighbors()[0]["link_up"] is True
            assert node.payables()[0]["balance"] == node.summary()["payable"]
            assert node.receivables()
            assert node.wallets()["is_configured"] is True
            assert node.wallets()["chain"] == "dev"
            assert [each["kind"] for each in node.scans()] == ["payables"]
            assert node.events() == []
            assert node.thresholds()["maturity_threshold_sec"] == 1_200
            changed = node.set_thresholds(maturity_threshold_sec=7)
            assert changed["maturity_threshold_sec"] == 7
            node.whitelist(LISTED[0], "a friend")
            node.scan("payables")
            with pytest.raises(ApiFailed):
                node.ban("nobody")
    finally:
        served.stop()


def test_masq_events_shows_and_follows(node):
    shown = masq(node, "events", "--json")
    assert shown.returncode == 0, shown.stderr
    events = [json.loads(line) for line in shown.stdout.splitlines()]
    assert "stage-changed" in {each["type"] for each in events}
    following = subprocess.Popen(
        [MASQ, "events", "-f", "--after", events[-1]["id"], "--config", node.made.config],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        wallet = "0x" + "9" * 40
        masq(node, "ban", wallet)
        assert "wallet-stance-changed" in following.stdout.readline()
    finally:
        following.kill()
        following.communicate()

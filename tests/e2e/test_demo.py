"""The demo as a newcomer and a script see it: real processes, curl, both sides' books."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.evm import require_anvil
from support.processes import hear_ctrl_c, processes_of

pytestmark = pytest.mark.e2e

READY_S = 30.0


def start_demo(folder, *options):
    masq = Path(sys.executable).with_name("masq")
    command = [str(masq), "demo", "--json", "--data-dir", str(folder)]
    return subprocess.Popen(
        [*command, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=hear_ctrl_c,
    )


def test_the_demo_moves_bytes_and_both_books_agree(tmp_path):
    folder = tmp_path / "demo"
    with start_demo(folder, "--once", "--size", "20MB") as demo:
        output, _ = demo.communicate(timeout=110)
    assert demo.returncode == 0, output
    events = [json.loads(line) for line in output.splitlines()]
    by_kind = {event["event"]: event for event in events}
    assert by_kind["ready"]["seconds"] <= READY_S
    downloads = [event for event in events if event["event"] == "download"]
    assert {event["way"] for event in downloads} >= {"HTTP CONNECT"}
    assert {event["bytes"] for event in downloads} == {20_000_000}
    assert len({event["sha256"] for event in downloads}) == 1
    routes = {event["direction"]: event["hops"] for event in events if event["event"] == "hops"}
    assert len(routes["over"]) == 3
    assert len(routes["back"]) == 2
    assert not {*routes["over"]} & {*routes["back"]}
    hops = [event for event in events if event["event"] == "hop"]
    assert {hop["node_id"] for hop in hops} >= {*routes["over"], *routes["back"]}
    assert sum(int(hop["earned_wei"]) for hop in hops) == int(by_kind["sums"]["owed_wei"]) > 0
    assert by_kind["sums"]["equal"] is True
    assert processes_of(folder) == []
    assert not folder.exists()


def test_debts_are_paid_on_a_local_chain_and_who_does_not_pay_is_refused_until_it_does(tmp_path):
    require_anvil()
    folder = tmp_path / "demo"
    with start_demo(folder, "--once", "--size", "5MB", "--chain") as demo:
        output, _ = demo.communicate(timeout=170)
    assert demo.returncode == 0, output
    events = [json.loads(line) for line in output.splitlines()]
    kinds = [event["event"] for event in events]
    order = [kinds.index(kind) for kind in ("sums", "due", "paid", "settled", "broke")]
    order += [kinds.index(kind) for kind in ("banned", "rich")]
    order.append(kinds.index("served"))
    assert order == sorted(order)
    settled = [event for event in events if event["event"] == "settled"]
    assert [event["equal"] for event in settled] == [True, True]
    before, after = (int(event["paid_wei"]) for event in settled)
    assert 0 < before < after
    paid = [event for event in events if event["event"] == "paid"]
    assert sum(int(event["amount"]) for event in paid) == after
    bans = {event["cause"] for event in events if event["event"] == "banned"}
    assert bans == {"delinquent"}
    assert processes_of(folder) == []


def test_ctrl_c_leaves_nothing_behind(tmp_path):
    folder = tmp_path / "demo"
    with start_demo(folder, "--size", "1MB") as demo:
        try:
            opened = wait_until_open(demo)
            running = [each for each in processes_of(folder) if each.pid != demo.pid]
            assert opened["token"].startswith("masq_")
            assert len(running) == 6 * 5
            began = time.monotonic()
            demo.send_signal(signal.SIGINT)
            rest, _ = demo.communicate(timeout=20)
            assert time.monotonic() - began < 15
        finally:
            demo.kill()
    assert "Traceback" not in rest
    assert demo.returncode in (0, 130)
    assert processes_of(folder) == []
    assert not folder.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after_s", [0.0, 1.5], ids=["at once", "while processes start"])
def test_it_can_be_stopped_while_it_starts(tmp_path, number, after_s):
    folder = tmp_path / "demo"
    with start_demo(folder) as demo:
        try:
            first = demo.stdout.readline()
            time.sleep(after_s)
            demo.send_signal(number)
            rest, _ = demo.communicate(timeout=30)
        finally:
            demo.kill()
    assert json.loads(first) == {
        "event": "starting",
        "nodes": 6,
        "text": "Starting 6 nodes, each a nats-server and four services ...",
    }
    assert "Traceback" not in rest
    assert demo.returncode == 130
    assert processes_of(folder) == []
    assert not folder.exists()


def test_ctrl_c_while_the_program_loads_is_no_traceback(tmp_path):
    with start_demo(tmp_path / "demo") as demo:
        time.sleep(0.15)
        demo.send_signal(signal.SIGINT)
        output, _ = demo.communicate(timeout=20)
    assert "masq_cli" not in output
    assert demo.returncode in (130, -signal.SIGINT)


def wait_until_open(demo):
    for line in demo.stdout:
        event = json.loads(line)
        if event["event"] == "open":
            return event
    raise AssertionError("the demo ended before it was open")

"""`masq up` as an operator runs it: a process of its own with real children and real signals."""

import asyncio
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys

import psutil
import pytest

from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusError
from masq_kernel.bus.messages.control import HealthRequested
from masq_kernel.bus.subjects import Service
from support.nats_server import running_server
from support.one_node import (
    MASQ,
    PASSPHRASE,
    make_one_node,
    masq,
    masq_up,
    read_until,
    wait_for_doctor,
)


@pytest.fixture
def node(tmp_path):
    return make_one_node(tmp_path)


def children_of(process):
    return psutil.Process(process.pid).children(recursive=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_in_order_the_bus_last(node, number):
    with masq_up(node) as process:
        started = read_until(process, "gossip", "running")
        assert [event["name"] for event in started[:2]] == ["bus", "bus"]
        children = children_of(process)
        assert len(children) >= 2
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    own_lines = [line for line in err.splitlines() if " | " not in line]
    assert own_lines == []
    events = [json.loads(line) for line in out.splitlines()]
    stopped = [event["name"] for event in events if event["state"] == "stopped"]
    assert set(stopped) == {"api", "router", "gossip", "accountant", "bus"}
    assert stopped[0] == "api"
    assert stopped[-2:] == ["accountant", "bus"]
    assert not any(child.is_running() for child in children)


def test_a_ban_removed_from_the_file_makes_the_books_read_only_and_the_doctor_says_so(node):
    wallet = "0x" + "5" * 40
    with masq_up(node) as process:
        wait_for_doctor(node, "0 transactions")
        banned = masq(node, "ban", wallet, "--note", "spam")
        assert banned.returncode == 0, banned.stderr
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    with sqlite3.connect(node.plan.data_dir / "ledger.db") as database:
        assert database.execute("DELETE FROM wallet_stance").rowcount == 1
    database.close()
    with masq_up(node):
        findings, code = wait_for_doctor(node, "read-only")
        told = masq(node, "doctor")
        ready = masq(node, "status", "--json")
        verification = masq(node, "ledger", "verify")
    assert code == told.returncode == 1
    assert findings["books"]["state"] == "read-only: wallet_stance has 0 rows and not 1"
    assert "masq ledger restore" in findings["books"]["remedy"]
    assert not findings["accountant"]["is_well"]
    assert "WRONG" in told.stdout
    assert "wallet_stance has 0 rows" in ready.stdout
    assert verification.returncode != 0
    assert "wallet_stance has 0 rows" in verification.stdout + verification.stderr


def test_killed_it_leaves_no_process_behind(node):
    with masq_up(node) as process:
        read_until(process, "gossip", "running")
        children = children_of(process)
        process.kill()
        process.wait(5)
        gone, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []
    assert gone


def test_settings_that_no_restart_mends_end_it_with_their_sentence(node):
    with masq_up(node, MASQ_ROUTER_EXIT_POLICY='["allow everything"]') as process:
        failed = read_until(process, "router", "failed")[-1]
        _, err = process.communicate(timeout=20)
    assert "'allow everything' is no exit policy rule" in failed["reason"]
    assert process.returncode == 2, err


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        ({"MASQ_GOSSIP_HOPS_MIN": "9"}, "`hops_min` in the section [gossip]"),
        ({"MASQ_ROUTER_PROXY_HOST": "0.0.0.0"}, "must listen on loopback"),
        ({"MASQ_NODE_CHAIN": "nowhere"}, "known are polygon-mainnet"),
        ({"MASQ_API_PORT": "many"}, "`port` in the section [api]"),
    ],
)
def test_a_mistake_of_any_section_ends_it_before_anything_starts(node, mistake, told):
    with masq_up(node, **mistake) as process:
        out, err = process.communicate(timeout=20)
    assert process.returncode == 2
    assert out == ""
    assert told in err
    assert len(err.splitlines()) == 2


def test_a_wrong_passphrase_is_one_sentence(node):
    with masq_up(node, MASQ_PASSPHRASE="wrong") as process:
        out, err = process.communicate(timeout=20)
    assert process.returncode == 4
    assert out == ""
    assert err.splitlines()[0].startswith("masq: The passphrase does not open the key store")
    assert len(err.splitlines()) == 2


@pytest.mark.parametrize(
    ("section", "key"),
    [("node", "bus_port"), ("router", "listen_port"), ("router", "proxy_port"), ("api", "port")],
)
def test_a_port_in_use_is_a_sentence_before_anything_starts(node, section, key):
    with socket.create_server((node.plan.address, 0)) as taken:
        port = taken.getsockname()[1]
        host = {f"MASQ_{section}_{key}".upper().replace("PORT", "HOST"): node.plan.address}
        with masq_up(node, **{f"MASQ_{section}_{key}".upper(): str(port)}, **host) as process:
            out, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert out == ""
    assert f"{node.plan.address} port {port}: Address already in use" in err
    assert f"`{key}` in the section [{section}]" in err


def test_one_service_is_a_process_that_takes_signals_itself(node):
    with masq_up(node) as process:
        read_until(process, "bus", "running")
        service = subprocess.Popen(
            [MASQ, "service", "gossip", "--config", node.made.config],
            env={**os.environ, "MASQ_PASSPHRASE": PASSPHRASE},
            stderr=subprocess.PIPE,
            text=True,
        )
        assert "service started" in service.stderr.readline()
        command = psutil.Process(service.pid).cmdline()
        service.terminate()
        _, err = service.communicate(timeout=20)
    assert command[1:3] == ["-m", "masq_gossip"]
    assert service.returncode == 0, err


async def health_of(bus, service):
    async with asyncio.timeout(15):
        while True:
            try:
                return await bus.request(subjects.health(service), HealthRequested())
            except BusError:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("name", list(Service))
async def test_each_service_starts_and_restarts_alone(node, name):
    """Only the bus is there; the others are missed, and nothing falls over."""
    async with running_server(node.plan.data_dir) as server:
        bus = await server.connect(Service.API)
        for _ in range(2):
            service = subprocess.Popen(
                [MASQ, "service", name, "--config", node.made.config],
                env={
                    **os.environ,
                    "MASQ_PASSPHRASE": PASSPHRASE,
                    "MASQ_NODE_BUS_PORT": str(server.port),
                },
                stderr=subprocess.PIPE,
                text=True,
            )
            try:
                if name is Service.API:
                    await until_port_answers(node.plan.api_port)
                else:
                    assert (await health_of(bus, name)).pid == service.pid
                service.terminate()
                _, log = await asyncio.to_thread(service.communicate, timeout=20)
            finally:
                service.kill()
            assert service.returncode == 0, log
            assert "Traceback" not in log
        await bus.close()


async def until_port_answers(port):
    async with asyncio.timeout(15):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


@pytest.mark.parametrize("name", list(Service))
def test_a_service_without_a_bus_ends_with_a_sentence(node, name):
    program = (
        "import runpy, sys, masq_kernel.runtime.service as service; service.BUS_WAIT_S = 0.3; "
        f"sys.argv[1:] = ['--config', {str(node.made.config)!r}]; "
        f"runpy.run_module('masq_{name}', run_name='__main__')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "MASQ_PASSPHRASE": PASSPHRASE},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ended.returncode == 3, ended.stderr
    said = ended.stderr.splitlines()[-1]
    assert said.startswith(f"masq {name}: The bus at nats://127.0.0.1:{node.plan.bus_port} cannot")
    assert "Errno 111" in said
    assert "`masq up` does" in said
    assert "Traceback" not in ended.stderr

"""The api process alone: real nats-server, real sockets, real signals, and what can be wrong."""

import asyncio
import os
import signal
import socket
import sys

import httpx
import pytest

from masq_kernel.clock import SystemClock
from masq_kernel.entropy import OsEntropy
from masq_kernel.identity.tokens import SCOPES, TokenStore
from support.nats_server import HOST, free_port, running_server


def make_node(data_dir, *, bus_port, api):
    config = data_dir / "masq.toml"
    config.write_text(
        f'[node]\ndata_dir = "{data_dir}"\nchain = "dev"\n'
        f'bus_host = "{HOST}"\nbus_port = {bus_port}\n[api]\n{api}\n'
    )
    store = TokenStore(data_dir / "api-tokens.json")
    return config, store.create("test", SCOPES, OsEntropy(), SystemClock().unix())


async def start(config):
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "masq_api", "--config", str(config)),
        env=dict(os.environ),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def until_alive(client):
    async with asyncio.timeout(20):
        while True:
            try:
                return await client.get("/healthz")
            except httpx.TransportError:
                await asyncio.sleep(0.05)


async def test_it_serves_says_what_is_missing_and_stops_when_told(tmp_path):
    async with running_server(tmp_path) as server:
        port = free_port()
        config, token = make_node(tmp_path, bus_port=server.port, api=f"port = {port}")
        process = await start(config)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            assert (await until_alive(client)).json() == {"status": "ok"}
            assert (await client.get("/v1/node")).status_code == 401
            ready = await client.get("/readyz")
            assert ready.status_code == 503
            assert {
                name: state["dependencies"][name]
                for name, state in ready.json()["services"].items()
            } == dict.fromkeys(("gossip", "router", "accountant"), "is not running")
            headers = {"Authorization": f"Bearer {token}"}
            answer = await client.get("/v1/node", headers=headers)
            assert answer.status_code == 503
            assert "masq up" in answer.json()["detail"]
            assert (await client.get("/openapi.json")).json()["openapi"].startswith("3.1")
            assert (await client.get("/docs")).status_code == 404
            process.send_signal(signal.SIGTERM)  # while a client keeps its connection open
            _, log = await asyncio.wait_for(process.communicate(), 15)
    assert process.returncode == 0, log.decode()
    assert b"Traceback" not in log
    assert token.encode() not in log


@pytest.mark.parametrize(
    ("api", "code", "told"),
    [
        ('host = "0.0.0.0"', 2, "without TLS"),
        ('host = "example.org"', 2, "`host` in the section [api]"),
        ("port = {taken}", 1, "cannot listen at 127.0.0.1 port"),
        ("colour = 1", 2, "`colour` in the section [api]"),
    ],
)
async def test_a_mistake_ends_with_a_code_and_a_sentence(tmp_path, api, code, told):
    async with running_server(tmp_path) as server:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            api = api.replace("{taken}", str(taken.getsockname()[1]))
            config, _ = make_node(tmp_path, bus_port=server.port, api=api)
            process = await start(config)
            _, log = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == code, log.decode()
    assert told in log.decode()
    assert b"Traceback" not in log

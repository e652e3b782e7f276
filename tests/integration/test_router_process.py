"""The router process alone: a real nats-server, real signals, and what can be wrong."""

import asyncio
import os
import signal
import socket
import sys

import msgspec
import pytest

from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusError, BusRefused, Refusal
from masq_kernel.bus.messages.control import MetricsRequested
from masq_kernel.bus.messages.router import MoveRequested, RouterStatusRequested
from masq_kernel.bus.subjects import Service
from masq_kernel.entropy import OsEntropy
from masq_kernel.identity.keys import IdentityKey
from masq_kernel.identity.keystore import LIGHT, KeyStore
from masq_kernel.runtime.address import AddressFile, Move, Place
from support.nats_server import HOST, running_server

PASSPHRASE = "correct horse battery staple"


def make_node(data_dir, *, bus_port, router='listen_host = "127.0.0.1"\nlisten_port = 0'):
    store = KeyStore.create(data_dir / "keystore.json", PASSPHRASE, OsEntropy(), work=LIGHT)
    store.put("identity", IdentityKey.generate(OsEntropy()).seed())
    config = data_dir / "masq.toml"
    config.write_text(
        f'[node]\ndata_dir = "{data_dir}"\nchain = "dev"\n'
        f'bus_host = "{HOST}"\nbus_port = {bus_port}\n'
        f"[router]\nproxy_port = 0\n{router}\n"
    )
    return config


async def start(config, **environment):
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "masq_router", "--config", str(config)),
        env={**os.environ, "MASQ_PASSPHRASE": PASSPHRASE, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def status_of(bus):
    async with asyncio.timeout(15):
        while True:
            try:
                return await bus.request(subjects.ROUTER_STATUS, RouterStatusRequested())
            except BusError:
                await asyncio.sleep(0.05)


def placed(status):
    """What a status says but for the health of each process."""
    return msgspec.structs.replace(status, workers=())


async def stop(process):
    process.send_signal(signal.SIGTERM)
    _, log = await asyncio.wait_for(process.communicate(), 15)
    assert process.returncode == 0, log.decode()
    assert b"Traceback" not in log


async def test_it_starts_says_where_it_listens_and_keeps_its_onion_key(tmp_path):
    async with running_server(tmp_path) as server:
        config = make_node(tmp_path, bus_port=server.port)
        api = await server.connect(Service.API)
        keys = set()
        for _ in range(2):
            process = await start(config)
            status = await status_of(api)
            keys.add(status.onion_key.public_key)
            for address, port in (
                (status.listen_address, status.listen_port),
                (status.proxy_address, status.proxy_port),
            ):
                with socket.create_connection((address, port), timeout=5):
                    pass
            metrics = await api.request(subjects.metrics(Service.ROUTER), MetricsRequested())
            assert 'masq_router_setups_total{outcome="accepted"} 0.0' in metrics.text
            await stop(process)
        assert len(keys) == 1
        await api.close()


async def test_without_gossip_a_client_is_told_that_there_is_no_route(tmp_path):
    async with running_server(tmp_path) as server:
        process = await start(make_node(tmp_path, bus_port=server.port))
        api = await server.connect(Service.API)
        status = await status_of(api)
        reader, writer = await asyncio.open_connection(status.proxy_address, status.proxy_port)
        writer.write(b"CONNECT example.org:443 HTTP/1.1\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 15)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"masq status" in answer
        await api.close()
        await stop(process)


async def test_settings_that_clients_and_peers_could_not_use_are_not_needed(tmp_path):
    async with running_server(tmp_path) as server:
        config = make_node(tmp_path, bus_port=server.port, router="proxy = false")
        process = await start(config)
        api = await server.connect(Service.API)
        status = await status_of(api)
        assert status.listen_port is None
        assert status.proxy_port is None
        await api.close()
        await stop(process)


@pytest.mark.parametrize(
    ("break_it", "code", "told"),
    [
        ({"MASQ_PASSPHRASE": "wrong"}, 4, "does not open the key store"),
        ({"MASQ_ROUTER_LISTEN_PORT": "{taken}"}, 1, "`listen_port` in the section [router]"),
        ({"MASQ_ROUTER_PROXY_PORT": "{taken}"}, 1, "`proxy_port` in the section [router]"),
        ({"MASQ_ROUTER_PROXY_HOST": "0.0.0.0"}, 2, "must listen on loopback"),
        ({"MASQ_ROUTER_EXIT_POLICY": '["accept everything"]'}, 2, "'accept everything' is no exit"),
        ({"MASQ_ROUTER_LISTEN_HOST": "example.org"}, 2, "`listen_host` in the section [router]"),
        ({"MASQ_NODE_CHAIN": "nowhere"}, 2, "`chain` in the section [node]"),
    ],
)
async def test_a_mistake_ends_with_a_code_and_a_sentence(tmp_path, break_it, code, told):
    async with running_server(tmp_path) as server:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            changes = {key: value.replace("{taken}", port) for key, value in break_it.items()}
            process = await start(make_node(tmp_path, bus_port=server.port), **changes)
            _, log = await asyncio.wait_for(process.communicate(), 15)
    assert process.returncode == code, log.decode()
    assert told in log.decode()
    assert b"Traceback" not in log


def move_to(address, port):
    return MoveRequested(old_address=HOST, old_ports=(4321,), address=address, ports=(port,))


async def test_a_router_bound_to_the_old_address_moves_and_stays_where_it_is_if_it_cannot(
    tmp_path,
):
    bound = f'listen_host = "{HOST}"\nlisten_port = 0\nbind_address = "{HOST}"'
    async with running_server(tmp_path) as server:
        process = await start(make_node(tmp_path, bus_port=server.port, router=bound))
        api, gossip = await server.connect(Service.API), await server.connect(Service.GOSSIP)
        before = await status_of(api)
        with pytest.raises(BusRefused) as refused:
            await gossip.request(subjects.MOVE, move_to("203.0.113.9", 4321))
        assert refused.value.code is Refusal.CONFLICT
        assert "203.0.113.9" in refused.value.reason
        assert placed(await status_of(api)) == placed(before)
        await gossip.request(subjects.MOVE, move_to("127.0.1.9", 4321))
        after = await status_of(api)
        assert after.listen_address == "127.0.1.9"
        with socket.create_connection(("127.0.1.9", after.listen_port), timeout=5):
            pass
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((HOST, before.listen_port), timeout=5)
        await stop(process)
        await api.close()
        await gossip.close()


async def test_a_router_that_starts_after_a_move_listens_at_the_new_place(tmp_path):
    bound = 'listen_host = "203.0.113.7"\nlisten_port = 0'  # an address this machine has no more
    move = Move(setting=Place("203.0.113.7", (4321,)), place=Place("127.0.1.9", (4321,)))
    async with running_server(tmp_path) as server:
        config = make_node(tmp_path, bus_port=server.port, router=bound)
        AddressFile(tmp_path).save(move)
        process = await start(config)
        api = await server.connect(Service.API)
        assert (await status_of(api)).listen_address == "127.0.1.9"
        await stop(process)
        await api.close()


async def test_a_router_that_takes_no_links_cannot_move(tmp_path):
    async with running_server(tmp_path) as server:
        process = await start(make_node(tmp_path, bus_port=server.port, router=""))
        gossip = await server.connect(Service.GOSSIP)
        await status_of(gossip)
        with pytest.raises(BusRefused) as refused:
            await gossip.request(subjects.MOVE, move_to("127.0.1.9", 4321))
        assert "listen_port" in refused.value.reason
        await stop(process)
        await gossip.close()

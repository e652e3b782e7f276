"""The gossip process alone: real nats-server, real key store, real signals."""

import asyncio
import os
import signal
import sys

import pytest

from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusError, BusRefused, Refusal
from masq_kernel.bus.messages.control import HealthRequested, MetricsRequested
from masq_kernel.bus.messages.gossip import AddressRequested, AddressToSet, GossipStatusRequested
from masq_kernel.bus.subjects import Service
from masq_kernel.entropy import OsEntropy
from masq_kernel.identity.keys import IdentityKey
from masq_kernel.identity.keystore import LIGHT, KeyStore
from support.nats_server import HOST, running_server

PASSPHRASE = "correct horse battery staple"


def make_node(data_dir, *, bus_port):
    """Write what `masq init` will write; return the node's key and its configuration file."""
    identity = IdentityKey.generate(OsEntropy())
    store = KeyStore.create(data_dir / "keystore.json", PASSPHRASE, OsEntropy(), work=LIGHT)
    store.put("identity", identity.seed())
    config = data_dir / "masq.toml"
    config.write_text(
        f'[node]\ndata_dir = "{data_dir}"\nchain = "dev"\n'
        f'bus_host = "{HOST}"\nbus_port = {bus_port}\n'
        '[gossip]\naddress = "127.0.1.1"\nports = [4321]\n'
    )
    return identity, config


async def start(config, **environment):
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "masq_gossip", "--config", str(config)),
        env={**os.environ, "MASQ_PASSPHRASE": PASSPHRASE, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def ask_until_answered(bus, request, message):
    async with asyncio.timeout(15):
        while True:
            try:
                return await bus.request(request, message)
            except BusRefused:
                raise
            except BusError:
                await asyncio.sleep(0.05)


async def test_it_starts_answers_on_the_bus_and_stops_when_told(tmp_path):
    async with running_server(tmp_path) as server:
        identity, config = make_node(tmp_path, bus_port=server.port)
        process = await start(config)
        api = await server.connect(Service.API)
        try:
            status = await ask_until_answered(api, subjects.GOSSIP_STATUS, GossipStatusRequested())
            assert status.node_id == identity.node_id
            assert status.descriptor == f"masq://dev:{identity.node_id}@127.0.1.1:4321"
            health = await api.request(subjects.health(Service.GOSSIP), HealthRequested())
            assert health.dependencies["bus"] == "ok"
            assert health.pid == process.pid
            metrics = await api.request(subjects.metrics(Service.GOSSIP), MetricsRequested())
            assert "masq_gossip_" in metrics.text
        finally:
            await api.close()
            process.send_signal(signal.SIGTERM)
            _, log = await asyncio.wait_for(process.communicate(), 15)
        assert process.returncode == 0, log.decode()
        assert b"Traceback" not in log


async def test_it_survives_a_restart_of_the_bus(tmp_path):
    async with running_server(tmp_path) as server:
        identity, config = make_node(tmp_path, bus_port=server.port)
        process = await start(config)
        api = await server.connect(Service.API)
        try:
            await ask_until_answered(api, subjects.GOSSIP_STATUS, GossipStatusRequested())
            await server.kill()
            await server.start()
            status = await ask_until_answered(api, subjects.GOSSIP_STATUS, GossipStatusRequested())
            assert status.node_id == identity.node_id
            assert process.returncode is None
        finally:
            await api.close()
            process.terminate()
            await asyncio.wait_for(process.communicate(), 15)


@pytest.mark.parametrize(
    ("break_it", "code", "told"),
    [
        ({"MASQ_PASSPHRASE": "wrong"}, 4, "does not open the key store"),
        ({"MASQ_PASSPHRASE": ""}, 1, "There is no passphrase"),
        ({"MASQ_GOSSIP_HOPS_MIN": "9"}, 2, "`hops_min` in the section [gossip]"),
        ({"MASQ_NODE_CHAIN": "nowhere"}, 2, "`chain` in the section [node]"),
    ],
)
async def test_a_mistake_ends_with_a_code_and_a_sentence(tmp_path, break_it, code, told):
    async with running_server(tmp_path) as server:
        _, config = make_node(tmp_path, bus_port=server.port)
        process = await start(config, **break_it)
        _, log = await asyncio.wait_for(process.communicate(), 15)
    assert process.returncode == code, log.decode()
    assert told in log.decode()
    assert "Traceback" not in log.decode()


async def set_address(api, address, ports=()):
    wanted = AddressToSet(address=address, ports=ports)
    return await ask_until_answered(api, subjects.SET_ADDRESS, wanted)


async def stop(process):
    process.terminate()
    _, log = await asyncio.wait_for(process.communicate(), 15)
    assert process.returncode == 0, log.decode()


async def test_an_address_set_at_run_time_outlives_restarts_until_the_file_is_edited(tmp_path):
    async with running_server(tmp_path) as server:
        _, config = make_node(tmp_path, bus_port=server.port)
        api = await server.connect(Service.API)
        process = await start(config)
        shown = await set_address(api, "127.0.1.9")
        assert (shown.address, shown.ports, shown.is_setting) == ("127.0.1.9", (4321,), False)
        status = await api.request(subjects.GOSSIP_STATUS, GossipStatusRequested())
        assert status.descriptor.endswith("@127.0.1.9:4321")
        await stop(process)

        process = await start(config)
        shown = await ask_until_answered(api, subjects.ADDRESS, AddressRequested())
        assert (shown.address, shown.is_setting) == ("127.0.1.9", False)
        await stop(process)

        config.write_text(config.read_text().replace('"127.0.1.1"', '"127.0.1.5"'))
        process = await start(config)
        shown = await ask_until_answered(api, subjects.ADDRESS, AddressRequested())
        assert (shown.address, shown.is_setting) == ("127.0.1.5", True)
        assert not (tmp_path / "address.json").exists()

        await set_address(api, "127.0.1.6", (443,))
        assert (await set_address(api, "127.0.1.5", (4321,))).is_setting
        assert not (tmp_path / "address.json").exists()
        await stop(process)
        await api.close()


async def test_an_address_that_cannot_be_is_refused_with_the_reason(tmp_path):
    async with running_server(tmp_path) as server:
        _, config = make_node(tmp_path, bus_port=server.port)
        api = await server.connect(Service.API)
        process = await start(config)
        await ask_until_answered(api, subjects.ADDRESS, AddressRequested())
        for address, ports in (("masq.ai", ()), ("0.0.0.0", ()), ("127.0.1.9", (0,))):
            with pytest.raises(BusRefused) as refused:
                await api.request(subjects.SET_ADDRESS, AddressToSet(address=address, ports=ports))
            assert refused.value.code is Refusal.INVALID
        await stop(process)
        process = await start(config, MASQ_GOSSIP_MODE="originate-only")
        shown = await ask_until_answered(api, subjects.ADDRESS, AddressRequested())
        assert shown.address is None
        with pytest.raises(BusRefused) as refused:
            await api.request(subjects.SET_ADDRESS, AddressToSet(address="127.0.1.9"))
        assert refused.value.code is Refusal.CONFLICT
        await stop(process)
        await api.close()

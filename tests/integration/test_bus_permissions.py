"""On a real server each service may use its own subjects and no others; made from the table."""

import asyncio

import nats
import nats.errors
import pytest

from masq_kernel.bus.permissions import inbox_prefix, permissions_of
from masq_kernel.bus.subjects import ALL, MOVE, REFUSED_WALLETS, SESSIONS, Retained, Service
from support.nats_server import running_server


async def connect_raw(server, service, denials):
    async def on_error(error):
        denials.append(str(error))

    return await nats.connect(
        server.url,
        user=str(service),
        password=server.password(service),
        inbox_prefix=inbox_prefix(service),
        error_cb=on_error,
    )


async def denied(client, denials, action):
    """Whether the server answers this action with a permissions violation."""
    denials.clear()
    await action()
    await client.flush()
    await client.flush()
    await asyncio.sleep(0.02)
    return any("permissions violation" in each.lower() for each in denials)


@pytest.mark.parametrize("service", list(Service))
async def test_each_service_may_use_exactly_what_the_table_says(service, tmp_path):
    allowed = permissions_of(service)
    async with running_server(tmp_path) as server:
        denials = []
        client = await connect_raw(server, service, denials)
        for subject in ALL:
            if isinstance(subject, Retained):
                continue  # below
            name = subject.name
            refused = await denied(client, denials, lambda name=name: client.publish(name, b""))
            assert refused is (name not in allowed.publish), f"{service} publishes {name}"
            refused = await denied(client, denials, lambda name=name: client.subscribe(name))
            assert refused is (name not in allowed.subscribe), f"{service} subscribes {name}"
        for other in set(Service) - {service}:
            inbox = f"{inbox_prefix(other)}.>"
            assert await denied(client, denials, lambda inbox=inbox: client.subscribe(inbox))
        assert await denied(client, denials, lambda: client.subscribe(">"))
        await client.close()


@pytest.mark.parametrize("service", list(Service))
async def test_only_the_accountant_can_write_bans(service, tmp_path):
    """Nobody else can add, remove or purge one, or do anything to the bucket itself."""
    bucket = f"KV_{REFUSED_WALLETS.bucket}"
    attempts = {
        REFUSED_WALLETS.subject("aa"): True,
        f"$JS.API.STREAM.CREATE.{bucket}": True,
        f"$JS.API.STREAM.UPDATE.{bucket}": True,
        f"$JS.API.STREAM.DELETE.{bucket}": False,
        f"$JS.API.STREAM.PURGE.{bucket}": False,
        f"$JS.API.STREAM.MSG.DELETE.{bucket}": False,
    }
    async with running_server(tmp_path) as server:
        denials = []
        client = await connect_raw(server, service, denials)
        for name, accountant_may in attempts.items():
            refused = await denied(client, denials, lambda name=name: client.publish(name, b""))
            assert refused is not (accountant_may and service is Service.ACCOUNTANT), name
        name = f"$JS.API.CONSUMER.CREATE.{bucket}"
        refused = await denied(client, denials, lambda: client.publish(name, b""))
        assert refused is (service not in (Service.ACCOUNTANT, Service.ROUTER))
        await client.close()


async def test_a_wrong_password_is_refused(tmp_path):
    async with running_server(tmp_path) as server:
        with pytest.raises(nats.errors.Error):
            await nats.connect(server.url, user="api", password="guess", allow_reconnect=False)


@pytest.mark.parametrize("service", list(Service))
async def test_only_its_own_processes_ask_one_worker(service, tmp_path):
    async with running_server(tmp_path) as server:
        denials = []
        client = await connect_raw(server, service, denials)
        for name in (SESSIONS.of(bytes(8)).name, MOVE.of(bytes(8)).name):
            for action in (lambda name=name: client.publish(name, b""), None):
                act = action or (lambda name=name: client.subscribe(name))
                assert await denied(client, denials, act) is (service is not Service.ROUTER)
        await client.close()

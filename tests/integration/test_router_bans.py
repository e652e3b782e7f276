"""A relay whose accountant refuses the client's wallet: live sessions end, new ones are refused."""

import asyncio

import pytest

from masq_kernel.bus import subjects
from masq_kernel.bus.messages.accountant import WalletRefused
from masq_kernel.bus.subjects import Service
from support.router_mesh import RouterMesh
from support.socks_client import socks_connect
from support.traffic import echo, fetch_pattern, pattern, send_pattern, serving

RELAY = 1
WAYS = ([1, 3], [4]), ([2, 3], [4])  # the second goes round the relay


def sessions_for(node, wallet):
    """What this node serves the wallet with."""
    return [
        session
        for session in node.router.live.table
        for meter in session.meters
        if meter.wallet == wallet and meter.side == "provided"
    ]


async def until(condition, timeout_s):
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("reason", ["banned", "credit"])
async def test_within_a_second_all_sessions_of_a_refused_wallet_end_and_none_begin(
    tmp_path, reason
):
    async with asyncio.TaskGroup() as tasks, serving(echo) as port, serving(send_pattern) as files:
        mesh = await RouterMesh.start(tmp_path, 5, tasks)
        relay, client = mesh.nodes[RELAY], mesh.client
        await mesh.offer(*WAYS)
        code, reader, writer = await socks_connect(client.proxy_port, "127.0.0.1", port)
        assert code == 0
        writer.write(b"before")
        assert await reader.readexactly(6) == b"before"
        assert sessions_for(relay, client.consuming)

        accountant = relay.broker.connect(Service.ACCOUNTANT)
        key = client.consuming.raw.hex()
        await accountant.keep(subjects.REFUSED_WALLETS, key, WalletRefused(reason=reason))
        await until(lambda: not sessions_for(relay, client.consuming), 1.0)
        writer.write(b"after")  # the client goes round the relay and keeps its stream
        assert await asyncio.wait_for(reader.readexactly(5), 15) == b"after"

        refusals = relay.router.setups.counts.refused
        before = refusals.get(f"refused_{reason}", 0)
        client.offered = client.offered[:1]
        client.router.origin.close()
        fetching = asyncio.ensure_future(fetch_pattern(client.proxy_port, files, 1, 9_000))
        await until(lambda: refusals.get(f"refused_{reason}", 0) > before, 10)
        fetching.cancel()
        assert sessions_for(relay, client.consuming) == []

        await accountant.keep(subjects.REFUSED_WALLETS, key, None)
        await until(lambda: not relay.router.barred.reasons, 1.0)
        async with asyncio.timeout(20):
            while True:
                try:
                    content = await fetch_pattern(client.proxy_port, files, 2, 9_000)
                    break
                except (AssertionError, OSError):
                    await asyncio.sleep(0.2)
        assert content == pattern(9_000, 2)
        assert sessions_for(relay, client.consuming)
        await mesh.stop()

"""One mesh of real processes, and what clients may do to it."""

import asyncio
import hashlib
import shutil
from functools import partial

import psutil
import pytest
import pytest_asyncio

from support.process_mesh import started_mesh
from support.processes import processes_of
from support.socks_client import socks_connect
from support.traffic import digest_all, echo, fetch_pattern, pattern, pour, send_pattern, serving

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

HOP_GROWTH_MAX = 24 << 20
"""What one stalled client may cost a hop: the windows and the buffers of its sockets."""

IDLE_S = 35.0
"""Longer than the 30 s after which a link or a circuit that says nothing is given up."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory):
    async with started_mesh(tmp_path_factory.mktemp("mesh")) as mesh:
        yield mesh


async def test_twenty_downloads_at_once_arrive_whole(running):
    async with serving(send_pattern) as port:
        sizes = [1_000_000 + 1_000 * seed for seed in range(20)]
        contents = await asyncio.gather(
            *(
                fetch_pattern(running.proxy_port, port, seed, size)
                for seed, size in enumerate(sizes)
            )
        )
    assert contents == [pattern(size, seed) for seed, size in enumerate(sizes)]


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
async def test_curl_uploads_a_file_whole(running, tmp_path):
    content = pattern(5_000_000, 3)
    (tmp_path / "file").write_bytes(content)
    received = hashlib.sha256()

    async def take(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        received.update(await reader.readexactly(len(content)))
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()

    async with serving(take) as port:
        curl = await asyncio.create_subprocess_exec(
            *("curl", "-sS", "--fail", "--max-time", "60", "-H", "Expect:"),
            *("--socks5-hostname", f"127.0.0.1:{running.proxy_port}"),
            *("--upload-file", str(tmp_path / "file"), f"http://127.0.0.1:{port}/"),
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await curl.communicate()
    assert curl.returncode == 0, said
    assert received.digest() == hashlib.sha256(content).digest()


async def test_half_close_is_kept(running):
    async with serving(digest_all) as port:
        _, reader, writer = await socks_connect(running.proxy_port, "127.0.0.1", port)
        writer.write(pattern(2_000_000))
        writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), 30)
    assert answer == hashlib.sha256(pattern(2_000_000)).digest()


async def test_a_long_idle_stream_stays(running):
    async with serving(echo) as port:
        _, reader, writer = await socks_connect(running.proxy_port, "127.0.0.1", port)
        writer.write(b"before")
        assert await reader.readexactly(6) == b"before"
        await asyncio.sleep(IDLE_S)
        writer.write(b"after")
        assert await asyncio.wait_for(reader.readexactly(5), 5) == b"after"
        writer.close()


@pytest.mark.parametrize(
    ("host", "port", "reply"),
    [
        ("192.168.1.1", 80, 2),
        ("169.254.169.254", 80, 2),
        ("1.1.1.1", 25, 2),
        ("does-not-exist.invalid", 443, 4),
    ],
)
async def test_targets_that_are_refused_have_their_socks_reply(running, host, port, reply):
    code, _, _ = await socks_connect(running.proxy_port, host, port)
    assert code == reply


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
@pytest.mark.parametrize(
    ("url", "status", "said"),
    [
        ("http://10.0.0.1/", "403", "policy"),
        ("http://no-such-name.invalid/", "502", "resolve"),
    ],
)
async def test_http_clients_are_told_why(running, url, status, said):
    curl = await asyncio.create_subprocess_exec(
        *("curl", "-sS", "-v", "--max-time", "20", "--proxytunnel"),
        *("--proxy", f"http://127.0.0.1:{running.proxy_port}", url),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await curl.communicate()
    assert curl.returncode != 0
    assert f"HTTP/1.1 {status}".encode() in output
    assert b"Proxy-Status: masq; error=" in output


async def test_a_client_that_does_not_read_costs_no_hop_more_than_the_windows(running):
    routers = processes_of(running.folder, "masq_router")
    assert len(routers) == 6
    sent = 0

    def on_sent(size):
        nonlocal sent
        sent = size

    async with serving(partial(pour, on_sent=on_sent)) as port:
        before = [router.memory_info().rss for router in routers]
        _, _, writer = await socks_connect(running.proxy_port, "127.0.0.1", port)
        seen = -1
        while seen != sent:
            seen = sent
            await asyncio.sleep(1)
        growth = [
            router.memory_info().rss - size for router, size in zip(routers, before, strict=True)
        ]
        assert 0 < sent < 16_000_000
        assert max(growth) < HOP_GROWTH_MAX
        writer.transport.abort()


async def test_afterwards_both_books_agree_to_the_wei(running):
    """Streams of the tests before were cut in the middle; what arrived is what is owed."""
    async with asyncio.timeout(20):
        while not (books := await running.mesh.books(running.client)).agree:
            await asyncio.sleep(0.5)
    assert books.owed == books.earned > 0


async def test_the_client_has_learnt_who_served_it(running):
    graph = await running.client.api.items("/v1/neighborhood")
    tried = [node for node in graph if node["reputation"]["served"] > 0]
    assert len(tried) >= 3
    assert all(node["reputation"]["latency_ms"] > 0 for node in tried)


async def test_a_killed_service_comes_back_and_the_node_goes_on(running):
    for service in ("masq_accountant", "masq_gossip", "masq_api", "masq_router"):
        victim = processes_of(running.folder / "node-1", service)[0]
        victim.kill()
        async with asyncio.timeout(20):
            while not any(
                each.pid != victim.pid and each.status() != psutil.STATUS_ZOMBIE
                for each in processes_of(running.folder / "node-1", service)
            ):
                await asyncio.sleep(0.1)
    async with asyncio.timeout(60):
        while True:
            try:
                async with serving(send_pattern) as port:
                    assert await fetch_pattern(running.proxy_port, port, 7, 100_000) == pattern(
                        100_000, 7
                    )
                break
            except (AssertionError, ConnectionError):
                await asyncio.sleep(0.5)

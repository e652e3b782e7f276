"""Clients that are slow, endless or many: each costs the API little, and others are served."""

import asyncio
import socket
import time

import httpx
import pytest

from masq_api.feed import FOLLOWERS_MAX
from support.one_node import make_one_node, masq_up, wait_for_doctor

FOLLOWERS = 600
"""More than may follow, and than connections are served; more of them only wait longer."""


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    made = make_one_node(tmp_path_factory.mktemp("node"))
    with masq_up(made):
        wait_for_doctor(made, "0 transactions")
        yield made


def request(node, path, *, method="GET", more=""):
    return (
        f"{method} {path} HTTP/1.1\r\nHost: node\r\n"
        f"Authorization: Bearer {node.made.token}\r\n{more}\r\n"
    ).encode()


async def status(node, path):
    async with httpx.AsyncClient(timeout=10) as client:
        headers = {"Authorization": f"Bearer {node.made.token}"}
        return (await client.get(f"{node.api_url}{path}", headers=headers)).status_code


async def opened(node):
    return await asyncio.open_connection("127.0.0.1", node.plan.api_port)


async def test_of_very_many_followers_as_many_are_served_as_may_and_the_rest_are_refused(node):
    writers, answers = [], []
    try:
        for _ in range(FOLLOWERS):
            try:
                reader, writer = await opened(node)
            except OSError:
                break
            writers.append(writer)
            writer.write(request(node, "/v1/events/stream"))
            try:
                async with asyncio.timeout(5):
                    answers.append((await reader.readline()).split()[1])
            except (TimeoutError, IndexError, OSError):
                answers.append(b"none")
    finally:
        for writer in writers:
            writer.close()
    served = answers.count(b"200")
    assert served == FOLLOWERS_MAX
    assert set(answers) <= {b"200", b"429", b"503", b"none"}
    async with asyncio.timeout(20):  # their places are free again
        while await status(node, "/v1/node") != 200:
            await asyncio.sleep(0.2)
    reader, writer = await opened(node)
    async with asyncio.timeout(20):
        while True:
            writer.write(request(node, "/v1/events/stream"))
            if b"200" in await reader.readline():
                break
            writer.close()
            await asyncio.sleep(0.5)
            reader, writer = await opened(node)
    writer.close()


async def test_slow_bodies_and_headers_hold_up_nobody_else(node):
    slow = []
    for _ in range(100):
        _, writer = await opened(node)
        more = "Content-Length: 1000\r\nContent-Type: application/json\r\n"
        writer.write(request(node, "/v1/scans", method="POST", more=more) + b"{")
        slow.append(writer)
    for _ in range(100):
        _, writer = await opened(node)
        writer.write(b"GET /v1/node HTTP/1.1\r\nX-Never: e")
        slow.append(writer)
    began = time.monotonic()
    assert await status(node, "/v1/node") == 200
    assert time.monotonic() - began < 2
    for writer in slow:
        writer.close()


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /v1/node HTTP/1.1\r\nHost: a\r\nX: y\x00z\r\n\r\n",
        b"GET /v1/node\r\n\r\n",
        b"G" * 70_000,
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        b"POST /v1/scans HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /session HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
    ],
    ids=["NUL", "no version", "no end", "long path", "many headers", "bad chunk", "two lengths"],
)
async def test_requests_that_are_none_end_their_connection_alone(node, raw):
    def send():
        with socket.create_connection(("127.0.0.1", node.plan.api_port), timeout=5) as connection:
            try:
                connection.sendall(raw)
                connection.shutdown(socket.SHUT_WR)
                return connection.recv(1_000)
            except OSError:
                return b""

    answer = await asyncio.to_thread(send)
    assert answer == b"" or answer.split()[1][:1] in (b"4", b"2")
    assert await status(node, "/v1/node") == 200

"""Servers and clients that move bytes, for tests of whole paths."""

import asyncio
import hashlib
from contextlib import asynccontextmanager

from support.socks_client import socks_connect


@asynccontextmanager
async def serving(answer, port=0):
    """A TCP server on loopback; `answer(reader, writer)` serves one connection."""

    async def serve(reader, writer):
        try:
            await answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def digest_all(reader, writer):
    """Read to the end, then answer with the hash: half-close, both ways."""
    digest = hashlib.sha256()
    while data := await reader.read(1 << 16):
        digest.update(data)
    writer.write(digest.digest())
    await writer.drain()


async def echo(reader, writer):
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()


async def send_pattern(reader, writer):
    """Answer `seed, size` (one byte, four bytes) with that much of that pattern."""
    seed, size = (await reader.readexactly(1))[0], await reader.readexactly(4)
    writer.write(pattern(int.from_bytes(size, "big"), seed))
    await writer.drain()


async def pour(reader, writer, *, on_sent, size_max=200_000_000):
    """Send zeros for as long as they are taken."""
    sent = 0
    while sent < size_max:
        writer.write(bytes(1 << 16))
        await writer.drain()
        sent += 1 << 16
        on_sent(sent)


async def fetch_pattern(proxy_port, port, seed, size):
    code, reader, writer = await socks_connect(proxy_port, "127.0.0.1", port)
    assert code == 0
    writer.write(bytes([seed]) + size.to_bytes(4, "big"))
    content = await asyncio.wait_for(reader.read(-1), 60)
    writer.close()
    return content


def pattern(size, seed=0):
    """Bytes that differ for each seed, so that crossed streams are seen."""
    block = hashlib.shake_128(bytes([seed])).digest(65_536)
    return (block * (size // len(block) + 1))[:size]

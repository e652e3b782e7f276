"""A web server with one file: the destination that the demo's client reaches through the mesh."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from masq_cli.demo.plan import LOOPBACK
from masq_kernel.entropy import Entropy

__all__ = ["ServedFile", "serve_file"]

_REQUEST_TIMEOUT_S = 30.0
_CHUNK_SIZE = 256 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedFile:
    """A file on offer.

    Args:
        port: of the server, on loopback.
        size: bytes of the file.
        sha256: of its content, in hexadecimal.
    """

    port: int
    size: int
    sha256: str

    @property
    def url(self) -> str:
        """Where to get it."""
        return f"http://{LOOPBACK}:{self.port}/file"


@asynccontextmanager
async def serve_file(size: int, entropy: Entropy) -> AsyncIterator[ServedFile]:
    """Serve random bytes over HTTP on a free port of loopback, while the context lasts.

    Args:
        size: how many bytes.
        entropy: where they come from.
    """
    content = entropy.token(size)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            async with asyncio.timeout(_REQUEST_TIMEOUT_S):
                await reader.readuntil(b"\r\n\r\n")
            await _send(content, writer)
        writer.close()

    server = await asyncio.start_server(answer, LOOPBACK, 0)
    try:
        port = server.sockets[0].getsockname()[1]
        digest = await asyncio.to_thread(lambda: hashlib.sha256(content).hexdigest())
        yield ServedFile(port=port, size=size, sha256=digest)
    finally:
        server.close()


async def _send(content: bytes, writer: asyncio.StreamWriter) -> None:
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
        f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
    )
    writer.write(head.encode("ascii"))
    view = memoryview(content)
    for start in range(0, len(content), _CHUNK_SIZE):
        writer.write(view[start : start + _CHUNK_SIZE])
        await writer.drain()

"""Full load for as long as you like, and what the processes hold minute by minute.

    python -m bench.soak [MINUTES]

Eight downloads and two uploads that never end, and short streams all the while. It fails when, from
the second tenth of the time to its end, memory has grown by more than GROWTH_MB_MAX, or streams,
sessions, tasks or file descriptors have.
"""

import asyncio
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import uvloop

from support.leaks import held_by
from support.process_mesh import started_mesh
from support.socks_client import socks_connect
from support.traffic import digest_all, echo, pattern, serving

DOWNLOADS, UPLOADS = 8, 2
GROWTH_MB_MAX = 48.0
SLACK = 60
"""Descriptors, tasks and sessions that come and go with routes that are renewed."""


class Load:
    """Clients that never rest.

    Attributes:
        size: bytes moved so far.
        exchanges: short streams so far.
    """

    def __init__(self, proxy_port):
        self._proxy_port = proxy_port
        self.size = self.exchanges = 0

    async def download(self, port):
        reader, _writer = await self._connect(port)
        while data := await reader.read(1 << 20):
            self.size += len(data)
        raise AssertionError("a download has ended")

    async def upload(self, port):
        _reader, writer = await self._connect(port)
        block = bytes(1 << 17)
        while True:
            writer.write(block)
            await writer.drain()
            self.size += len(block)

    async def exchange(self, port):
        while True:
            reader, writer = await self._connect(port)
            said = pattern(3_000, self.exchanges % 256)
            writer.write(said)
            assert await reader.readexactly(3_000) == said
            writer.close()
            self.exchanges += 1
            await asyncio.sleep(0.02)

    async def _connect(self, port):
        code, reader, writer = await socks_connect(
            self._proxy_port, "127.0.0.1", port, limit=1 << 20
        )
        assert code == 0
        return reader, writer


async def pour_for_ever(reader, writer):
    block = bytes(1 << 17)
    while True:
        writer.write(block)
        await writer.drain()


async def soak(minutes, tell, *, downloads=DOWNLOADS, uploads=UPLOADS):
    """Run the load; return what was held after each tenth of the time."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="masq-soak-")))
        running = await stack.enter_async_context(started_mesh(folder))
        source = await stack.enter_async_context(serving(pour_for_ever))
        sink = await stack.enter_async_context(serving(digest_all))
        parrot = await stack.enter_async_context(serving(echo))
        load, seen = Load(running.proxy_port), []
        async with asyncio.TaskGroup() as tasks:
            working = [tasks.create_task(load.download(source)) for _ in range(downloads)]
            working += [tasks.create_task(load.upload(sink)) for _ in range(uploads)]
            working += [tasks.create_task(load.exchange(parrot)) for _ in range(2)]
            began = time.monotonic()
            for _ in range(10):
                await asyncio.sleep(minutes * 6.0)
                seen.append(await held_by(running))
                rate = load.size / 1e6 / (time.monotonic() - began)
                passed = (time.monotonic() - began) / 60
                tell(
                    f"{passed:6.1f} min: {rate:.0f} MB/s,"
                    f" {load.exchanges:,} short streams; {seen[-1]}"
                )
            for task in working:
                task.cancel()
    return seen


def check(seen):
    """Compare the second tenth with the last."""
    first, last = seen[1], seen[-1]
    assert last.rss_mb <= first.rss_mb + GROWTH_MB_MAX, "memory has grown"
    assert last.fds <= first.fds + SLACK, "file descriptors have leaked"
    for name in ("tasks", "sessions", "client_streams", "exit_streams"):
        assert last.counts[name] <= first.counts[name] + SLACK, f"{name} have leaked"


def main(minutes):
    check(uvloop.run(soak(minutes, lambda sentence: print(sentence, flush=True))))
    print("flat")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0)

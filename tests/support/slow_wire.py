"""Bad lines between nodes of this machine: delay, loss and a limit of speed, on real TCP.

The kernel's packet filter leads every link of one node through forwarders of ours, which hold bytes
back; it also drops some of the packets between nodes and forwarders, where TCP mends it at once and
not after the delay. (The kernel's own emulator, netem, would do both together, but many kernels in
containers come without it.)
"""

import asyncio
import os
import re
import socket
import time
from collections import deque
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from support.dropped_packets import nft

__all__ = ["slow_wires"]

MARK = 0x4D
"""Of the forwarders' own connections, which are not led through them again."""

CHUNK = 1 << 16
HELD_MAX = 16 << 20
"""Bytes under way on one line, each way."""


class Line:
    """One direction of one connection."""

    def __init__(self, reader, writer, *, delay_s, rate):
        self._reader, self._writer = reader, writer
        self._delay_s, self._rate = delay_s, rate
        self._held, self._size = deque(), 0
        self._changed = asyncio.Event()

    async def run(self):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._read())
            tasks.create_task(self._write())

    async def _read(self):
        while data := await self._reader.read(CHUNK):
            if self._rate:
                await asyncio.sleep(len(data) / self._rate)
            self._held.append((time.monotonic() + self._delay_s, data))
            self._size += len(data)
            self._changed.set()
            while self._size > HELD_MAX:
                await asyncio.sleep(0.01)
        self._held.append((time.monotonic() + self._delay_s, b""))
        self._changed.set()

    async def _write(self):
        while True:
            while not self._held:
                self._changed.clear()
                await self._changed.wait()
            due, data = self._held.popleft()
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self._size -= len(data)
            if not data:
                self._writer.close()
                return
            self._writer.write(data)
            await self._writer.drain()


@asynccontextmanager
async def forwarder(source, target, port, **line):
    """Take connections for a target and hand them on from their own address; yield our port."""
    tasks = set()

    async def carry(reader, writer):
        tasks.add(asyncio.current_task())
        outgoing = socket.socket()
        outgoing.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, MARK)
        outgoing.setblocking(False)
        outgoing.bind((source, 0))
        try:
            await asyncio.get_running_loop().sock_connect(outgoing, (target, port))
            far_reader, far_writer = await asyncio.open_connection(sock=outgoing)
        except OSError:
            writer.close()
            return
        with suppress(ExceptionGroup, OSError, asyncio.CancelledError):
            async with asyncio.TaskGroup() as both:
                both.create_task(Line(reader, far_writer, **line).run())
                both.create_task(Line(far_reader, writer, **line).run())
        for each in (writer, far_writer):
            each.close()

    server = await asyncio.start_server(carry, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()


@asynccontextmanager
async def slow_wires(node, others, *, delay_s=0.0, loss_percent=0, rate=0):
    """Put bad lines between a node and others while the context lasts; new links only.

    Yields a function that returns, for each way that loses, how many packets came and were dropped.

    Args:
        node, others: with address and link port each.
        delay_s: each way.
        loss_percent: of each hundred packets between nodes and forwarders, either way, the last.
        rate: bytes per second, each way and link; 0: no limit.
    """
    table = f"masq_wire_{os.getpid()}"
    ways, ports = [], []
    async with AsyncExitStack() as stack:
        for other in others:
            for (source, _), (target, port) in ((node, other), (other, node)):
                line = forwarder(source, target, port, delay_s=delay_s, rate=rate)
                ours = await stack.enter_async_context(line)
                ports.append(ours)
                ways.append(
                    f"ip saddr {source} ip daddr {target} tcp dport {port}"
                    f" meta mark != {MARK} redirect to :{ours}"
                )
        among, kept = ", ".join(map(str, ports)), 100 - loss_percent
        # Answers show the far node's port again when they come in: only their connection tells.
        losses = [
            f"{chosen} {{ {among} }} counter numgen inc mod 100 >= {kept} counter drop"
            for chosen in ("tcp dport", "meta l4proto tcp ct direction reply ct reply proto-src")
            if loss_percent
        ]
        rules = "\n".join(
            (
                f"table inet {table} {{",
                "chain lead {",
                "type nat hook output priority -100;",
                *ways,
                "}",
                "chain lose {",
                "type filter hook input priority 0;",
                *losses,
                "}",
                "}",
                "",
            )
        )
        done = nft("-f", "-", text=rules)
        assert done.returncode == 0, done.stderr
        try:
            yield lambda: counted(nft("list", "table", "inet", table).stdout)
        finally:
            nft("delete", "table", "inet", table)


def counted(listed):
    """Pair the counters of each rule that loses."""
    counts = [int(count) for count in re.findall(r"counter packets (\d+)", listed)]
    return list(zip(counts[::2], counts[1::2], strict=True))

"""Hurt the relays of a client's route in a mesh of real processes; see what its streams feel."""

import asyncio
import hashlib
import time
from functools import partial

import psutil

from support.processes import processes_of
from support.socks_client import socks_connect

PIECE = 1 << 16
PLACES = (("over", 0), ("over", 1), ("back", 0), ("back", 1))
"""The relays of a route of three hops."""


def block_of(index):
    """The bytes of one piece: each differs, so one that is lost, doubled or moved shows."""
    return (hashlib.sha256(index.to_bytes(8, "big")).digest() * (PIECE // 32))[:PIECE]


async def send_paced(reader, writer, *, pace_s, stopped):
    """Send numbered pieces until `stopped`; return how many."""
    index = 0
    while not stopped.is_set():
        writer.write(block_of(index))
        await writer.drain()
        index += 1
        await asyncio.sleep(pace_s)
    return index


async def take_all(reader, writer, *, arrived):
    """Take numbered pieces to the end; then answer with the hash of all."""
    digest = hashlib.sha256()
    while data := await reader.read(1 << 18):
        digest.update(data)
        arrived(len(data))
    writer.write(digest.digest())
    await writer.drain()


class Flow:
    """Notes when bytes arrive; the longest gap since `begin` is the stall."""

    def __init__(self):
        self.size, self.digest = 0, hashlib.sha256()
        self._last = self._longest = 0.0
        self.begin()

    def begin(self):
        self._last, self._longest = time.monotonic(), 0.0

    def arrived(self, size):
        now = time.monotonic()
        self._longest, self._last = max(self._longest, now - self._last), now
        self.size += size

    @property
    def stall_s(self):
        return max(self._longest, time.monotonic() - self._last)


async def read_flow(reader, flow):
    while data := await reader.read(1 << 18):
        flow.digest.update(data)
        flow.arrived(len(data))


def digest_of(size):
    digest = hashlib.sha256()
    for index in range(-(-size // PIECE)):
        digest.update(block_of(index)[: size - index * PIECE])
    return digest.digest()


class Surgeon:
    """Finds the client's relays and kills or freezes their routers.

    Args:
        running: the mesh.
    """

    def __init__(self, running):
        self.running = running

    async def hops(self):
        """Return node ids by direction, of the client's newest trip."""
        sessions = await self.running.client.api.items("/v1/sessions")
        ours = [each for each in sessions if each["role"] == "origin"]
        oldest_first = sorted(ours, key=lambda each: each["age_s"], reverse=True)
        return {each["direction"]: each["hops"] for each in oldest_first}

    async def victim(self, place):
        """Return the node that stands at this place of the route."""
        direction, index = place
        async with asyncio.timeout(20):
            while len((hops := await self.hops()).get(direction, ())) <= index:
                await asyncio.sleep(0.1)
        node_id = hops[direction][index]
        return next(node for node in self.running.mesh.nodes if node.node_id == node_id)

    def router_of(self, node) -> psutil.Process:
        [router] = processes_of(self.running.folder_of(node), "masq_router")
        return router

    async def until_back(self, node):
        """Wait until a node whose router was killed takes part again."""
        async with asyncio.timeout(60):
            while await self._links(node) < 2:
                await asyncio.sleep(0.2)

    async def _links(self, node):
        described = await node.describe()
        return described.get("links", 0) if described.get("stage") == "routable" else 0


async def socks(running, port):
    code, reader, writer = await socks_connect(running.proxy_port, "127.0.0.1", port, limit=1 << 20)
    assert code == 0
    return reader, writer


def paced_server(pace_s, stopped):
    return partial(send_paced, pace_s=pace_s, stopped=stopped)

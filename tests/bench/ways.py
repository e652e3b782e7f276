"""Ways from one client to one file server: through this project, and through bare TLS relays.

A way knows how to connect and which processes work for it; it is measured by fetching. Ways are
measured in turn, round after round, so that what else the machine does falls on all of them.
"""

import asyncio
import statistics
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import psutil
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from masq_cli.demo.convergence import ConvergenceWatch
from masq_cli.demo.mesh import running_mesh
from masq_cli.demo.plan import lay_out
from masq_kernel.clock import SystemClock
from masq_kernel.entropy import OsEntropy
from support.nats_server import free_port
from support.processes import processes_of
from support.socks_client import socks_connect

__all__ = ["Way", "chain_way", "file_server", "median", "mesh_way", "quantile", "socks_way"]

READ = 1 << 20
HOPS = 4
"""Processes on a way: the origin, two relays and the exit."""

REST_S = 10.0
"""A mesh has just been busy with finding itself; what is measured begins when that is over."""

WARM_UP = 2_000_000


class Way:
    """A way to the server.

    Args:
        name: in tables.
        connect: returns reader and writer; takes the credentials of a route of its own, or None.
        processes: everything that works for it.
    """

    def __init__(self, name, connect, processes):
        self.name, self.connect, self._processes = name, connect, processes

    def cpu_s(self):
        """CPU seconds of all its processes so far."""
        return sum(sum(process.cpu_times()[:2]) for process in self._processes)

    async def download(self, size, *, streams=1, routes=1):
        """Fetch `size` bytes over so many streams at once; return MB/s and CPU ms per MB.

        With `routes`, the streams take turns on so many routes of their own.
        """
        users = [(f"route{number}", "pass") if routes > 1 else None for number in range(routes)]
        connections = [await self.connect(users[number % routes]) for number in range(streams)]
        await self._fetch_all(connections, WARM_UP // streams)
        cpu, began = self.cpu_s(), time.perf_counter()
        await self._fetch_all(connections, size // streams)
        taken, cpu = time.perf_counter() - began, self.cpu_s() - cpu
        for _, writer in connections:
            writer.close()
        return size / 1e6 / taken, cpu * 1000 / (size / 1e6)

    async def requests(self, size, count):
        """Fetch so many bytes again and again on one open stream; return the milliseconds."""
        reader, writer = await self.connect(None)
        await self._fetch(reader, writer, size)
        taken = []
        for _ in range(count):
            began = time.perf_counter()
            await self._fetch(reader, writer, size)
            taken.append((time.perf_counter() - began) * 1000)
        writer.close()
        return taken

    async def set_up(self, number):
        """Connect over a route that nobody used before and fetch a byte; return milliseconds."""
        began = time.perf_counter()
        reader, writer = await self.connect((f"user{number}", "pass"))
        await self._fetch(reader, writer, 1)
        taken = (time.perf_counter() - began) * 1000
        writer.close()
        return taken

    async def _fetch_all(self, connections, size):
        await asyncio.gather(*(self._fetch(*connection, size) for connection in connections))

    async def _fetch(self, reader, writer, size):
        writer.write(size.to_bytes(4, "big"))
        while size:
            data = await reader.read(min(size, READ))
            assert data, f"{self.name} ended early"
            size -= len(data)


def quantile(values, share):
    """Return the smallest value that so large a share of all does not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def median(values):
    """Return the median."""
    return statistics.median(values)


@asynccontextmanager
async def python_process(script, *arguments):
    """Run a script of this folder; yield the process and the first line it prints."""
    path = str(Path(__file__).with_name(script))
    process = await asyncio.create_subprocess_exec(
        sys.executable, path, *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process, (await process.stdout.readline()).decode().strip()
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def file_server():
    """Yield the port of a file server in a process of its own."""
    async with python_process("file_server.py") as (_, port):
        yield int(port)


# -- bare relays -----------------------------------------------------------------------------


@asynccontextmanager
async def chain_way(folder, server_port):
    """Start origin, relay, relay, exit (chain_hop.py), the last first."""
    pem = write_pem(folder)
    processes, port = [], server_port
    async with AsyncExitStack() as stack:
        for place in reversed(range(HOPS)):
            listen = free_port()
            tls_in = ("--tls-in", str(pem)) if place else ()
            tls_out = ("--tls-out",) if place < HOPS - 1 else ()
            hop = python_process("chain_hop.py", str(listen), str(port), *tls_in, *tls_out)
            process, _ = await stack.enter_async_context(hop)
            processes.append(psutil.Process(process.pid))
            port = listen

        async def connect(_credentials):
            return await asyncio.open_connection("127.0.0.1", port, limit=READ)

        yield Way("bare TLS chain", connect, processes)


def write_pem(folder):
    """A certificate of the kind that the product's links show (ECDSA P-256)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "bench")])
    now = SystemClock().utc()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now.replace(year=now.year + 1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "hop.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


# -- this project ----------------------------------------------------------------------------


@asynccontextmanager
async def mesh_way(folder, server_port, *, workers=1, name="this project"):
    """Start the demo's mesh of six nodes, and wait until it has come to rest."""
    clock = SystemClock()
    laid_out = lay_out(6, folder, exit_rules=("accept 127.0.0.1:*",))
    plans = [replace(plan, workers=workers) for plan in laid_out]
    async with running_mesh(
        plans, clock=clock, entropy=OsEntropy(), on_event=lambda number, event: None
    ) as mesh:
        watch = ConvergenceWatch()
        while (place := watch.client(clock.monotonic())) is None:
            described = await mesh.describe()
            watch.see([node.get("stage", "starting") for node in described], clock.monotonic())
            await asyncio.sleep(0.2)
        proxy_port = mesh.nodes[place].plan.proxy_port
        await asyncio.sleep(REST_S)
        yield socks_way(name, proxy_port, server_port, processes_of(folder))


def socks_way(name, proxy_port, server_port, processes):
    """A way through a SOCKS5 proxy."""

    async def connect(credentials):
        code, reader, writer = await socks_connect(
            proxy_port, "127.0.0.1", server_port, credentials=credentials, limit=READ
        )
        assert code == 0, f"{name}: the proxy answered {code}"
        return reader, writer

    return Way(name, connect, processes)

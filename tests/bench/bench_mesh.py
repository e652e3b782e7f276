"""Three hops of the product beside three hops of bare TLS relays, in one run.

The mesh is the demo's: six nodes of five real processes each. The reference is four processes
(origin, relay, relay, exit) that copy bytes over TLS 1.3 (chain_hop.py). Both carry the same bytes
from the same server to the same client, in turn, and the medians are compared.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import psutil
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bench.figures import Figure, report
from masq_cli.demo.convergence import ConvergenceWatch
from masq_cli.demo.mesh import running_mesh
from masq_cli.demo.plan import lay_out
from masq_kernel.clock import SystemClock
from masq_kernel.entropy import OsEntropy
from support.nats_server import free_port
from support.processes import processes_of
from support.socks_client import socks_connect

BULK = 100_000_000
SMALL = 20_000
ROUNDS = 5
REQUESTS = 200
READ = 1 << 20


async def serve(reader, writer):
    """Answer each `size` (four bytes) with that many bytes."""
    block = bytes(1 << 18)
    try:
        while size := int.from_bytes(await reader.readexactly(4), "big"):
            while size:
                writer.write(block[:size])
                await writer.drain()
                size -= min(size, len(block))
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()


class Way:
    """A way to the server: how to connect, and which processes work for it."""

    def __init__(self, name, connect, processes):
        self.name, self._connect, self._processes = name, connect, processes
        self.rates, self.costs, self.latencies = [], [], []

    def cpu_s(self):
        return sum(sum(process.cpu_times()[:2]) for process in self._processes)

    async def measure(self):
        reader, writer = await self._connect()
        await self._fetch(reader, writer, 2_000_000)
        cpu, began = self.cpu_s(), time.perf_counter()
        await self._fetch(reader, writer, BULK)
        self.rates.append(BULK / 1e6 / (time.perf_counter() - began))
        self.costs.append((self.cpu_s() - cpu) * 1000 / (BULK / 1e6))
        for _ in range(REQUESTS // ROUNDS):
            began = time.perf_counter()
            await self._fetch(reader, writer, SMALL)
            self.latencies.append((time.perf_counter() - began) * 1000)
        writer.close()

    async def _fetch(self, reader, writer, size):
        writer.write(size.to_bytes(4, "big"))
        while size:
            data = await reader.read(min(size, READ))
            assert data, f"{self.name} ended early"
            size -= len(data)


@asynccontextmanager
async def bare_chain(folder, server_port):
    """Start origin, relay, relay, exit."""
    pem = write_pem(folder)
    ports = [free_port() for _ in range(4)]
    hops = []
    for index, port in enumerate(ports):
        following = ports[index + 1] if index < 3 else server_port
        tls = [*(("--tls-in", str(pem)) if index else ()), *(("--tls-out",) if index < 3 else ())]
        script = Path(__file__).with_name("chain_hop.py")
        hop = await asyncio.create_subprocess_exec(
            *(sys.executable, str(script), str(port), str(following), *tls),
            stdout=asyncio.subprocess.PIPE,
        )
        await hop.stdout.readline()
        hops.append(hop)
    processes = [psutil.Process(hop.pid) for hop in hops]
    try:
        yield Way(
            "chain", lambda: asyncio.open_connection("127.0.0.1", ports[0], limit=READ), processes
        )
    finally:
        for hop in hops:
            hop.kill()
            await hop.wait()


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


@asynccontextmanager
async def mesh_way(folder, server_port):
    """Start the demo's mesh and wait until it has come to rest."""
    clock = SystemClock()
    plans = lay_out(6, folder, exit_rules=("accept 127.0.0.1:*",))
    async with running_mesh(
        plans, clock=clock, entropy=OsEntropy(), on_event=lambda number, event: None
    ) as mesh:
        watch = ConvergenceWatch()
        while (place := watch.client(clock.monotonic())) is None:
            described = await mesh.describe()
            watch.see([node.get("stage", "starting") for node in described], clock.monotonic())
            await asyncio.sleep(0.2)
        proxy_port = mesh.nodes[place].plan.proxy_port

        async def connect():
            code, reader, writer = await socks_connect(
                proxy_port, "127.0.0.1", server_port, limit=READ
            )
            assert code == 0
            return reader, writer

        yield Way("mesh", connect, processes_of(folder))


async def main():
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="masq-bench-")))
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        print("starting a mesh of six nodes, and four bare relays ...", flush=True)
        mesh = await stack.enter_async_context(mesh_way(folder, port))
        chain = await stack.enter_async_context(bare_chain(folder, port))
        for number in range(ROUNDS):
            print(f"round {number + 1} of {ROUNDS}", flush=True)
            await chain.measure()
            await mesh.measure()
    report("mesh", [*figures(mesh, chain)])


def figures(mesh, chain):
    def medians(values):
        return statistics.median(getattr(mesh, values)), statistics.median(getattr(chain, values))

    ours, bare = medians("rates")
    yield Figure("download over three hops", ours, "MB/s", bare, ours / bare)
    ours, bare = medians("costs")
    yield Figure("CPU of all processes", ours, "ms/MB", bare, bare / ours)
    ours, bare = medians("latencies")
    yield Figure("request of 20 kB, p50", ours, "ms", bare, bare / ours)


if __name__ == "__main__":
    uvloop.run(main())

"""A real nats-server on a free port, with a node's permissions; for tests."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from masq_cli.nats.server import command, wait_ready, write_bus_files, write_config
from masq_kernel.bus.nats import NatsBus
from masq_kernel.bus.subjects import Service
from masq_kernel.entropy import OsEntropy

HOST = "127.0.0.1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


class NatsServer:
    """One server that a test can kill and start again with its files."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        write_bus_files(data_dir, OsEntropy())
        self.config = write_config(data_dir, host=HOST, port=self.port)
        self.process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"nats://{HOST}:{self.port}"

    def password(self, service: Service) -> str:
        return (self.data_dir / "bus" / f"{service}.password").read_text().strip()

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *command(self.config),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        await wait_ready(HOST, self.port, timeout_s=10)

    async def kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def connect(self, service: Service) -> NatsBus:
        password = self.password(service)
        return await NatsBus.connect(service, [self.url], password=password, wait_s=10)


@asynccontextmanager
async def running_server(data_dir: Path) -> AsyncIterator[NatsServer]:
    server = NatsServer(data_dir)
    await server.start()
    try:
        yield server
    finally:
        await server.kill()

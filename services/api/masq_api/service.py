"""Serve the application, and stop it in order."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import uvicorn

from masq_api.app import make_app
from masq_api.audit import AuditLog
from masq_api.auth import Guard
from masq_api.feed import EventFeed
from masq_api.node import Node
from masq_api.settings import ApiSettings
from masq_kernel.errors import OperatorError
from masq_kernel.identity.tokens import TokenStore
from masq_kernel.runtime.service import Runtime

__all__ = ["main"]

STOP_S = 3
"""How long requests under way may take when the process stops."""

CONNECTIONS_MAX = 512

_log = structlog.get_logger()


class _Server(uvicorn.Server):
    """A server that says when it listens, and leaves signals to the process."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def main(runtime: Runtime) -> None:
    """Run until the process is told to stop."""
    settings = runtime.section(ApiSettings)
    settings.check_exposure()
    guard = Guard(TokenStore(runtime.node.data_dir / "api-tokens.json"), runtime.clock)
    feed = EventFeed()
    await feed.start(runtime.bus)
    audit = AuditLog(runtime.node.data_dir / "audit.jsonl", runtime.clock)
    node = Node(runtime.bus, runtime.clock, audit)
    app = make_app(node, guard, runtime.metrics, feed)
    server = _Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            loop="none",
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=CONNECTIONS_MAX,
            timeout_graceful_shutdown=STOP_S,
            ssl_certfile=settings.tls_certificate,
            ssl_keyfile=settings.tls_key,
        )
    )
    serving = runtime.tasks.create_task(_serve(server, settings), name="serve HTTP")
    await server.listening.wait()
    runtime.health.report("http", "ok")
    port = server.servers[0].sockets[0].getsockname()[1]
    _log.info("api listens", host=settings.host, port=port)
    await runtime.stopping.wait()
    server.should_exit = True
    await serving


async def _serve(server: uvicorn.Server, settings: ApiSettings) -> None:
    try:
        await server.serve()
    except (SystemExit, OSError):  # uvicorn's way to say that it cannot listen
        problem = f"The API cannot listen at {settings.host} port {settings.port}."
        remedy = "Stop what uses that port, or set `port` in the section [api]."
        raise OperatorError(problem, remedy=remedy) from None

"""Take connections (protocol.md 3): who may come in is asked before TLS, which is the dear part.

`loop.create_server` would do the TLS handshake of anybody, as often as they like, before we heard
of the connection. So this accepts by itself.
"""

import asyncio
import socket
from collections.abc import Callable

import structlog

from masq_kernel.errors import OperatorError
from masq_router.links.certificate import ShownCertificate
from masq_router.links.link import UNPROVEN_S, Link

__all__ = ["Listener"]

BACKLOG = 256
RETRY_S = 0.5
"""Pause after the machine could not accept, for example for want of file descriptors."""

_log = structlog.get_logger()


class Listener:
    """The port that others dial.

    Args:
        admit: makes the protocol of a connection from an address, given the certificate it shows;
            None: the connection is not wanted.
        give_up: told when a connection that was admitted never got through TLS.
        tasks: one for each TLS handshake.
        shares_port: whether other processes of ours listen at the same port: each connection goes
            to one of them (SO_REUSEPORT, socket(7)).
    """

    def __init__(
        self,
        *,
        admit: Callable[[str, ShownCertificate], Link | None],
        give_up: Callable[[Link, str], None],
        tasks: asyncio.TaskGroup,
        shares_port: bool = False,
    ) -> None:
        self._shares_port = shares_port
        self._admit, self._give_up, self._tasks = admit, give_up, tasks
        self._accepting: asyncio.Task[None] | None = None
        self._certificate: ShownCertificate | None = None
        self._at = ("", 0)

    async def start(self, host: str, port: int, certificate: ShownCertificate) -> tuple[str, int]:
        """Listen; return the address and the port in use. Call again to show another certificate.

        Raises:
            OperatorError: the port is taken or not allowed.
        """
        self._certificate = certificate
        if self._accepting is None:
            self._take(_listen(host, port, shares_port=self._shares_port))
        return self._at

    def move(self, host: str, port: int, certificate: ShownCertificate) -> tuple[str, int]:
        """Listen somewhere else, and only then no more where it was.

        Raises:
            OperatorError: the port is taken or not allowed, or the address is not this machine's.
        """
        listening = _listen(host, port, shares_port=self._shares_port)
        self.stop()
        self._certificate = certificate
        self._take(listening)
        return self._at

    def _take(self, listening: socket.socket) -> None:
        self._at = listening.getsockname()[:2]
        self._accepting = self._tasks.create_task(self._accept(listening), name="accept")

    def stop(self) -> None:
        """Take no more connections; those that stand go on."""
        if self._accepting is not None:
            self._accepting.cancel()
            self._accepting = None

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with listening:
            while True:
                try:
                    connection, peer = await loop.sock_accept(listening)
                except OSError as error:
                    _log.warning("cannot accept", reason=str(error))
                    await asyncio.sleep(RETRY_S)
                    continue
                self._let_in(connection, peer[0])

    def _let_in(self, connection: socket.socket, address: str) -> None:
        assert self._certificate is not None
        link = self._admit(address, self._certificate)
        if link is None:
            connection.close()
            return
        work = self._secure(connection, link, address, self._certificate)
        self._tasks.create_task(work, name="tls")

    async def _secure(
        self, connection: socket.socket, link: Link, address: str, certificate: ShownCertificate
    ) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                lambda: link,
                connection,
                ssl=certificate.context,
                ssl_handshake_timeout=UNPROVEN_S,
                ssl_shutdown_timeout=1.0,
            )
        except OSError:  # ssl.SSLError and TimeoutError are such; the socket is closed by now
            self._give_up(link, address)


def _listen(host: str, port: int, *, shares_port: bool) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.create_server(
            address[:2], family=family, backlog=BACKLOG, reuse_port=shares_port
        )
    except OSError as error:
        problem = f"The router cannot listen at {host} port {port}: {error.strerror or error}."
        remedy = "Set `listen_host` and `listen_port` in the section [router]."
        raise OperatorError(problem, remedy=remedy) from None
    listening.setblocking(False)
    return listening

"""Take connections: TLS first, then the proof, within caps (protocol.md 3)."""

import asyncio
from collections import Counter
from collections.abc import Callable
from functools import partial

from masq_kernel.errors import OperatorError
from masq_router.links.certificate import ShownCertificate
from masq_router.links.link import UNPROVEN_S, Link

__all__ = ["PER_ADDRESS_MAX", "UNPROVEN_MAX", "Admission", "Listener"]

UNPROVEN_MAX = 256
"""Connections that have not proven themselves, of everybody together."""

PER_ADDRESS_MAX = 8
"""Connections from one IP address, proven ones included: a node needs one."""


class Admission:
    """Who may have how many connections. Pure.

    Args:
        unproven_max, per_address_max: the caps.
    """

    def __init__(
        self, *, unproven_max: int = UNPROVEN_MAX, per_address_max: int = PER_ADDRESS_MAX
    ) -> None:
        self._unproven_max, self._per_address_max = unproven_max, per_address_max
        self._by_address: Counter[str] = Counter()
        self._unproven = 0

    def enter(self, address: str) -> bool:
        """Count a new connection; False: refuse it, and do not count it."""
        if self._unproven >= self._unproven_max:
            return False
        if self._by_address[address] >= self._per_address_max:
            return False
        self._by_address[address] += 1
        self._unproven += 1
        return True

    def proven(self) -> None:
        """One of them has proven itself."""
        self._unproven -= 1

    def leave(self, address: str, *, was_proven: bool) -> None:
        """One of them is gone."""
        self._by_address[address] -= 1
        if self._by_address[address] <= 0:
            del self._by_address[address]
        if not was_proven:
            self._unproven -= 1


class Listener:
    """The port that others dial.

    Args:
        make_link: makes the protocol of one connection, given the certificate it shows.
    """

    def __init__(self, make_link: Callable[[ShownCertificate], Link]) -> None:
        self._make_link = make_link
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int, certificate: ShownCertificate) -> tuple[str, int]:
        """Listen; return the address and the port in use. Call again to show another certificate.

        Raises:
            OperatorError: the port is taken or not allowed.
        """
        self.stop()
        return await self.move(host, port, certificate)

    async def move(self, host: str, port: int, certificate: ShownCertificate) -> tuple[str, int]:
        """Listen somewhere else, and only then no more where it was.

        Raises:
            OperatorError: the port is taken or not allowed, or the address is not this machine's.
        """
        server = await self._open(host, port, certificate)
        self.stop()
        self._server = server
        address: tuple[str, int] = server.sockets[0].getsockname()[:2]
        return address

    async def _open(self, host: str, port: int, certificate: ShownCertificate) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        try:
            return await loop.create_server(
                partial(self._make_link, certificate),
                host,
                port,
                ssl=certificate.context,
                ssl_handshake_timeout=UNPROVEN_S,
                ssl_shutdown_timeout=1.0,
                backlog=256,
                reuse_address=True,
            )
        except OSError as error:
            problem = f"The router cannot listen at {host} port {port}: {error.strerror or error}."
            remedy = "Set `listen_host` and `listen_port` in the section [router]."
            raise OperatorError(problem, remedy=remedy) from None

    def stop(self) -> None:
        """Take no more connections; those that stand go on."""
        if self._server is not None:
            self._server.close()
            self._server = None

"""Open connections: each endpoint's ports in turn, within a time (protocol.md 3)."""

import asyncio
import hashlib
import socket
import ssl
from collections.abc import Callable, Sequence

from masq_kernel.errors import OperatorError
from masq_router.links.certificate import dialler_context
from masq_router.links.link import Link

__all__ = ["DIAL_S", "Dialler", "check_source", "peer_certificate_hash"]

DIAL_S = 5.0
"""For TCP and TLS on one port."""


def peer_certificate_hash(transport: asyncio.BaseTransport) -> bytes:
    """Return the SHA-256 of the certificate that the other side of a TLS connection showed."""
    tls: ssl.SSLObject = transport.get_extra_info("ssl_object")
    der = tls.getpeercert(binary_form=True)
    assert der is not None
    return hashlib.sha256(der).digest()


def check_source(address: str | None) -> None:
    """Check that our links can come from an address.

    Raises:
        OperatorError: it is not this machine's.
    """
    if address is None:
        return
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        try:
            probe.bind((address, 0))
        except OSError as error:
            problem = f"Links cannot come from {address}: {error.strerror or error}."
            remedy = "Give the machine this address first, or unset `bind_address` in [router]."
            raise OperatorError(problem, remedy=remedy) from None


class Dialler:
    """Connects to peers from our own address.

    Args:
        bind_address: the source of our connections: with several addresses, the one that others
            know us by; None: the machine chooses.
    """

    def __init__(self, bind_address: str | None) -> None:
        self._context = dialler_context()
        self.bind(bind_address)

    def bind(self, address: str | None) -> None:
        """Dial from this address of ours from now on; None: the machine chooses."""
        self._local = (address, 0) if address else None

    async def dial(
        self, address: str, ports: Sequence[int], make_link: Callable[[], Link]
    ) -> str | None:
        """Connect to the first port that answers; return why none did, or None: one does.

        The link goes on to prove itself alone; its owner hears of success and of failure.
        """
        reason = "it has no port"
        for port in ports:
            try:
                async with asyncio.timeout(DIAL_S):
                    await self._connect(address, port, make_link)
            except TimeoutError:
                reason = f"port {port} does not answer"
            except ssl.SSLError:
                reason = f"port {port} does not speak TLS 1.3"
            except OSError as error:
                reason = f"port {port}: {error.strerror or 'cannot be reached'}"
            else:
                return None
        return reason

    async def _connect(self, address: str, port: int, make_link: Callable[[], Link]) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_connection(
            make_link,
            address,
            port,
            ssl=self._context,
            server_hostname="",
            local_addr=self._local,
            ssl_handshake_timeout=DIAL_S,
            ssl_shutdown_timeout=1.0,
        )

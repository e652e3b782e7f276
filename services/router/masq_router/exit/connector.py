"""Sockets to servers: resolve, keep what the policy permits, connect to an address, not a name.

Addresses of both families are tried in turn, a quarter of a second apart, and the first that
answers is taken (Happy Eyeballs, RFC 8305), so a broken one costs a client next to nothing.
"""

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import TypeVar

from aiohappyeyeballs import AddrInfoType, start_connection

from masq_router.exit.errors import TargetRefused
from masq_router.exit.policy import ExitPolicy, IpAddress
from masq_router.exit.resolver import Resolver
from masq_router.streams.errors import ResetCode

__all__ = ["CONNECT_S", "Connector", "reset_code_of"]

P = TypeVar("P", bound=asyncio.BaseProtocol)

CONNECT_S = 10.0
"""For all addresses of a host together."""

STAGGER_S = 0.25
"""Until the next address is tried beside those that have not answered (RFC 8305 section 5)."""

_CODES = {
    errno.ECONNREFUSED: ResetCode.CONNECTION_REFUSED,
    errno.ENETUNREACH: ResetCode.NETWORK_UNREACHABLE,
    errno.EADDRNOTAVAIL: ResetCode.NETWORK_UNREACHABLE,
    errno.EAFNOSUPPORT: ResetCode.NETWORK_UNREACHABLE,
    errno.EHOSTUNREACH: ResetCode.HOST_UNREACHABLE,
    errno.EHOSTDOWN: ResetCode.HOST_UNREACHABLE,
    errno.ETIMEDOUT: ResetCode.TIMED_OUT,
    errno.EMFILE: ResetCode.OVERLOAD,
    errno.ENFILE: ResetCode.OVERLOAD,
    errno.ENOBUFS: ResetCode.OVERLOAD,
}


def reset_code_of(error: OSError) -> ResetCode:
    """Return what the originator is told of a failed connect. Pure.

    Addresses that failed for different reasons leave no number behind: the host cannot be reached.
    """
    if error.errno is None:
        return ResetCode.HOST_UNREACHABLE
    return _CODES.get(error.errno, ResetCode.GENERAL)


class Connector:
    """Connects.

    Args:
        policy: which addresses and ports.
        resolver: finds addresses.
        timeout_s: for all addresses of a host together.
    """

    def __init__(
        self, policy: ExitPolicy, resolver: Resolver, *, timeout_s: float = CONNECT_S
    ) -> None:
        self.policy, self._resolver, self._timeout_s = policy, resolver, timeout_s

    async def connect(
        self, host: str, port: int, make_protocol: Callable[[], P]
    ) -> tuple[asyncio.Transport, P]:
        """Return a standing connection.

        Raises:
            TargetRefused: with the reason that all its addresses share, if they share one.
        """
        targets = [_info(address, port) for address in await self.targets(host, port)]
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout_s):
                connection = await start_connection(
                    targets, happy_eyeballs_delay=STAGGER_S, interleave=1
                )
                return await loop.create_connection(make_protocol, sock=connection)
        except TimeoutError:
            raise TargetRefused(ResetCode.TIMED_OUT) from None
        except OSError as error:
            raise TargetRefused(reset_code_of(error)) from None
        except RuntimeError:  # uvloop, of a socket that it already knows
            raise TargetRefused(ResetCode.GENERAL) from None

    async def targets(self, host: str, port: int) -> list[IpAddress]:
        """Return the addresses of a host that the policy permits, the preferred first.

        Raises:
            TargetRefused: there are none.
        """
        addresses = await self._resolver.resolve(host)
        permitted = [each for each in addresses if self.policy.permits(each, port)]
        if not permitted:
            raise TargetRefused(ResetCode.REFUSED_BY_POLICY)
        return permitted


def _info(address: IpAddress, port: int) -> AddrInfoType:
    """Return an address as getaddrinfo would."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    at = (str(address), port) if address.version == 4 else (str(address), port, 0, 0)
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", at

"""Sockets to servers: resolve, keep what the policy permits, connect to an address, not a name."""

import asyncio
import errno
from collections.abc import Callable, Sequence
from itertools import chain, zip_longest
from typing import TypeVar

from masq_router.exit.errors import TargetRefused
from masq_router.exit.policy import ExitPolicy, IpAddress
from masq_router.exit.resolver import Resolver
from masq_router.streams.errors import ResetCode

__all__ = ["CONNECT_S", "Connector", "reset_code_of"]

P = TypeVar("P", bound=asyncio.Protocol)

CONNECT_S = 10.0
"""For all addresses of a host together."""

ADDRESS_S = 4.0
"""For one address while there are others to try."""

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
    """Return what the originator is told of a failed connect. Pure."""
    return _CODES.get(error.errno or 0, ResetCode.GENERAL)


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
            TargetRefused: with the reason of the last address that was tried.
        """
        addresses = await self._resolver.resolve(host)
        permitted = [each for each in addresses if self.policy.permits(each, port)]
        if not permitted:
            raise TargetRefused(ResetCode.REFUSED_BY_POLICY)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._try_each(_alternate(permitted), port, make_protocol)
        except TimeoutError:
            raise TargetRefused(ResetCode.TIMED_OUT) from None

    async def _try_each(
        self, addresses: Sequence[IpAddress], port: int, make_protocol: Callable[[], P]
    ) -> tuple[asyncio.Transport, P]:
        loop = asyncio.get_running_loop()
        code = ResetCode.GENERAL
        for index, address in enumerate(addresses):
            is_last = index == len(addresses) - 1
            try:
                async with asyncio.timeout(None if is_last else ADDRESS_S):
                    return await loop.create_connection(make_protocol, str(address), port)
            except TimeoutError:
                code = ResetCode.TIMED_OUT
                if is_last:
                    raise
            except OSError as error:
                code = reset_code_of(error)
        raise TargetRefused(code)


def _alternate(addresses: Sequence[IpAddress]) -> list[IpAddress]:
    """Return both families in turn, so that a broken one costs one attempt (RFC 8305 section 4)."""
    first = [each for each in addresses if each.version == addresses[0].version]
    second = [each for each in addresses if each.version != addresses[0].version]
    pairs = chain.from_iterable(zip_longest(first, second))
    return [each for each in pairs if each is not None]

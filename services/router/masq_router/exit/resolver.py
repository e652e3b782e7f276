"""Names to addresses, at the exit, with a time-out and a bound."""

import asyncio
import ipaddress
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from masq_router.exit.errors import TargetRefused
from masq_router.exit.policy import IpAddress
from masq_router.streams.errors import ResetCode

__all__ = ["LOOKUPS_MAX", "LOOKUP_S", "Resolver", "is_special"]

LOOKUP_S = 5.0
LOOKUPS_MAX = 32
"""Lookups under way at once, a thread each; more wait within their time."""

ADDRESSES_MAX = 16
"""Of one name; a name with more is served by the first."""

_SPECIAL = frozenset(
    {"alt", "arpa", "example", "home", "internal", "invalid", "lan", "local", "localhost",
     "onion", "test"}
)  # fmt: skip
"""Top-level names that no public resolver answers (RFC 6761, 6762, 7686, 9476)."""


def is_special(host: str) -> bool:
    """Whether a name has no address in the public DNS, whatever a resolver may say. Pure.

    A name without a dot would be completed with this machine's own search list.
    """
    name = host.lower().rstrip(".")
    return "." not in name or name.rpartition(".")[2] in _SPECIAL


class Resolver:
    """Asks the machine's resolver.

    Args:
        timeout_s: for one name.
        lookups_max: names at once.
    """

    def __init__(self, *, timeout_s: float = LOOKUP_S, lookups_max: int = LOOKUPS_MAX) -> None:
        self._timeout_s = timeout_s
        # Threads of our own: the loop has four, and a few dead name servers would hold them all.
        self._threads = ThreadPoolExecutor(lookups_max, thread_name_prefix="lookup")

    async def resolve(self, host: str) -> tuple[IpAddress, ...]:
        """Return a host's addresses, in the machine's order of preference; literals as they are.

        Raises:
            TargetRefused: no address, or no answer in time.
        """
        try:
            return (ipaddress.ip_address(host),)
        except ValueError:
            pass
        if is_special(host):
            raise TargetRefused(ResetCode.NAME_NOT_RESOLVED)
        return await self._look_up(host)

    async def _look_up(self, host: str) -> tuple[IpAddress, ...]:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout_s):
                found = await loop.run_in_executor(self._threads, _getaddrinfo, host)
        except TimeoutError:
            raise TargetRefused(ResetCode.TIMED_OUT) from None
        except (OSError, ValueError):  # a NUL, a label too long, an empty one
            raise TargetRefused(ResetCode.NAME_NOT_RESOLVED) from None
        addresses = dict.fromkeys(ipaddress.ip_address(str(each[4][0])) for each in found)
        if not addresses:
            raise TargetRefused(ResetCode.NAME_NOT_RESOLVED)
        return tuple(addresses)[:ADDRESSES_MAX]


def _getaddrinfo(host: str) -> list[tuple[Any, ...]]:
    return [*socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]

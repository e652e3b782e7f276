"""Names to addresses, at the exit: with a time-out, a bound, and a short memory."""

import asyncio
import ipaddress
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from masq_kernel.clock import Clock, SystemClock
from masq_router.exit.errors import TargetRefused
from masq_router.exit.name_cache import Answer, NameCache
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
        clock: for how long answers are good.
    """

    def __init__(
        self,
        *,
        timeout_s: float = LOOKUP_S,
        lookups_max: int = LOOKUPS_MAX,
        clock: Clock | None = None,
    ) -> None:
        self._timeout_s = timeout_s
        self._clock = clock or SystemClock()
        self._known = NameCache()
        self._asking: dict[str, asyncio.Future[Answer]] = {}
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
        known = self._known.get(host, self._clock.monotonic())
        if isinstance(known, ResetCode):
            raise TargetRefused(known)
        return known if known is not None else await self._ask(host)

    async def _ask(self, host: str) -> tuple[IpAddress, ...]:
        """Look a name up, once for all who ask meanwhile; one who gives up stops nobody else."""
        asking = self._asking.get(host)
        if asking is None:
            loop = asyncio.get_running_loop()
            asking = loop.run_in_executor(self._threads, _addresses, host)
            self._asking[host] = asking
            asking.add_done_callback(lambda done: self._remember(host, done))
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await asyncio.shield(asking)
        except TimeoutError:
            raise TargetRefused(ResetCode.TIMED_OUT) from None
        if isinstance(answer, ResetCode):
            raise TargetRefused(answer)
        return answer

    def _remember(self, host: str, done: "asyncio.Future[Answer]") -> None:
        del self._asking[host]
        if not done.cancelled():
            self._known.put(host, done.result(), self._clock.monotonic())


def _addresses(host: str) -> Answer:
    """Ask the machine's resolver; runs in a thread."""
    try:
        found = _getaddrinfo(host)
    except (OSError, ValueError):  # a NUL, a label too long, an empty one
        return ResetCode.NAME_NOT_RESOLVED
    addresses = dict.fromkeys(ipaddress.ip_address(str(each[4][0])) for each in found)
    return tuple(addresses)[:ADDRESSES_MAX] or ResetCode.NAME_NOT_RESOLVED


def _getaddrinfo(host: str) -> list[tuple[Any, ...]]:
    return [*socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]

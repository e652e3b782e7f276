"""Moves packages from an association onto a link, as fast as the link takes them and no faster."""

import asyncio
from collections.abc import Callable, Hashable

from masq_router.egress import Egress, Package
from masq_router.streams.association import Association

__all__ = ["Pump"]

PACKAGES_PER_TURN = 32
"""1 MiB: then others have a turn of the event loop."""


class Pump:
    """One association's way out.

    Args:
        association: where packages come from.
        egress: where they go.
        key: the session, by which the egress tells its queues apart.
        tag: the session's name on that link.
        seal: adds the layers, and counts.
    """

    def __init__(
        self,
        *,
        association: Association,
        egress: Egress,
        key: Hashable,
        tag: bytes,
        seal: Callable[[bytes], bytes],
    ) -> None:
        self._association, self._egress = association, egress
        self._key, self._tag, self._seal = key, tag, seal
        self._loop = asyncio.get_running_loop()
        self._is_due = False
        self._is_stopped = False

    def wake(self) -> None:
        """There may be something to send: later in this turn, so that small writes share one."""
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._run)

    def stop(self) -> None:
        """Send nothing any more."""
        self._is_stopped = True

    def flush(self) -> None:
        """Send now, not later in this turn."""
        self._send()

    def _run(self) -> None:
        self._is_due = False
        self._send()

    def _send(self) -> None:
        for _ in range(PACKAGES_PER_TURN):
            if not self._egress.is_clear:
                self._egress.when_clear(self._key, self._next)
                return
            package = self._next()
            if package is None:
                return
            self._egress.send(self._key, *package)
        self.wake()

    def _next(self) -> Package | None:
        if self._is_stopped or not self._association.wants_to_send:
            return None
        package = self._association.next_package()
        return None if package is None else (self._tag, self._seal(package))

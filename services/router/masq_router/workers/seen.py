"""SETUPs that several processes of a node were given: none may serve twice. Pure.

Each process tells the others what it has taken, after it has taken it: to ask first would cost
every route a message there and back. So two that are given the same SETUP within that moment both
take it, and both end it when they hear of each other: a replay gains a few milliseconds.
"""

from collections import deque
from typing import Generic, TypeVar

from masq_kernel.units import Seconds

__all__ = ["DOUBT_S", "JustTaken"]

DOUBT_S = 10.0
"""How long after we took a SETUP another process's word that it has it too ends it here."""


P = TypeVar("P")


class JustTaken(Generic[P]):
    """Where the session of each SETUP is found that was taken a moment ago."""

    def __init__(self) -> None:
        self._places: dict[bytes, P] = {}
        self._order: deque[tuple[Seconds, bytes]] = deque()

    def add(self, slot_hash: bytes, place: P, now: Seconds) -> None:
        """Note one."""
        self._forget(now)
        self._places[slot_hash] = place
        self._order.append((now, slot_hash))

    def doubted(self, slot_hash: bytes, now: Seconds) -> P | None:
        """Another process has taken this one too: return its place here, once."""
        self._forget(now)
        return self._places.pop(slot_hash, None)

    def _forget(self, now: Seconds) -> None:
        while self._order and now - self._order[0][0] >= DOUBT_S:
            self._places.pop(self._order.popleft()[1], None)

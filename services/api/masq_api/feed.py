"""The last events of the node, numbered, for everybody who wants to follow them.

One reader for all clients: the bus is asked once, and a client that is slow or away costs nothing
but its place, a number. Numbers are the journal's, the same at every replica of the API.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Container
from dataclasses import dataclass
from typing import Any

import msgspec

from masq_api.views.values import moment
from masq_kernel.bus import subjects
from masq_kernel.bus.messages.base import BusMessage
from masq_kernel.bus.port import Bus, Noted
from masq_kernel.identity.keys import NodeId, WalletAddress

__all__ = ["FOLLOWERS_MAX", "KEPT_MAX", "KINDS", "EventFeed", "FedEvent", "FeedFull"]

KEPT_MAX = 5_000
FOLLOWERS_MAX = 200
"""Clients that follow at once; each holds a connection."""

KINDS = tuple(event.name.rpartition(".")[2] for event in subjects.EVENTS.events)


class FeedFull(Exception):  # noqa: N818 - states a fact
    """As many follow already as may."""


@dataclass(frozen=True, slots=True)
class FedEvent:
    """One event.

    Args:
        place: its number; later ones are larger.
        kind: one of KINDS.
        data: for JSON.
    """

    place: int
    kind: str
    data: dict[str, Any]

    @property
    def text(self) -> str:
        """It as a server-sent event (WHATWG HTML, section 9.2)."""
        data = msgspec.json.encode(self.data).decode()
        return f"id: {self.place}\nevent: {self.kind}\ndata: {data}\n\n"


class EventFeed:
    """Keeps the last events and wakes whoever waits for more."""

    def __init__(self) -> None:
        self._kept: deque[FedEvent] = deque(maxlen=KEPT_MAX)
        self._more = asyncio.Event()
        self.followers = 0

    async def start(self, bus: Bus) -> None:
        """Read the journal from now on."""
        await bus.read(subjects.EVENTS, self._take)

    async def _take(self, noted: Noted) -> None:
        if self._kept and noted.place <= self._kept[-1].place:
            self._kept.clear()  # the server has lost its files and counts anew
        kind = noted.event.name.rpartition(".")[2]
        data = {"at": moment(noted.at).isoformat(), **_plain(noted.message)}
        self._kept.append(FedEvent(noted.place, kind, data))
        self._more.set()
        self._more = asyncio.Event()

    def since(self, place: int, kinds: Container[str], limit: int) -> list[FedEvent]:
        """Return events after a place, oldest first; all that are kept if the place is unknown."""
        if not self._kept or place > self._kept[-1].place:
            place = 0
        found = []
        for event in self._kept:
            if event.place > place and event.kind in kinds:
                found.append(event)
                if len(found) == limit:
                    break
        return found

    @property
    def last(self) -> int:
        """The place of the newest event; 0: there is none."""
        return self._kept[-1].place if self._kept else 0

    async def follow(
        self, place: int, kinds: Container[str], *, idle_s: float
    ) -> AsyncIterator[FedEvent | None]:
        """Yield events after a place, for ever; None whenever there was none for a while.

        Raises:
            FeedFull: too many follow.
        """
        if self.followers >= FOLLOWERS_MAX:
            raise FeedFull
        self.followers += 1
        try:
            while True:
                more = self._more  # before looking, so that nothing falls in between
                for event in self.since(place, kinds, KEPT_MAX):
                    yield event
                place = self.last
                try:
                    async with asyncio.timeout(idle_s):
                        await more.wait()
                except TimeoutError:
                    yield None
        finally:
            self.followers -= 1


def _plain(message: BusMessage) -> dict[str, Any]:
    """Return a message as JSON shows it everywhere else in this API."""
    return {
        field.name: _value(field.name, getattr(message, field.name))
        for field in msgspec.structs.fields(message)
    }


def _value(name: str, value: Any) -> Any:
    if isinstance(value, NodeId | WalletAddress):
        return value.text
    if isinstance(value, BusMessage):
        return _plain(value)
    if isinstance(value, int) and (name == "at" or name.endswith("_at")):
        return moment(value).isoformat()
    return value

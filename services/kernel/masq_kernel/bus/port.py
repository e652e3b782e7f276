"""What a service can do on the bus. Implementations: MemoryBus (tests), NatsBus (real life)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from masq_kernel.bus.messages.base import BusMessage
from masq_kernel.bus.subjects import Event, Journal, Request, Retained, Stream

__all__ = ["REQUEST_TIMEOUT_S", "Bus", "Kept", "Noted"]

M = TypeVar("M", bound=BusMessage)
R = TypeVar("R", bound=BusMessage)

REQUEST_TIMEOUT_S = 3.0
"""Long enough for a signature batch on a busy machine, short enough for a waiting browser."""


@dataclass(frozen=True, slots=True)
class Kept(Generic[M]):
    """What a bucket holds, or what has changed in it.

    Args:
        messages: by key; None: that key is not kept any more.
        is_whole: this is all there is, so what was known before and is missing here is gone.
    """

    messages: dict[str, M | None]
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Noted:
    """One event of the journal.

    Args:
        place: its number there; later ones are larger.
        at: when it was told, unix seconds.
        event: which kind.
        message: what was told.
    """

    place: int
    at: int
    event: Event[BusMessage]
    message: BusMessage


class Bus(Protocol):
    """A connection of one service to the bus. Handlers may see an event or stream message twice."""

    @property
    def is_connected(self) -> bool:
        """Whether messages reach the bus now."""
        ...

    async def publish(self, event: Event[M], message: M) -> None:
        """Tell all that listen; while disconnected the message is dropped and counted."""
        ...

    async def listen(self, event: Event[M], handler: Callable[[M], Awaitable[None]]) -> None:
        """Call `handler` for each message, one at a time, in the order of arrival."""
        ...

    async def request(
        self, request: Request[M, R], message: M, *, timeout_s: float = REQUEST_TIMEOUT_S
    ) -> R:
        """Ask and wait.

        Raises:
            BusRefused: the server answered with a code.
            BusTimeout: no answer in time.
            BusUnavailable: not connected, or nobody serves this.
        """
        ...

    async def serve(self, request: Request[M, R], handler: Callable[[M], Awaitable[R]]) -> None:
        """Answer each question, several at a time; a BusRefused raised inside is the answer.

        Any other exception is logged with its traceback, counted, and answered INTERNAL.
        Replicas of a service share the questions (queue group named after the service).
        """
        ...

    async def append(self, stream: Stream[M], message: M, *, message_id: str) -> None:
        """Add to a durable stream and wait until it is stored; a known `message_id` adds nothing.

        Raises:
            BusUnavailable: not stored; append again with the same id.
        """
        ...

    async def consume(self, stream: Stream[M], handler: Callable[[M], Awaitable[None]]) -> None:
        """Call `handler` for each message in order; done when it returns, told again if it raises.

        The stream is created if it is missing. Only its reader calls this.
        """
        ...

    async def keep(self, retained: Retained[M], key: str, message: M | None) -> None:
        """Keep this as the newest message of a key; None: keep nothing for it. Only its keeper.

        Raises:
            BusUnavailable: not stored; `follow` tells what is.
        """
        ...

    async def follow(
        self, retained: Retained[M], handler: Callable[[Kept[M]], Awaitable[None]]
    ) -> None:
        """Call `handler` with all that is kept, then with each change.

        Whenever changes may have been missed, it is called with all that is kept again. While the
        bucket does not exist, it waits; its keeper makes it by following it.
        """
        ...

    async def read(self, journal: Journal, handler: Callable[[Noted], Awaitable[None]]) -> None:
        """Call `handler` with all events that are kept, oldest first, then with each that comes.

        An interruption loses nothing that is kept. Only its reader calls this.
        """
        ...

    async def close(self) -> None:
        """Finish what is being handled, flush, and disconnect."""
        ...

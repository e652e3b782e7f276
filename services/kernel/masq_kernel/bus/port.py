"""What a service can do on the bus. Implementations: MemoryBus (tests), NatsBus (real life)."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from masq_kernel.bus.messages.base import BusMessage
from masq_kernel.bus.subjects import Event, Request, Stream

__all__ = ["REQUEST_TIMEOUT_S", "Bus"]

M = TypeVar("M", bound=BusMessage)
R = TypeVar("R", bound=BusMessage)

REQUEST_TIMEOUT_S = 3.0
"""Long enough for a signature batch on a busy machine, short enough for a waiting browser."""


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

    async def close(self) -> None:
        """Finish what is being handled, flush, and disconnect."""
        ...

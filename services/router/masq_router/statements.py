"""Questions and answers between accountants, carried by their routers (accounting.md 5).

debtor:    accountant -> Inquirer -> a route that ends at the creditor
creditor:  the end of that route -> Desk -> accountant, and the answer back
"""

import asyncio

from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, BusTimeout, BusUnavailable, Refusal
from masq_kernel.bus.messages.evidence import StatementRequested
from masq_kernel.bus.messages.gossip import RouteRequested
from masq_kernel.bus.messages.router import AskCreditor, CreditorAnswered
from masq_kernel.bus.port import Bus
from masq_kernel.clock import Clock
from masq_router.links.pace import TokenBucket
from masq_router.origin.errors import CannotServe
from masq_router.origin.side import OriginSide
from masq_router.streams.questions import QUESTION_SIZE_MAX
from masq_router.wire.frames import TeardownReason

__all__ = ["Desk", "Inquirer", "serve_inquiries"]

ANSWER_S = 10.0
"""For a new route and the answer of another node's accountant."""

RATE, BURST = 20.0, 100.0
"""Questions per second from everybody together: each costs our accountant two signatures."""


class Desk:
    """Puts debtors' questions to our accountant.

    Args:
        bus: to it.
        clock: for the rate.
    """

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus, self._clock = bus, clock
        self._rate = TokenBucket(rate=RATE, burst=BURST, now=clock.monotonic())

    async def ask(self, question: bytes) -> bytes:
        """Return the answer; empty: there is none, whatever the reason."""
        if not self._rate.take(self._clock.monotonic()):
            return b""
        try:
            given = await self._bus.request(
                subjects.STATEMENT, StatementRequested(question=question)
            )
        except (BusRefused, BusTimeout, BusUnavailable):
            return b""
        return given.statement[:QUESTION_SIZE_MAX]


class Inquirer:
    """Asks creditors for our accountant.

    Args:
        origin: makes routes.
    """

    def __init__(self, origin: OriginSide) -> None:
        self._origin = origin

    async def on_ask(self, message: AskCreditor) -> CreditorAnswered:
        """Carry a question and bring the answer."""
        if len(message.question) > QUESTION_SIZE_MAX:
            raise BusRefused(Refusal.INVALID, "a question is too long")
        try:
            async with asyncio.timeout(ANSWER_S):
                answer = await self._ask(message)
        except TimeoutError:
            raise BusRefused(Refusal.NO_ROUTE, "it did not answer in time") from None
        except CannotServe as problem:
            raise BusRefused(Refusal.NO_ROUTE, problem.reason) from None
        if not answer:
            raise BusRefused(Refusal.NOT_FOUND, "it gives no statement")
        return CreditorAnswered(answer=answer)

    async def _ask(self, message: AskCreditor) -> bytes:
        circuit = await self._origin.build(RouteRequested(exit=message.node_id, resumes=True))
        try:
            return await circuit.ask(message.question)
        finally:
            circuit.end(TeardownReason.CLOSED)


async def serve_inquiries(bus: Bus, inquirer: Inquirer) -> None:
    """Answer the accountant."""
    await bus.serve(subjects.ASK_CREDITOR, inquirer.on_ask)

"""End tasks for good."""

import asyncio
from collections.abc import Iterable
from typing import Any

__all__ = ["end_all"]

CANCEL_AGAIN_S = 0.25


async def end_all(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Cancel tasks until they have ended.

    Once is not enough: nats-py waits by `asyncio.wait_for`, which in Python 3.11 forgets a
    cancellation that comes together with a message; then a service never stops.
    """
    waiting = set(tasks)
    while pending := {task for task in waiting if not task.done()}:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=CANCEL_AGAIN_S)

"""Finish what must not be left half done, also when its time is up."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["unbroken"]

T = TypeVar("T")


async def unbroken(work: Coroutine[Any, Any, T], *, name: str) -> T:
    """Return what work returns; a cancellation reaches the caller only once it has ended.

    Where a database commits and memory follows, a cancellation in between would part the two.
    """
    # Not a TaskGroup, which would cancel it.
    task = asyncio.get_running_loop().create_task(work, name=name)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise

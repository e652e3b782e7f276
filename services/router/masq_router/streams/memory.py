"""What the streams of one side of a node, originating or exit, may hold in memory. Pure.

Windows grow from a budget, and take nothing from others; what they and the sockets' unsent bytes
come to is bounded too: who holds most goes first, until the rest fits.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeVar

from masq_router.streams.windows import WINDOW_MAX

__all__ = ["HELD_MAX", "StreamMemory", "WindowBudget", "heaviest"]

HELD_MAX = 512 << 20
"""Bytes: 64 full windows, or 2,048 of the smallest."""

_Holder = TypeVar("_Holder")


class WindowBudget:
    """What many streams may be allowed together beyond the smallest window each.

    Args:
        size: bytes; with nothing left windows stay as they are, until others give back.
    """

    def __init__(self, size: int = HELD_MAX // 2) -> None:
        self._size = self.left = size

    @property
    def used(self) -> int:
        """Bytes that windows have grown by."""
        return self._size - self.left

    def take(self, size: int) -> bool:
        """Take so many bytes; False: there are not enough, and none were taken."""
        if size > self.left:
            return False
        self.left -= size
        return True

    def give_back(self, size: int) -> None:
        """Return what was taken."""
        self.left += size


class StreamMemory:
    """The limits of one side.

    Args:
        held_max: bytes that all streams may hold, sent and received.
        window_max: of one stream; half of `held_max` is what all windows may grow by.
    """

    def __init__(self, *, held_max: int = HELD_MAX, window_max: int = WINDOW_MAX) -> None:
        self.held_max, self.window_max = held_max, window_max
        self.budget = WindowBudget(held_max // 2)


def heaviest(
    holders: Iterable[_Holder],
    *,
    held: Callable[[_Holder], int],
    whose: Callable[[_Holder], Hashable],
    held_max: int,
) -> Iterator[_Holder]:
    """Yield whoever must go until the rest holds no more than allowed.

    Always the heaviest of those whose holders together are the heaviest: nobody escapes by having
    many small ones.

    Args:
        holders: who holds something.
        held: bytes that one of them holds.
        whose: on whose behalf.
        held_max: bytes that may stay.
    """
    groups: defaultdict[Hashable, list[tuple[int, _Holder]]] = defaultdict(list)
    for holder in holders:
        groups[whose(holder)].append((held(holder), holder))
    totals = {owner: sum(size for size, _ in group) for owner, group in groups.items()}
    excess = sum(totals.values()) - held_max
    if excess <= 0:
        return
    for group in groups.values():
        group.sort(key=lambda each: each[0])
    while excess > 0:
        owner = max(totals, key=lambda each: totals[each])
        size, holder = groups[owner].pop()
        totals[owner] -= size
        excess -= size
        yield holder

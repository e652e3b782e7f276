"""The virtual clock of a simulation and what is due on it. Pure."""

import heapq
from collections.abc import Callable

__all__ = ["Timeline"]

POLL_S = 0.05
"""Virtual seconds between two looks at a condition."""


class Timeline:
    """Actions in the order of their times; equal times in the order they were asked for."""

    def __init__(self) -> None:
        self.time = 0.0
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._sequence = 0

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something so many seconds from now."""
        self._sequence += 1
        heapq.heappush(self._queue, (self.time + seconds, self._sequence, action))

    def run(self, seconds: float) -> None:
        """Let time pass and do what falls due."""
        end = self.time + seconds
        while self._queue and self._queue[0][0] <= end:
            self.time, _, action = heapq.heappop(self._queue)
            action()
        self.time = end

    def wait_for(self, condition: Callable[[], bool], limit_s: float) -> float | None:
        """Let time pass until the condition holds; return when. None: not within the limit."""
        end = self.time + limit_s
        while not condition():
            if self.time > end:
                return None
            self.run(POLL_S)
        return self.time

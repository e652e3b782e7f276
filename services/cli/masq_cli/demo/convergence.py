"""When a mesh has come to rest, and which of its nodes a client can use. Pure."""

from collections.abc import Sequence

__all__ = ["QUIET_S", "ConvergenceWatch"]

QUIET_S = 1.5
"""Gossip moves a stage within a few tenths of a second of its cause; nothing for this long means
that all introductions have been made."""

_ROUTABLE = "routable"
_IN_THE_MESH = frozenset({"connected", _ROUTABLE})


class ConvergenceWatch:
    """Looks at the stages of all nodes again and again."""

    def __init__(self) -> None:
        self._stages: tuple[str, ...] = ()
        self._changed_at = 0.0

    def see(self, stages: Sequence[str], now: float) -> list[int]:
        """Take note of the stages; return the places of those that changed.

        Args:
            stages: of each node, always in the same order.
            now: monotonic seconds.
        """
        before = self._stages or ("",) * len(stages)
        changed = [
            place for place, (old, new) in enumerate(zip(before, stages, strict=True)) if old != new
        ]
        if changed:
            self._changed_at = now
        self._stages = tuple(stages)
        return changed

    def client(self, now: float) -> int | None:
        """Return the place of a node with routes once the mesh is at rest, else None."""
        is_whole = bool(self._stages) and all(stage in _IN_THE_MESH for stage in self._stages)
        if not is_whole or now - self._changed_at < QUIET_S or _ROUTABLE not in self._stages:
            return None
        # The last: the first node is everybody's neighbor, so it is the least private choice.
        return len(self._stages) - 1 - self._stages[::-1].index(_ROUTABLE)

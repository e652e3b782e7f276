"""The way that the client's traffic took, there and back. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Route"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Both ways of one circuit, by NodeId.

    Args:
        over: from the client's node, which is left out, to the exit.
        back: the relays from the exit to the client's node; both are left out.
    """

    over: tuple[str, ...]
    back: tuple[str, ...]

    @classmethod
    def of(cls, sessions: Sequence[Mapping[str, Any]]) -> "Route | None":
        """Find it in the client's `/v1/sessions`; None: there is none."""
        hops: dict[str, tuple[str, ...]] = {}
        for session in sessions:
            if session.get("role") == "origin":  # the first circuit's; renewed ones come behind
                way = tuple(map(str, session.get("hops", ())))
                hops.setdefault(str(session.get("direction")), way)
        if not hops.get("over"):
            return None
        return cls(over=hops["over"], back=hops.get("back", ()))

    def ways(self, client: str) -> Iterator[tuple[str, list[str], list[str]]]:
        """Give each direction with its hops, and with all nodes in the order of travel."""
        yield "over", list(self.over), [client, *self.over]
        yield "back", list(self.back), [self.over[-1], *self.back, client]

    def role(self, node_id: str) -> str:
        """Say what a node was on this route."""
        if node_id == self.over[-1]:
            return "exit"
        if node_id in self.over:
            return "relay, both" if node_id in self.back else "relay, over"
        return "relay, back" if node_id in self.back else "other route"

    def place(self, node_id: str) -> int:
        """Say where a node comes in the order of travel; last, if it is not on this route."""
        travelled = self.over + self.back
        return travelled.index(node_id) if node_id in travelled else len(travelled)

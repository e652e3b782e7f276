"""What happens to messages on their way. Pure.

A link keeps the order of its messages, as TCP does; `reorder` breaks that for some of them, as a
bus may that repeats an event late. Nodes of different islands cannot reach each other.
"""

from collections.abc import Callable
from dataclasses import dataclass

from masq_gossip.simulation.timeline import Timeline
from masq_kernel.entropy import Entropy
from masq_kernel.identity.keys import NodeId

__all__ = ["Conditions", "Network"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """How good the network is.

    Args:
        delay_s: mean one-way delay of a link; each message takes half to one and a half of it.
        loss, duplicates, reorder: chance of each for one message, 0 to 1.
        link_timeout_s: after how long the end of a dead node's link is noticed.
    """

    delay_s: float = 0.02
    loss: float = 0.0
    duplicates: float = 0.0
    reorder: float = 0.0
    link_timeout_s: float = 1.0


class Network:
    """Carries messages between nodes under changing conditions."""

    def __init__(self, timeline: Timeline, entropy: Entropy, conditions: Conditions) -> None:
        self._timeline, self._entropy, self.conditions = timeline, entropy, conditions
        self._islands: dict[NodeId, int] = {}
        self._busy_until: dict[tuple[NodeId, NodeId], float] = {}

    def part(self, islands: dict[NodeId, int]) -> None:
        """Part the network; an empty dictionary joins it again."""
        self._islands = islands

    def can_reach(self, one: NodeId, other: NodeId) -> bool:
        """Say whether no partition lies between two nodes."""
        return self._islands.get(one) == self._islands.get(other)

    def delay(self) -> float:
        """Return how long the next message takes."""
        return self.conditions.delay_s * (0.5 + self._entropy.fraction())

    def carry(self, one: NodeId, other: NodeId, arrive: Callable[[], None]) -> None:
        """Take a message from one node to another, or lose it, or tell it twice."""
        conditions, entropy = self.conditions, self._entropy
        if conditions.loss and entropy.fraction() < conditions.loss:
            return
        is_late = conditions.reorder and entropy.fraction() < conditions.reorder
        if is_late:
            self._timeline.later(self.delay() + 4 * conditions.delay_s, arrive)
        else:
            self.in_order(one, other, arrive)
        if conditions.duplicates and entropy.fraction() < conditions.duplicates:
            self.in_order(one, other, arrive)

    def in_order(self, one: NodeId, other: NodeId, action: Callable[[], None]) -> None:
        """Do something when all that was sent before from one node to another has arrived."""
        key, time = (one, other), self._timeline.time
        at = max(self._busy_until.get(key, 0.0), time + self.delay())
        self._busy_until[key] = at
        self._timeline.later(at - time, action)

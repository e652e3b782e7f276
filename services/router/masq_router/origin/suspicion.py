"""Which nodes a new route should go round, after those before it were lost. Pure.

A lost route does not say which of its nodes is at fault. So all of them are avoided where the
neighborhood is rich enough; where it is not, those that were on the most lost routes, then halves
of them, then single ones: the next loss tells the guilty half from the innocent one.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from masq_kernel.identity.keys import NodeId

__all__ = ["WISHES_MAX", "Suspicion"]

WISHES_MAX = 10
"""Routes that gossip is asked for in one attempt, one or two milliseconds each."""


class Suspicion:
    """What speaks against the nodes of lost routes.

    Args:
        spared: the exit; the streams need it, so it is never avoided.
    """

    def __init__(self, spared: NodeId) -> None:
        self._spared = spared
        self._counts: Counter[NodeId] = Counter()

    def add(self, nodes: Iterable[NodeId]) -> None:
        """These nodes may have cost us a route."""
        self._counts.update(set(nodes) - {self._spared})

    def still_suspect(self, innocent: Iterable[NodeId]) -> tuple[NodeId, ...]:
        """Return those that speak most against, now that a route of these nodes has served."""
        left = Counter({each: self._counts[each] for each in self._counts.keys() - set(innocent)})
        most = max(left.values(), default=0)
        return tuple(each for each, count in left.items() if count == most)

    def avoidances(self) -> list[tuple[NodeId, ...]]:
        """Return what to avoid, the most first; the last is nothing at all."""
        ranked = [node_id for node_id, _ in self._counts.most_common()]
        worst = [each for each in ranked if self._counts[each] == self._counts[ranked[0]]]
        wishes = [ranked, worst, *_parts(worst, -(-len(worst) // 2)), *_parts(worst, 1)]
        distinct = dict.fromkeys(tuple(wish) for wish in wishes if wish)
        return [*list(distinct)[: WISHES_MAX - 1], ()]


def _parts(nodes: Sequence[NodeId], size: int) -> Iterator[Sequence[NodeId]]:
    return (nodes[begin : begin + size] for begin in range(0, len(nodes), max(1, size)))

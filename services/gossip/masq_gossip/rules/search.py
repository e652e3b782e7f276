"""Find simple paths over full links, a spread sample of them, in bounded work. Pure.

A search has so many steps (links looked at) and is asked for so many paths. At every node both are
shared out evenly among the links onwards, in random order, and what one branch leaves over goes to
the next. So the sample holds paths through all neighbors, not the first hundred through one, and no
corner of the graph, however it was made, can use up the search for the others.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations

from masq_gossip.record import MAX_DEGREE
from masq_gossip.rules.view import View
from masq_kernel.entropy import Entropy
from masq_kernel.identity.keys import NodeId

__all__ = ["Path", "Search"]

Path = tuple[NodeId, ...]

_ORDERS = [list(permutations(range(degree))) for degree in range(MAX_DEGREE + 1)]
"""All orders of so many links: a shuffle is one draw."""


@dataclass(frozen=True, slots=True)
class _Way:
    """Where a walk may go: on through a node with so many links left, and where it may end."""

    goes: Callable[[NodeId, int], bool]
    ends: Callable[[NodeId], bool]


class Search:
    """One bounded search from or to `own`.

    Args:
        serves: whether a node can be on a route at all.
        steps: links to look at, over all calls.
    """

    def __init__(
        self,
        own: NodeId,
        view: View,
        entropy: Entropy,
        serves: Callable[[NodeId], bool],
        steps: int,
    ) -> None:
        self._own, self._view, self._entropy = own, view, entropy
        self._serves, self._steps = serves, steps

    def outward(self, hops: int, may_exit: Callable[[NodeId], bool], count: int) -> list[Path]:
        """Return up to `count` paths of exactly `hops` links from us, without us in them."""
        way = _Way(goes=lambda node_id, _: self._serves(node_id), ends=may_exit)
        return [path[1:] for path in self._walk((self._own,), hops, count, 0, way)]

    def homeward(
        self, hops: int, target: NodeId, count: int, barred: frozenset[NodeId] = frozenset()
    ) -> list[Path]:
        """Return the same to one target, around the `barred` relays.

        The walk starts at the target and never strays further than it can come home from.
        """
        if not self._view.is_within(target, hops):
            return []

        def goes(node_id: NodeId, left: int) -> bool:
            if node_id == self._own or node_id in barred:
                return False
            return self._view.is_within(node_id, left) and self._serves(node_id)

        way = _Way(goes=goes, ends=lambda node_id: node_id == self._own)
        return [path[-2::-1] for path in self._walk((target,), hops, count, 0, way)]

    def _walk(self, path: Path, left: int, count: int, reserve: int, way: _Way) -> list[Path]:
        """Return completions of `path` by `left` links; `reserve` steps are for others."""
        found: list[Path] = []
        options = self._shuffled(self._view.full_neighbors(path[-1]))
        for place, node_id in enumerate(options):
            if self._steps <= reserve or len(found) >= count:
                break
            self._steps -= 1
            if node_id in path:
                continue
            if left == 1:
                if way.ends(node_id):
                    found.append((*path, node_id))
            elif way.goes(node_id, left - 1):
                branches = len(options) - place
                share = -(-(count - len(found)) // branches)
                kept = self._steps - -(-(self._steps - reserve) // branches)
                found += self._walk((*path, node_id), left - 1, share, kept, way)
        return found

    def _shuffled(self, node_ids: list[NodeId]) -> list[NodeId]:
        order = self._entropy.choice(_ORDERS[len(node_ids)])
        return [node_ids[place] for place in order]

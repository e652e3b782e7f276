"""Find round trips over full links. Pure. Source: protocol.md 5.5.

A path of h hops is h links: h - 1 relays, then the exit. Relays and exit route data and have a live
onion key; an exit more than one link away does not list us. The search is cut off after a fixed
number of steps whatever the graph holds; neighbors are visited in random order, so a search that is
cut off has still seen an unbiased part. Among the paths that cost at most COST_FACTOR times the
cheapest found one is drawn at random, cheaper ones more often: nobody can pin our traffic to itself
by being a little cheaper.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from masq_gossip.record import NodeRecord
from masq_gossip.rules.view import View
from masq_kernel.entropy import Entropy
from masq_kernel.identity.keys import NodeId
from masq_kernel.units import ByteCount, UnixSeconds

__all__ = ["HOPS_MAX", "RoundTrip", "RouteFinder", "RouteWish"]

HOPS_MAX = 6
"""As many slots as a SETUP package has (protocol.md 4.1)."""

STEPS_MAX = 4_000
"""Links looked at in one search: some milliseconds."""

PATHS_MAX = 128
"""Candidates to choose among; more would hardly change the draw."""

DRAWS_MAX = 6
"""Over paths tried before a round trip that shares relays is taken."""

COST_FACTOR = 2.0

_EXPECTED_SIZE = ByteCount(64 * 1024)
_EXPECTED_PACKAGES = 2

Path = tuple[NodeId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteWish:
    """What is asked for.

    Args:
        hops: links each way, 1 to HOPS_MAX; longer routes serve if there is none so short.
        exit: the exit; None: any.
        avoid: nodes that must not be on the route.
    """

    hops: int
    exit: NodeId | None = None
    avoid: frozenset[NodeId] = frozenset()


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """Over: relays and the exit. Back: relays from the exit's side to ours."""

    over: tuple[NodeRecord, ...]
    back: tuple[NodeRecord, ...]


class RouteFinder:
    """Searches the view for routes from `own`."""

    def __init__(self, own: NodeId, view: View, entropy: Entropy) -> None:
        self._own, self._view, self._entropy = own, view, entropy

    def find(self, wish: RouteWish, now: UnixSeconds) -> RoundTrip | None:
        """Return a round trip; None: the view holds no such route."""
        assert 1 <= wish.hops <= HOPS_MAX
        for hops in range(wish.hops, HOPS_MAX + 1):
            search = _Search(self._own, self._view, self._entropy, wish.avoid, now)
            over = search.paths(hops, wish.exit)
            found = self._with_way_back(search, over, wish.hops)
            if found is not None:
                return found
        return None

    def _with_way_back(self, search: "_Search", over: list[Path], hops: int) -> RoundTrip | None:
        best: tuple[Path, Path] | None = None
        for _ in range(DRAWS_MAX):
            if not over:
                break
            forth = self._draw(over)
            home = self._way_back(search, forth, hops)
            if home is None:
                over = [path for path in over if path[-1] != forth[-1]]
                continue
            if best is None or _shared(forth, home) < _shared(*best):
                best = forth, home
            if _shared(*best) == 0:
                break
            over = [path for path in over if path != forth]
        return self._present(*best) if best else None

    def _way_back(self, search: "_Search", over: Path, hops_min: int) -> Path | None:
        """Return a path from us to the exit, to be walked backwards, sharing few relays."""
        for hops in range(hops_min, HOPS_MAX + 1):
            paths = search.paths(hops, over[-1], barred=frozenset(over[:-1]))
            paths = paths or search.paths(hops, over[-1])
            if paths:
                least = min(_shared(over, path) for path in paths)
                return self._draw([path for path in paths if _shared(over, path) == least])
        return None

    def _draw(self, paths: list[Path]) -> Path:
        costs = [self._cost(path) for path in paths]
        limit = min(costs) * COST_FACTOR
        pairs = [(path, 1 / (1 + cost)) for path, cost in zip(paths, costs, strict=True)]
        near = [pair for pair, cost in zip(pairs, costs, strict=True) if cost <= limit]
        point = self._entropy.fraction() * sum(weight for _, weight in near)
        for path, weight in near:
            point -= weight
            if point < 0:
                return path
        return near[-1][0]

    def _cost(self, path: Path) -> int:
        """Return the price of the expected bytes, in wei."""
        *relays, last = (self._known(node_id).rates for node_id in path)
        relayed = sum(
            rates.routing_charge(packages=_EXPECTED_PACKAGES, size=_EXPECTED_SIZE)
            for rates in relays
        )
        return relayed + last.exit_charge(packages=_EXPECTED_PACKAGES, size=_EXPECTED_SIZE)

    def _known(self, node_id: NodeId) -> NodeRecord:
        record = self._view.record(node_id)
        assert record is not None
        return record

    def _present(self, over: Path, home: Path) -> RoundTrip:
        back = reversed(home[:-1])
        return RoundTrip(
            tuple(self._known(one) for one in over), tuple(self._known(one) for one in back)
        )


def _shared(over: Path, home: Path) -> int:
    return len(set(over[:-1]) & set(home[:-1]))


class _Search:
    """One bounded search; looks at each node's full links once."""

    def __init__(
        self,
        own: NodeId,
        view: View,
        entropy: Entropy,
        avoid: frozenset[NodeId],
        now: UnixSeconds,
    ) -> None:
        self._own, self._view, self._entropy, self._avoid = own, view, entropy, avoid
        self._now, self._steps = now, STEPS_MAX
        self._links: dict[NodeId, list[NodeId]] = {}

    def paths(
        self, hops: int, target: NodeId | None, barred: frozenset[NodeId] = frozenset()
    ) -> list[Path]:
        """Return simple paths of exactly `hops` links to `target` (None: any fit exit)."""
        is_spent = self._steps < 0
        if is_spent or (target is not None and not self._may_exit(target, hops)):
            return []
        left = self._distances_to(target, hops) if target is not None else None
        found = self._walk((), self._own, hops, target, left, barred)
        return list(islice(found, PATHS_MAX))

    def _walk(
        self,
        path: Path,
        at: NodeId,
        hops: int,
        target: NodeId | None,
        left: dict[NodeId, int] | None,
        barred: frozenset[NodeId],
    ) -> Iterator[Path]:
        """Yield the completions of `path`, which stands at `at` and has `hops` links to go."""
        for node_id in self._shuffled(self._links_of(at)):
            self._steps -= 1
            if self._steps < 0:
                return
            if node_id == self._own or node_id in path:
                continue
            if hops == 1:
                fits = node_id == target if target else self._may_exit(node_id, len(path) + 1)
                if fits:
                    yield (*path, node_id)
            elif self._may_relay(node_id, target, barred) and (
                left is None or left.get(node_id, hops) < hops
            ):
                step = (*path, node_id)
                yield from self._walk(step, node_id, hops - 1, target, left, barred)

    def _may_relay(self, node_id: NodeId, target: NodeId | None, barred: frozenset[NodeId]) -> bool:
        return node_id != target and node_id not in barred and self._serves(node_id)

    def _may_exit(self, node_id: NodeId, hops: int) -> bool:
        if not self._serves(node_id) or node_id == self._own:
            return False
        record = self._view.record(node_id)
        return record is not None and (hops == 1 or not record.lists(self._own))

    def _serves(self, node_id: NodeId) -> bool:
        record = self._view.record(node_id)
        if record is None or node_id in self._avoid:
            return False
        return record.routes_data and record.onion_expires_at > self._now

    def _distances_to(self, target: NodeId, limit: int) -> dict[NodeId, int]:
        distances, waiting = {target: 0}, deque([target])
        while waiting:
            at = waiting.popleft()
            if distances[at] == limit - 1:
                continue
            for node_id in self._links_of(at):
                if node_id not in distances:
                    distances[node_id] = distances[at] + 1
                    waiting.append(node_id)
        return distances

    def _links_of(self, node_id: NodeId) -> list[NodeId]:
        if node_id not in self._links:
            self._links[node_id] = self._view.full_neighbors(node_id)
        return self._links[node_id]

    def _shuffled(self, node_ids: list[NodeId]) -> list[NodeId]:
        mixed = list(node_ids)
        for last in range(len(mixed) - 1, 0, -1):
            other = self._entropy.below(last + 1)
            mixed[last], mixed[other] = mixed[other], mixed[last]
        return mixed

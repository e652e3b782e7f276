"""Choose round trips. Pure. Source: protocol.md 5.5.

A path of h hops is h links: h - 1 relays, then the exit. Relays and exit route data and have a live
onion key; an exit more than one link away does not list us, unless streams of ours stand there and
would be lost. Candidates come from a bounded search (search.py) and are judged by their cost
(costs.py). Among those that cost at most COST_FACTOR times the cheapest one is drawn at random,
cheaper ones more often: nobody can pin our traffic to itself by being a little cheaper.

What the operator prefers comes before length, length before cost:

    for each tier of exit countries, then any country unless that is forbidden
        for each length from the one asked for
            a way over, and a way back that shares as few relays with it as the graph allows
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from masq_gossip.record import NodeRecord
from masq_gossip.rules.costs import Costs
from masq_gossip.rules.events import Now
from masq_gossip.rules.preferences import Preferences
from masq_gossip.rules.reputation import Reputation
from masq_gossip.rules.search import Path, Search
from masq_gossip.rules.view import View
from masq_kernel.entropy import Entropy
from masq_kernel.identity.keys import NodeId

__all__ = ["HOPS_MAX", "RoundTrip", "RouteFinder", "RouteWish"]

HOPS_MAX = 6
"""As many slots as a SETUP package has (protocol.md 4.1)."""

STEPS_MAX = 6_000
"""Links looked at for one answer: some milliseconds, whatever the graph holds."""

TIER_STEPS_MIN = 1_000
"""Of these for one tier, however many tiers there are."""

PATHS_MAX = 64
"""Candidates over to choose among; more would hardly change the draw."""

HOMEWARD_MAX = 16
"""Candidates back, and over to one certain exit."""

EXITS_MAX = 16
"""Exits tried of those in a country that is asked for."""

DRAWS_MAX = 4
"""Over paths tried before a round trip that shares relays is taken."""

COST_FACTOR = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteWish:
    """What is asked for.

    Args:
        hops: links each way, 1 to HOPS_MAX; longer routes serve if there is none so short.
        exit: the exit; None: any.
        resumes: our streams stand at that exit already: it may list us by now.
        avoid: nodes that must not be on the route.
        host: where the traffic will go, "" if not known: exits that failed there come last.
    """

    hops: int
    exit: NodeId | None = None
    resumes: bool = False
    avoid: frozenset[NodeId] = frozenset()
    host: str = ""


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """Over: relays and the exit. Back: relays from the exit's side to ours."""

    over: tuple[NodeRecord, ...]
    back: tuple[NodeRecord, ...]


class RouteFinder:
    """Searches the view for routes from `own`."""

    def __init__(self, own: NodeId, view: View, reputation: Reputation, entropy: Entropy) -> None:
        self._own, self._view, self._entropy = own, view, entropy
        self.reputation, self.preferences = reputation, Preferences()
        self._witness: RoundTrip | None = None

    def find(self, wish: RouteWish, now: Now) -> RoundTrip | None:
        """Return a round trip; None: the view holds no such route."""
        return self._choice(wish, now).round_trip()

    def has_route(self, hops: int, now: Now) -> bool:
        """Say whether there is a round trip; the one found last time is looked at first."""
        choice = self._choice(RouteWish(hops=hops), now)
        if self._witness is None or not choice.allows(self._witness):
            self._witness = choice.round_trip()
        return self._witness is not None

    def _choice(self, wish: RouteWish, now: Now) -> "_Choice":
        assert 1 <= wish.hops <= HOPS_MAX
        costs = Costs(self._view, self.reputation, self.preferences, now, wish.host)
        return _Choice(
            own=self._own,
            view=self._view,
            entropy=self._entropy,
            preferences=self.preferences,
            costs=costs,
            wish=wish,
            now=now,
        )


Sought = Callable[[Search, int], list[Path]]
"""Finds ways over of so many hops."""


class _Choice:
    """One answer in the making."""

    def __init__(
        self,
        *,
        own: NodeId,
        view: View,
        entropy: Entropy,
        preferences: Preferences,
        costs: Costs,
        wish: RouteWish,
        now: Now,
    ) -> None:
        self._own, self._view, self._entropy = own, view, entropy
        self._preferences, self._costs = preferences, costs
        self._demanded = preferences.demanded()
        self._wish, self._now = wish, now

    def round_trip(self) -> RoundTrip | None:
        """Return the round trip, if there is one."""
        tiers = self._tiers()
        steps = max(TIER_STEPS_MIN, STEPS_MAX // max(1, len(tiers)))
        for sought in tiers:
            search = Search(self._own, self._view, self._entropy, self._serves, steps)
            for hops in range(self._wish.hops, HOPS_MAX + 1):
                found = self._with_way_back(search, sought(search, hops))
                if found is not None:
                    return self._present(*found)
        return None

    def allows(self, trip: RoundTrip) -> bool:
        """Say whether a round trip found earlier could be the answer now."""
        over = tuple(record.node_id for record in trip.over)
        home = (*(record.node_id for record in trip.back), self._own)
        hops = len(over)
        return (
            self._wish.hops <= min(hops, len(home))
            and self._may_exit(over[-1], hops)
            and self._is_where_wanted(over[-1])
            and all(self._serves(one) for one in (*over, *home[:-1]))
            and all(self._view.is_full(*link) for link in pairwise((self._own, *over, *home)))
        )

    def _is_where_wanted(self, node_id: NodeId) -> bool:
        tiers = self._preferences.tiers
        if not tiers or not self._preferences.is_strict:
            return True
        return any(node_id in self._view.in_countries(countries) for countries in tiers)

    # Ways over

    def _tiers(self) -> list[Sought]:
        """Return the searches for ways over, the most preferred first."""
        if self._wish.exit is not None:
            return [partial(self._over_to, [self._wish.exit])]
        preferences = self._preferences
        demanded = sorted(self._demanded)
        tiers: list[Sought] = []
        for countries in preferences.tiers:
            allowed = self._view.in_countries(countries)
            tiers += self._over_to_each([one for one in demanded if one in allowed])
            tiers += self._over_to_each(self._sample(allowed))
        if not preferences.tiers or not preferences.is_strict:
            tiers += self._over_to_each(demanded)
            tiers.append(self._over_anywhere)
        return tiers

    def _over_to_each(self, exits: list[NodeId]) -> list[Sought]:
        return [partial(self._over_to, exits)] if exits else []

    def _over_to(self, exits: list[NodeId], search: Search, hops: int) -> list[Path]:
        fit = [one for one in exits if self._may_exit(one, hops)]
        count = max(1, PATHS_MAX // max(1, len(fit)))
        return [path for one in fit for path in search.homeward(hops, one, count)]

    def _over_anywhere(self, search: Search, hops: int) -> list[Path]:
        return search.outward(hops, lambda one: self._may_exit(one, hops), PATHS_MAX)

    def _sample(self, exits: Collection[NodeId]) -> list[NodeId]:
        serving = sorted(one for one in exits if self._serves(one))
        if len(serving) <= EXITS_MAX:
            return serving
        drawn = {self._entropy.choice(serving) for _ in range(EXITS_MAX)}
        return sorted(drawn)

    # Ways back

    def _with_way_back(self, search: Search, over: list[Path]) -> tuple[Path, Path] | None:
        pairs = (self._paired(search, paths) for paths in self._by_demand(over))
        return next((pair for pair in pairs if pair is not None), None)

    def _paired(self, search: Search, over: list[Path]) -> tuple[Path, Path] | None:
        best: tuple[Path, Path] | None = None
        priced = self._priced(over)
        for _ in range(DRAWS_MAX):
            if not priced:
                break
            forth = self._draw(priced)
            home = self._way_back(search, forth)
            if home is None:
                priced = [one for one in priced if one[0][-1] != forth[-1]]
                continue
            if best is None or _shared(forth, home) < _shared(*best):
                best = forth, home
            if _shared(*best) == 0:
                break
            priced = [one for one in priced if one[0] != forth]
        return best

    def _way_back(self, search: Search, over: Path) -> Path | None:
        """Return a path from us to the exit, to be walked backwards, sharing few relays."""
        for hops in range(self._wish.hops, HOPS_MAX + 1):
            barred = frozenset(over[:-1])
            paths = search.homeward(hops, over[-1], HOMEWARD_MAX, barred)
            paths = paths or search.homeward(hops, over[-1], HOMEWARD_MAX)
            if paths:
                least = min(_shared(over, path) for path in paths)
                apart = [path for path in paths if _shared(over, path) == least]
                return self._draw(self._priced(self._by_demand(apart)[0]))
        return None

    # Which nodes, which path

    def _priced(self, paths: list[Path]) -> list[tuple[Path, float]]:
        return [(path, self._costs.of_path(path)) for path in paths]

    def _draw(self, priced: list[tuple[Path, float]]) -> Path:
        limit = min(cost for _, cost in priced) * COST_FACTOR
        near = [(path, 1 / cost) for path, cost in priced if cost <= limit]
        point = self._entropy.fraction() * sum(weight for _, weight in near)
        for path, weight in near:
            point -= weight
            if point < 0:
                return path
        return near[-1][0]

    def _by_demand(self, paths: list[Path]) -> list[list[Path]]:
        """Return the paths in groups, those with the most demanded nodes first."""
        if not self._demanded:
            return [paths] if paths else []
        groups: dict[int, list[Path]] = {}
        for path in paths:
            groups.setdefault(len(self._demanded.intersection(path)), []).append(path)
        return [groups[count] for count in sorted(groups, reverse=True)]

    def _may_exit(self, node_id: NodeId, hops: int) -> bool:
        if node_id == self._own or not self._serves(node_id):
            return False
        record = self._view.record(node_id)
        may_list_us = hops == 1 or self._wish.resumes
        return record is not None and (may_list_us or not record.lists(self._own))

    def _serves(self, node_id: NodeId) -> bool:
        record = self._view.record(node_id)
        if record is None or node_id in self._wish.avoid or self._preferences.forbids(node_id):
            return False
        return record.routes_data and record.onion_expires_at > self._now.unix

    def _present(self, over: Path, home: Path) -> RoundTrip:
        return RoundTrip(
            tuple(self._known(one) for one in over),
            tuple(self._known(one) for one in reversed(home[:-1])),
        )

    def _known(self, node_id: NodeId) -> NodeRecord:
        record = self._view.record(node_id)
        assert record is not None
        return record


def _shared(over: Path, home: Path) -> int:
    return len(set(over[:-1]) & set(home[:-1]))

"""What we have seen of other nodes ourselves: how often and how fast their routes served us. Pure.

Source: protocol.md 5.4. First-hand only and never told to anybody, so nobody can be slandered. A
route that is lost says nothing about which of its hops failed, so all of them are charged with it;
the one at fault is soon the only one that was on every lost route. Everything decays: what happened
half an hour ago counts half.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from masq_kernel.identity.keys import NodeId

__all__ = ["HOSTS_MAX", "NODES_MAX", "Conduct", "Reputation"]

HALF_LIFE_S = 1800.0

PRIOR = 2.0
"""Routes that a stranger is credited with: its first failure costs it a third of its standing."""

LATENCY_TYPICAL_S = 0.05
"""Per link, of a node that we have not measured."""

LATENCY_DOUBLES_S = 0.2
"""A node whose routes take so long per link counts as twice as dear."""

LATENCY_WEIGHT = 0.25
"""Of the newest measurement in the running mean."""

NODES_MAX = 4096
"""Nodes remembered; beyond it the one least recently on a route of ours is forgotten."""

DISPUTE_WEIGHT = 8.0
"""Lost routes that a bill counts for which nothing explains: it says more than any route. After
three of them a stranger counts as a hundred and sixty-nine times as dear."""

HOSTS_MAX = 1024
"""Pairs of exit and host that failed, at most."""

HOST_MEMORY_S = 600.0
"""How long an exit is thought unable to reach a host."""


@dataclass(frozen=True, slots=True)
class Conduct:
    """What we have seen of one node, decayed to now.

    Args:
        served, lost: routes of ours it was on, the older the less they count.
        latency_s: seconds per link of its routes, a running mean; None: not measured.
    """

    served: float = 0.0
    lost: float = 0.0
    latency_s: float | None = None

    @property
    def success_rate(self) -> float:
        """Return the chance that its next route serves, above 0 and at most 1."""
        return (self.served + PRIOR) / (self.served + self.lost + PRIOR)

    @property
    def factor(self) -> float:
        """Return by how much its price is multiplied: the tries it takes, and the waiting.

        Squared, because a lost route costs more than another try: it breaks what it carried.
        """
        latency = LATENCY_TYPICAL_S if self.latency_s is None else self.latency_s
        return (1.0 + latency / LATENCY_DOUBLES_S) / self.success_rate**2


@dataclass(slots=True)
class _Tally:
    served: float
    lost: float
    latency_s: float | None
    at: float


class Reputation:
    """The nodes our routes went through. All times are in seconds, `now` is monotonic."""

    def __init__(self) -> None:
        self._tallies: dict[NodeId, _Tally] = {}
        self._hosts: dict[tuple[NodeId, str], float] = {}

    def served(self, nodes: Sequence[NodeId], latency_s: float, now: float) -> None:
        """Note a round trip that answered after `latency_s` in all."""
        per_link = latency_s / (len(nodes) + 1)
        for node_id in nodes:
            tally = self._tally(node_id, now)
            tally.served += 1.0
            before = per_link if tally.latency_s is None else tally.latency_s
            tally.latency_s = before + LATENCY_WEIGHT * (per_link - before)

    def lost(self, nodes: Sequence[NodeId], now: float) -> None:
        """Note a round trip that never answered, or broke."""
        for node_id in nodes:
            self._tally(node_id, now).lost += 1.0

    def disputed(self, node_id: NodeId, now: float) -> None:
        """Note that a node asks us for more than its work explains."""
        self._tally(node_id, now).lost += DISPUTE_WEIGHT

    def host_failed(self, exit_id: NodeId, host: str, now: float) -> None:
        """Note that an exit could not reach a host."""
        self._hosts.pop((exit_id, host), None)
        self._hosts[exit_id, host] = now + HOST_MEMORY_S
        if len(self._hosts) > HOSTS_MAX:
            del self._hosts[next(iter(self._hosts))]

    def reaches(self, exit_id: NodeId, host: str, now: float) -> bool:
        """Say whether nothing speaks against reaching this host through this exit."""
        return self._hosts.get((exit_id, host), now) <= now

    def conduct(self, node_id: NodeId, now: float) -> Conduct:
        """Return what we have seen of a node."""
        tally = self._tallies.get(node_id)
        if tally is None:
            return Conduct()
        left = _decay(now - tally.at)
        return Conduct(tally.served * left, tally.lost * left, tally.latency_s)

    def _tally(self, node_id: NodeId, now: float) -> _Tally:
        tally = self._tallies.pop(node_id, None)
        if tally is None:
            tally = _Tally(0.0, 0.0, None, now)
            if len(self._tallies) >= NODES_MAX:
                del self._tallies[next(iter(self._tallies))]
        self._tallies[node_id] = tally  # the last in line to be forgotten
        left = _decay(now - tally.at)
        tally.served, tally.lost, tally.at = tally.served * left, tally.lost * left, now
        return tally


def _decay(age: float) -> float:
    return float(0.5 ** (max(0.0, age) / HALF_LIFE_S))

"""What a node costs on a route: price, reputation, latency, preference, host. Pure.

Source: protocol.md 5.5. In wei, for _SIZE bytes in _PACKAGES packages:

    (price + floor) x tries it takes and waiting x operator's preference x unreachable host

The floor keeps a node that asks nothing from drawing all traffic to itself, and lets reputation
count where everybody asks nothing.
"""

from masq_gossip.rules.events import Now
from masq_gossip.rules.preferences import Preferences
from masq_gossip.rules.reputation import Reputation
from masq_gossip.rules.view import View
from masq_kernel.identity.keys import NodeId
from masq_kernel.rates import DEFAULT_RATES
from masq_kernel.units import ByteCount

__all__ = ["UNREACHABLE_FACTOR", "Costs"]

_SIZE, _PACKAGES = ByteCount(64 * 1024), 2
_FLOOR = DEFAULT_RATES.routing_charge(packages=_PACKAGES, size=_SIZE) / 2

UNREACHABLE_FACTOR = 1000.0
"""An exit that lately could not reach the host is taken when there is no other."""


class Costs:
    """The costs during one search; each node's is found once.

    Args:
        host: where the traffic will go; "" if that is not known.
    """

    def __init__(
        self, view: View, reputation: Reputation, preferences: Preferences, now: Now, host: str
    ) -> None:
        self._view, self._reputation, self._preferences = view, reputation, preferences
        self._now, self._host = now.monotonic, host
        self._relays: dict[NodeId, float] = {}
        self._exits: dict[NodeId, float] = {}

    def of_path(self, path: tuple[NodeId, ...]) -> float:
        """Return the cost of relays and, last, an exit."""
        return sum(self.relay(node_id) for node_id in path[:-1]) + self.exit(path[-1])

    def relay(self, node_id: NodeId) -> float:
        """Return the cost of a relay."""
        known = self._relays.get(node_id)
        if known is None:
            record = self._view.record(node_id)
            assert record is not None
            price = record.rates.routing_charge(packages=_PACKAGES, size=_SIZE)
            known = self._relays[node_id] = self._weighed(node_id, price)
        return known

    def exit(self, node_id: NodeId) -> float:
        """Return the cost of an exit."""
        known = self._exits.get(node_id)
        if known is None:
            record = self._view.record(node_id)
            assert record is not None
            price = record.rates.exit_charge(packages=_PACKAGES, size=_SIZE)
            known = self._weighed(node_id, price)
            if self._host and not self._reputation.reaches(node_id, self._host, self._now):
                known *= UNREACHABLE_FACTOR
            self._exits[node_id] = known
        return known

    def _weighed(self, node_id: NodeId, price: float) -> float:
        conduct = self._reputation.conduct(node_id, self._now)
        return (price + _FLOOR) * conduct.factor * self._preferences.factor(node_id)

"""Tell gossip how our routes did: that is all its reputation of other nodes is made of.

Nothing leaves this node: gossip keeps what it hears for its own choice of routes (protocol.md 5.4).
"""

from collections.abc import Callable, Sequence

from masq_kernel.bus.messages.base import BusMessage
from masq_kernel.bus.messages.router import HostFailed, RouteLost, RouteServed
from masq_kernel.identity.keys import NodeId
from masq_kernel.units import Seconds
from masq_router.origin.plan import RoundTrip

__all__ = ["Witness"]


class Witness:
    """Speaks for the circuits.

    Args:
        tell: queues an event for the bus.
    """

    def __init__(self, tell: Callable[[BusMessage], None]) -> None:
        self._tell = tell
        self.routes_served = 0
        self.routes_lost = 0

    def served(self, trip: RoundTrip, latency_s: Seconds) -> None:
        """The exit has answered for the first time."""
        self.routes_served += 1
        self._tell(RouteServed(nodes=_nodes(trip.over_hops, trip.back_hops), latency_s=latency_s))

    def lost(self, nodes: Sequence[NodeId]) -> None:
        """One of these nodes has cost us a route."""
        self.routes_lost += 1
        self._tell(RouteLost(nodes=_nodes(nodes)))

    def host_failed(self, exit_id: NodeId, host: str) -> None:
        """This exit could not or would not reach the host."""
        self._tell(HostFailed(exit=exit_id, host=host))


def _nodes(*ways: Sequence[NodeId]) -> tuple[NodeId, ...]:
    return tuple(dict.fromkeys(node_id for way in ways for node_id in way))

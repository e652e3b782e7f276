"""What must hold after every step of a simulation. Pure.

1  a node has at most five neighbors
2  a version only grows: nobody's record is replaced by an older one
3  no honest node holds anything against an honest node
4  a node knows the addresses of its neighbors, of nodes it was introduced or passed to, of its
   descriptors, and no others; a node hands on only addresses of its own neighbors, with consent
5  what a node remembers stays within its bounds
"""

from masq_gossip.messages import Introduction, Message, Pass, Standard
from masq_gossip.record import MAX_DEGREE
from masq_gossip.rules.bootstrap import CANDIDATES_MAX
from masq_gossip.rules.misconduct import OFFENDERS_MAX
from masq_gossip.rules.parameters import Parameters
from masq_gossip.rules.view import DROPPED_MAX
from masq_gossip.simulation.identities import CHAIN
from masq_gossip.simulation.node import SimulatedNode
from masq_gossip.statement import SignedStatement
from masq_kernel.identity.keys import NodeId

__all__ = ["Checks"]

CROWD = 20
"""Up to so many nodes everything is checked after every event; in larger meshes, as much work."""


class Checks:
    """Looks at a node after it has reacted, and at what it says.

    Args:
        by_id: all nodes of the simulation; it may grow.
        story: names the seed, for the message of a failure.
    """

    def __init__(
        self, by_id: dict[NodeId, SimulatedNode], parameters: Parameters, story: str
    ) -> None:
        self._by_id, self._parameters, self._story = by_id, parameters, story

    def after_event(self, node: SimulatedNode) -> None:
        """Check a node that has just handled an event.

        Raises:
            AssertionError: something that must hold does not; the message names the seed.
        """
        state = node.core.state
        self._hold(len(state.edges()) <= MAX_DEGREE, "more than five neighbors")
        node.neighbors_had.update(state.edges())
        self._check_accused(node)
        node.events += 1
        if node.events % max(1, len(self._by_id) // CROWD) == 0:
            self._check_versions(node)
            self._check_addresses(node)
            self._check_memory(node)

    def on_send(self, sender: SimulatedNode, receiver: SimulatedNode, message: Message) -> None:
        """Check what an honest core says about addresses, and note who knows whom by it."""
        match message:
            case Introduction(statement) | Pass(statement):
                stated = SignedStatement.from_bytes(statement, CHAIN).statement
                is_its_to_tell = stated.node_id in {sender.node_id, *sender.neighbors_had}
                self._hold(is_its_to_tell, "an address of no neighbor was told")
                self._hold(stated.introducible, "an address was told without consent")
                receiver.known.add(stated.node_id)
            case Standard(_, bytes(statement)):
                stated = SignedStatement.from_bytes(statement, CHAIN).statement
                self._hold(stated.node_id == sender.node_id, "another's address was told")
            case _:
                pass

    def _check_accused(self, node: SimulatedNode) -> None:
        if node.is_liar:
            return
        for ban in node.core.state.misconduct.all():
            accused = self._by_id[ban.node_id]
            self._hold(accused.is_liar, f"an honest node was accused of {ban.reason!r}")

    def _check_versions(self, node: SimulatedNode) -> None:
        seen = node.versions_seen
        for record in node.core.state.view.records():
            self._hold(record.version >= seen.get(record.node_id, 0), "a version went back")
            seen[record.node_id] = record.version

    def _check_addresses(self, node: SimulatedNode) -> None:
        strangers = node.core.state.seeker.known() - node.known - node.neighbors_had
        self._hold(not strangers, "a node knows an address that nobody should have told it")

    def _check_memory(self, node: SimulatedNode) -> None:
        state, parameters = node.core.state, self._parameters
        self._hold(len(state.view) <= parameters.view_records_max, "too many records")
        self._hold(state.view.dropped <= DROPPED_MAX, "too many versions remembered")
        told = len(state.seeker.known()) - len(state.origin.descriptors)
        self._hold(told <= 2 * CANDIDATES_MAX, "too many candidates")
        self._hold(len(state.misconduct.all()) <= OFFENDERS_MAX, "too many offenders")
        for peer in state.peers.all():
            bound = len(state.view) + parameters.view_records_max
            self._hold(len(peer.heard) <= bound, "too much noted of a peer")

    def _hold(self, condition: bool, what: str) -> None:
        assert condition, f"{self._story}: {what}"

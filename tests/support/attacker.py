"""A node of a simulated mesh that does what it likes: its core is a real one, bent.

    mesh.nodes[3].core = Silent(mesh.nodes[3].core)

The mesh sees the commands of the bent core only; everything else is the real core's.
"""

from masq_gossip.messages import Debut, Introduction, Pass, Standard, message_from_bytes
from masq_gossip.rules.events import Event, Now, PayloadArrived, Send
from masq_gossip.rules.neighborhood import Neighborhood
from masq_gossip.simulation import Mesh, SimulatedNode
from masq_gossip.statement import SignedStatement
from support.gossip_builders import CHAIN


class Bent:
    """Takes events as the core does, and may change what comes out."""

    def __init__(self, core: Neighborhood) -> None:
        self._core = core
        self.to_say: list[Send] = []
        self.told_addresses: set[str] = set()

    def __getattr__(self, name: str):
        return getattr(self._core, name)

    def handle(self, event: Event, now: Now) -> list:
        self._overhear(event)
        commands = [bent for one in self._core.handle(event, now) if (bent := self.bend(one))]
        said, self.to_say = self.to_say, []
        return [*commands, *(one for one in said if one.peer in self._core.state.peers)]

    def bend(self, command):
        """Return the command, another one in its place, or None."""
        return command

    def _overhear(self, event: Event) -> None:
        """Keep every address that is told, as a crawler would."""
        if not isinstance(event, PayloadArrived):
            return
        message = message_from_bytes(event.payload)
        if isinstance(message, Introduction | Pass | Standard | Debut) and message.statement:
            stated = SignedStatement.from_bytes(message.statement, CHAIN).statement
            self.told_addresses.update(stated.addresses)


class Silent(Bent):
    """Is a neighbor, and never passes on the records of others."""

    def bend(self, command):
        if not isinstance(command, Send) or not isinstance(command.message, Standard):
            return command
        own = self._core.state.own.signed
        records = tuple(one for one in command.message.records if own and one == own.raw)
        return Send(command.peer, Standard(records, command.message.statement))


def bend(mesh: Mesh, node: SimulatedNode, kind: type[Bent]) -> Bent:
    """Make a node of the mesh an attacker; must be done before it starts.

    Not `is_liar`: the mesh changes bytes of what liars send, and they are found out.
    """
    node.core = kind(node.core)
    return node.core


def is_attacker(node: SimulatedNode) -> bool:
    return isinstance(node.core, Bent)

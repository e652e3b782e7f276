"""One gossip core against hand-made peers, with a clock moved by hand."""

from masq_gossip.messages import Debut, Failure, Standard, message_to_bytes
from masq_gossip.rules.events import (
    CloseLink,
    LinkOpened,
    Now,
    PayloadArrived,
    Send,
    Tick,
)
from masq_gossip.rules.neighborhood import Neighborhood
from masq_gossip.rules.parameters import Parameters
from masq_gossip.rules.state import Origin
from masq_kernel.entropy import SeededEntropy
from masq_kernel.identity.keys import IdentityKey
from support.gossip_builders import (
    CHAIN,
    START,
    endpoint_of,
    make_key,
    make_self,
    sign_record,
    sign_statement,
)

OWN = make_key(1)
ALICE, BOB, CAROL = (make_key(number) for number in (2, 3, 4))
ADDRESS = {key.node_id: f"127.0.1.{at}" for at, key in enumerate((OWN, ALICE, BOB, CAROL), 1)}


class Stage:
    """A node that has been told who it is, with a clock moved by hand."""

    def __init__(self, *, descriptors=(), bans=(), read=None, **parameters) -> None:
        origin = Origin(
            identity=OWN,
            chain=CHAIN,
            boot=1,
            address=endpoint_of(OWN.node_id, ADDRESS[OWN.node_id]),
            descriptors=tuple(
                endpoint_of(one.node_id, ADDRESS[one.node_id]) for one in descriptors
            ),
            bans=bans,
        )
        self.core = Neighborhood(origin, Parameters(**parameters), SeededEntropy(1), read)
        self.at = 0.0
        self.feed(make_self())
        self.wait(0.2)

    @property
    def state(self):
        return self.core.state

    def feed(self, event):
        return self.core.handle(event, Now(START + int(self.at), self.at))

    def wait(self, seconds: float):
        """Let time pass, waking the node whenever it asked to be."""
        commands, end = [], self.at + seconds
        while (wake := self.core.next_wake_up(Now(START + int(self.at), self.at))) <= end:
            self.at = max(wake, self.at + 0.001)
            commands += self.feed(Tick())
        self.at = end
        return commands

    def arrive(self, key: IdentityKey, address=None):
        return self.feed(LinkOpened(key.node_id, address or ADDRESS[key.node_id], inbound=True))

    def hear(self, key: IdentityKey, message, address=None):
        address = address or ADDRESS[key.node_id]
        return self.feed(PayloadArrived(key.node_id, address, message_to_bytes(message)))

    def befriend(self, key: IdentityKey, version=7 << 32):
        """Let a newcomer debut and become a full neighbor."""
        self.arrive(key)
        self.hear(key, debut_of(key))
        self.wait(0.2)
        listed = sign_record(key, version=version + 5, neighbors=[OWN.node_id])
        self.hear(key, Standard((listed.raw,)))
        self.wait(0.2)
        assert key.node_id in self.state.edges()


def debut_of(key: IdentityKey, *, address=None, **changes) -> Debut:
    statement = sign_statement(key, address or ADDRESS[key.node_id])
    return Debut(sign_record(key, **changes).raw, statement.raw)


def sent(commands, kind):
    return [one.message for one in commands if isinstance(one, Send) and type(one.message) is kind]


def failures(commands):
    return [message.reason for message in sent(commands, Failure)]


def is_closed(commands, key) -> bool:
    return any(isinstance(one, CloseLink) and one.peer == key.node_id for one in commands)

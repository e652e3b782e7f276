"""What goes into the neighborhood and what comes out. Pure.

Event (happened)                     Command (is asked for)
|- LinkOpened                        |- Dial        answered by LinkOpened or DialFailed
|- LinkClosed                        |- Send        a gossip message on an open link
|- DialFailed                        |- CloseLink
|- LinksListed   the router's truth  |- MoveStage   tell everybody where we stand
|- PayloadArrived                    +- Remember    write down for the next start
|- SelfChanged
|- Pardoned
|- RouteServed, RouteLost, HostFailed   what our routes did
|- CreditorDisputed          whose bill is too high
|- Preferred
|- AddressChanged
|- Stopping
+- Tick          a wake-up that was asked for
"""

from dataclasses import dataclass
from typing import Self

from masq_gossip.messages import Message
from masq_gossip.rules.ban import Ban
from masq_gossip.rules.preferences import Preferences
from masq_gossip.statement import SignedStatement
from masq_kernel.bus.messages.gossip import Stage
from masq_kernel.identity.keys import NodeId, WalletAddress
from masq_kernel.rates import RatePack
from masq_kernel.units import UnixSeconds

__all__ = [
    "AddressChanged",
    "CloseLink",
    "Command",
    "CreditorDisputed",
    "Dial",
    "DialFailed",
    "Endpoint",
    "Event",
    "HostFailed",
    "Link",
    "LinkClosed",
    "LinkOpened",
    "LinksListed",
    "MoveStage",
    "Now",
    "Pardoned",
    "PayloadArrived",
    "Preferred",
    "Remember",
    "RouteLost",
    "RouteServed",
    "SelfChanged",
    "Send",
    "Stopping",
    "Tick",
]


@dataclass(frozen=True, slots=True)
class Now:
    """One instant on both clocks: `unix` for records, `monotonic` (seconds) for waiting."""

    unix: UnixSeconds
    monotonic: float


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """Where to dial a node: an IP address in text and ports, preferred first."""

    node_id: NodeId
    address: str
    ports: tuple[int, ...]

    @classmethod
    def of(cls, signed: SignedStatement) -> Self:
        """Return where a node says it can be dialled."""
        stated = signed.statement
        return cls(stated.node_id, stated.addresses[0], stated.ports)


@dataclass(frozen=True, slots=True)
class LinkOpened:
    """A peer has proven its NodeId on a link from or to this IP address."""

    peer: NodeId
    address: str
    inbound: bool


@dataclass(frozen=True, slots=True)
class LinkClosed:
    """The link is gone."""

    peer: NodeId
    misconduct: str = ""  # how the peer broke the rules of the link; "": it did not


@dataclass(frozen=True, slots=True)
class DialFailed:
    """A link we asked for could not be opened."""

    peer: NodeId


@dataclass(frozen=True, slots=True)
class Link:
    """One open link as the router lists it."""

    peer: NodeId
    address: str
    inbound: bool


@dataclass(frozen=True, slots=True)
class LinksListed:
    """All links the router holds: what we missed is made up for."""

    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class PayloadArrived:
    """The payload of a GOSSIP frame from a proven peer, unparsed."""

    peer: NodeId
    address: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class SelfChanged:
    """What our own record says from now on, besides the neighbors."""

    onion_key: bytes
    onion_expires_at: UnixSeconds
    earning_wallet: WalletAddress
    rates: RatePack


@dataclass(frozen=True, slots=True)
class Pardoned:
    """The operator forgives a node."""

    node_id: NodeId


@dataclass(frozen=True, slots=True)
class RouteServed:
    """A route of ours through these nodes has answered for the first time, after so long."""

    nodes: tuple[NodeId, ...]
    latency_s: float


@dataclass(frozen=True, slots=True)
class RouteLost:
    """One of these nodes has cost us a route."""

    nodes: tuple[NodeId, ...]


@dataclass(frozen=True, slots=True)
class HostFailed:
    """An exit could not reach a host for us."""

    exit: NodeId
    host: str


@dataclass(frozen=True, slots=True)
class CreditorDisputed:
    """A node asks us for more than its work explains."""

    node_id: NodeId


@dataclass(frozen=True, slots=True)
class Preferred:
    """The operator has changed what routes should be like; it is on disk already."""

    preferences: Preferences


@dataclass(frozen=True, slots=True)
class AddressChanged:
    """Others dial us somewhere else from now on; the router is there already."""

    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Stopping:
    """The process ends in order."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


Event = (
    LinkOpened
    | LinkClosed
    | DialFailed
    | LinksListed
    | PayloadArrived
    | SelfChanged
    | Pardoned
    | RouteServed
    | RouteLost
    | HostFailed
    | CreditorDisputed
    | Preferred
    | AddressChanged
    | Stopping
    | Tick
)


@dataclass(frozen=True, slots=True)
class Dial:
    """Open a link to this node."""

    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Send:
    """Put this message on the link with the peer."""

    peer: NodeId
    message: Message


@dataclass(frozen=True, slots=True)
class CloseLink:
    """End the link with the peer; the reason is for our own log."""

    peer: NodeId
    reason: str


@dataclass(frozen=True, slots=True)
class MoveStage:
    """The connection stage moved, up or down, or only its reason did (`before` is the same)."""

    stage: Stage
    reason: str
    before: Stage
    at: UnixSeconds


@dataclass(frozen=True, slots=True)
class Remember:
    """Keep for the next start: the boot counter in use, past neighbors, and bans."""

    boot: int
    neighbors: tuple[Endpoint, ...]
    bans: tuple[Ban, ...] = ()


Command = Dial | Send | CloseLink | MoveStage | Remember

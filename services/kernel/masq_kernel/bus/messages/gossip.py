"""What gossip says and is asked: neighbors, the neighborhood, routes, the connection stage."""

from typing import Literal

from masq_kernel.bus.messages.base import BusMessage
from masq_kernel.identity.keys import NodeId, WalletAddress
from masq_kernel.rates import RatePack
from masq_kernel.units import Seconds, UnixSeconds

__all__ = [
    "AddressRequested",
    "AddressShown",
    "AddressToSet",
    "BanState",
    "BansListed",
    "BansRequested",
    "ExitCountries",
    "ExitCountriesRequested",
    "Experience",
    "GossipStatus",
    "GossipStatusRequested",
    "Liking",
    "LikingToSet",
    "NeighborState",
    "NeighborhoodRequested",
    "NeighborhoodShown",
    "NeighborsListed",
    "NeighborsRequested",
    "NodeState",
    "PardonRequested",
    "RouteFound",
    "RouteHop",
    "RouteRequested",
    "Stage",
    "StageChanged",
    "StagesListed",
    "StagesRequested",
]

Liking = Literal["never", "less", "more", "always"]
"""How gladly an operator has a node on routes."""

Stage = Literal["starting", "alone", "seeking", "connected", "routable"]
"""Where a node stands on its way into the mesh: no bus yet / no descriptor answered / no full
neighbor yet / at least one full neighbor / round trips of the minimum number of hops exist."""


class StageChanged(BusMessage, frozen=True):
    """The connection stage moved, up or down, or only its reason did (`before` is the same)."""

    stage: Stage
    reason: str
    before: Stage
    at: UnixSeconds


class StagesRequested(BusMessage, frozen=True):
    """Where did we stand, and when?"""


class StagesListed(BusMessage, frozen=True):
    """The last changes of stage since gossip began, the newest first."""

    stages: tuple[StageChanged, ...]


class AddressRequested(BusMessage, frozen=True):
    """Where can others dial this node?"""


class AddressShown(BusMessage, frozen=True):
    """Where others can dial this node."""

    address: str | None  # None: nowhere
    ports: tuple[int, ...]
    is_setting: bool  # as the configuration file says; else it was changed at run time


class AddressToSet(BusMessage, frozen=True):
    """Be dialled here from now on, and after a restart; the answer is what is in force."""

    address: str
    ports: tuple[int, ...] = ()  # (): the ports stay


class GossipStatusRequested(BusMessage, frozen=True):
    """Who are we and how far have we come?"""


class GossipStatus(BusMessage, frozen=True):
    """This node, as it describes itself."""

    node_id: NodeId
    descriptor: str
    chain: str
    mode: Literal["standard", "originate-only", "consume-only", "zero-hop"]
    stage: Stage
    reason: str
    stage_since: UnixSeconds | None  # None: since gossip began
    neighbors: int
    nodes_known: int
    hops_min: int
    rates: RatePack
    earning_wallet: WalletAddress | None  # None: the accountant has not answered yet


class NeighborsRequested(BusMessage, frozen=True):
    """Who are our neighbors?"""


class NeighborState(BusMessage, frozen=True):
    """One neighbor. `edge` is full when both records list the link."""

    node_id: NodeId
    address: str
    ports: tuple[int, ...]
    edge: Literal["half", "full"]
    link_up: bool
    inbound: bool
    since: UnixSeconds
    rates: RatePack | None  # None: its record has not arrived
    degree: int


class NeighborsListed(BusMessage, frozen=True):
    """All neighbors, at most five."""

    neighbors: tuple[NeighborState, ...]


class NeighborhoodRequested(BusMessage, frozen=True):
    """Show the graph."""


class Experience(BusMessage, frozen=True):
    """What our own routes have shown of a node; nobody else is told of it."""

    served: float  # routes, the older the less they count
    lost: float
    success_rate: float  # 1 for a node that no route of ours went through
    latency_s: Seconds | None  # per link of its routes; None: not measured


class NodeState(BusMessage, frozen=True):
    """One node of the graph as its own signed record describes it; never an address.

    `experience` and `liking` are our own: what its routes did for us, what the operator prefers.
    """

    node_id: NodeId
    version: int
    published_at: UnixSeconds
    neighbors: tuple[NodeId, ...]
    hops_away: int | None  # None: no live path
    rates: RatePack
    accepts_connections: bool
    routes_data: bool
    country: str  # two letters, or "" when unknown
    is_self: bool
    experience: Experience
    liking: Liking | None


class NeighborhoodShown(BusMessage, frozen=True):
    """All nodes of our patch."""

    nodes: tuple[NodeState, ...]


class RouteRequested(BusMessage, frozen=True):
    """Find a round trip.

    `hops` is the number of links each way (None: the node's minimum); `exit` fixes the exit
    (None: any), and with `resumes` it may have become our neighbor since our streams began there;
    `avoid` are nodes that must not be on the route; `host` is where the traffic will go ("": not
    known), so that exits that failed there come last.
    """

    hops: int | None = None
    exit: NodeId | None = None
    resumes: bool = False
    avoid: tuple[NodeId, ...] = ()
    host: str = ""


class RouteHop(BusMessage, frozen=True):
    """What the originator must know of one hop to seal its block and to pay it."""

    node_id: NodeId
    onion_key: bytes
    rates: RatePack
    earning_wallet: WalletAddress


class RouteFound(BusMessage, frozen=True):
    """A round trip. `over` ends with the exit; `back` has the relays from the exit's side to ours,
    without exit and originator (empty when the exit is our neighbor and hops is 1).
    """  # noqa: D205 - one sentence

    over: tuple[RouteHop, ...]
    back: tuple[RouteHop, ...]


class BansRequested(BusMessage, frozen=True):
    """Who is banned for misconduct?"""


class BanState(BusMessage, frozen=True):
    """A node that broke the rules of gossip; nobody else is told of it.

    `evidence` is the beginning of the payload that gave offence.
    """

    node_id: NodeId
    offences: int
    reason: str
    since: UnixSeconds
    until: UnixSeconds
    evidence: bytes


class BansListed(BusMessage, frozen=True):
    """All bans in force, the newest first."""

    bans: tuple[BanState, ...]


class PardonRequested(BusMessage, frozen=True):
    """Forget everything held against this node."""

    node_id: NodeId


class ExitCountriesRequested(BusMessage, frozen=True):
    """Where should exits stand?"""


class ExitCountries(BusMessage, frozen=True):
    """Where exits should stand: tiers of country codes, the most preferred first; () for anywhere.

    Asked to set it, gossip answers with what is in force.
    """

    tiers: tuple[tuple[str, ...], ...] = ()
    is_strict: bool = False  # no other country will do


class LikingToSet(BusMessage, frozen=True):
    """How gladly should this node be on our routes? None: like any other."""

    node_id: NodeId
    liking: Liking | None

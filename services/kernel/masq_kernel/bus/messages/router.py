"""What the router says and is asked: links, gossip in and out, sessions, usage."""

from typing import Literal

from masq_kernel.bus.messages.base import BusMessage
from masq_kernel.identity.keys import NodeId, WalletAddress
from masq_kernel.rates import RatePack
from masq_kernel.units import ByteCount, Seconds, UnixSeconds

__all__ = [
    "AskCreditor",
    "AssociationSeen",
    "AssociationSought",
    "CreditorAnswered",
    "DialFailed",
    "DialRequested",
    "GossipReceived",
    "GossipToSend",
    "HostFailed",
    "LinkCloseRequested",
    "LinkClosed",
    "LinkOpened",
    "LinkState",
    "LinksListed",
    "LinksRequested",
    "MoveRequested",
    "OnionKeyAnnounced",
    "RouteLost",
    "RouteServed",
    "RouterStatus",
    "RouterStatusRequested",
    "SessionState",
    "SessionsListed",
    "SessionsRequested",
    "SetupSeen",
    "UsageEntry",
    "UsageReported",
    "VoucherGiven",
    "WorkerState",
    "WorkerTold",
]


class LinkOpened(BusMessage, frozen=True):
    """A peer has proven its NodeId on a link."""

    peer: NodeId
    address: str  # the peer's IP address as the socket shows it, without a port
    inbound: bool


class LinkClosed(BusMessage, frozen=True):
    """The link with this peer is gone."""

    peer: NodeId
    reason: str
    misconduct: bool = False  # the peer broke the rules of the link, by a flood for example


class DialFailed(BusMessage, frozen=True):
    """A wanted link could not be opened; nobody retries unless gossip asks again."""

    peer: NodeId
    reason: str


class GossipReceived(BusMessage, frozen=True):
    """A GOSSIP frame from a proven peer; `payload` is not yet parsed."""

    peer: NodeId
    address: str
    payload: bytes


class GossipToSend(BusMessage, frozen=True):
    """Put this payload into a GOSSIP frame to the peer; dropped and counted if there is no link."""

    peer: NodeId
    payload: bytes


class DialRequested(BusMessage, frozen=True):
    """Open a link with this peer at one of these endpoints; LinkOpened or DialFailed follows."""

    peer: NodeId
    address: str
    ports: tuple[int, ...]


class MoveRequested(BusMessage, frozen=True):
    """Take and make links at this node's new place, where they were bound to the old one.

    Refused when nothing can listen there; then everything is as it was.
    """

    old_address: str | None  # as the configuration file says; None: nothing
    old_ports: tuple[int, ...]
    address: str
    ports: tuple[int, ...]


class LinkCloseRequested(BusMessage, frozen=True):
    """Close the link with this peer, if there is one."""

    peer: NodeId
    reason: str


class LinksRequested(BusMessage, frozen=True):
    """Which links are open?"""


class LinkState(BusMessage, frozen=True):
    """The open link with one peer, or all of them together: workers have links of their own."""

    peer: NodeId
    address: str
    inbound: bool
    opened_at: UnixSeconds
    rtt_ms: float | None  # None: not measured yet
    bytes_in: ByteCount
    bytes_out: ByteCount
    links: int = 1


class LinksListed(BusMessage, frozen=True):
    """All peers with whom a link is open."""

    links: tuple[LinkState, ...]


class OnionKeyAnnounced(BusMessage, frozen=True):
    """The router's current onion key: MLKEM768_X25519 public key, 1,216 bytes."""

    public_key: bytes
    expires_at: UnixSeconds


class RouteServed(BusMessage, frozen=True):
    """A round trip of ours has answered for the first time; its relays and its exit."""

    nodes: tuple[NodeId, ...]
    latency_s: Seconds  # from the SETUP to the exit's first answer


class RouteLost(BusMessage, frozen=True):
    """A round trip of ours never answered, or broke; the nodes that may have been at fault."""

    nodes: tuple[NodeId, ...]


class HostFailed(BusMessage, frozen=True):
    """An exit could not or would not reach a host for us. Stays on this node."""

    exit: NodeId
    host: str


class RouterStatusRequested(BusMessage, frozen=True):
    """What does the router do right now?"""


class RouterStatus(BusMessage, frozen=True):
    """Addresses in use and the size of every table."""

    onion_key: OnionKeyAnnounced
    listen_address: str | None  # None: takes no links
    listen_port: int | None
    proxy_address: str | None  # None: serves no clients
    proxy_port: int | None
    links: int
    sessions: int
    streams: int
    refusing: str = ""  # why the last client was refused, "" once one was served again
    workers: tuple["WorkerState", ...] = ()  # all that share the work, the one that answers too


class WorkerState(BusMessage, frozen=True):
    """One router process of this node."""

    worker: bytes  # 8 bytes, drawn at its start; zeros where it works alone
    pid: int
    started_at: UnixSeconds
    links: int
    sessions: int
    streams: int
    trouble: str = ""  # what it misses, "" when it is well


class WorkerTold(BusMessage, frozen=True):
    """What a router process tells the others of its node, every second and at each change."""

    state: WorkerState
    address: str  # where the others reach it
    port: int  # 0: it is going
    links: tuple[LinkState, ...]
    refusing: str = ""


class SetupSeen(BusMessage, frozen=True):
    """A SETUP that a router process has taken; whoever sees it again drops it."""

    worker: bytes
    slot_hash: bytes
    expires_at: UnixSeconds


class AssociationSought(BusMessage, frozen=True):
    """Do you serve the association with this SHA-256 of its secret?"""

    secret_hash: bytes


class AssociationSeen(BusMessage, frozen=True):
    """Whether it does."""

    is_here: bool


class SessionsRequested(BusMessage, frozen=True):
    """Which route sessions live here?"""


class SessionState(BusMessage, frozen=True):
    """One live route session as this node knows it.

    `hops` is known to the originator only: the NodeIds after it, in order.
    """

    session_id: bytes
    role: Literal["origin", "relay", "exit"]
    direction: Literal["over", "back"]
    age_s: float
    packages: int
    size: ByteCount
    amount: str  # wei in decimal: charged so far (relay, exit) or owed so far (origin)
    hops: tuple[NodeId, ...] = ()


class SessionsListed(BusMessage, frozen=True):
    """All live route sessions."""

    sessions: tuple[SessionState, ...]


class UsageEntry(BusMessage, frozen=True):
    """What one hop of one session did since the last report.

    `wallet` is the other side: who owes us (provided) or whom we owe (consumed). The payer proof of
    a provided session has been verified by the router. `amount` is in wei, in decimal, because it
    may exceed 64 bits.
    """

    session_id: bytes
    side: Literal["provided", "consumed"]
    service: Literal["routing", "exit"]
    wallet: WalletAddress
    packages: int
    size: ByteCount
    amount: str
    node: NodeId | None = None  # whom we owe (consumed)


class AskCreditor(BusMessage, frozen=True):
    """Carry a question to a node over a route that ends there, and bring the answer."""

    node_id: NodeId
    question: bytes


class CreditorAnswered(BusMessage, frozen=True):
    """The answer as it came; whoever asked checks it."""

    answer: bytes


class VoucherGiven(BusMessage, frozen=True):
    """A payer's word for what it owes us in all: a payer proof, which the router has verified."""

    wallet: WalletAddress
    secret_hash: bytes
    rates: RatePack
    expires_at: UnixSeconds
    owed: str  # wei, in decimal
    sequence: int
    signature: bytes


class UsageReported(BusMessage, frozen=True):
    """A batch of usage; applied exactly once by its `event_id` (accounting.md section 1)."""

    event_id: str
    at: UnixSeconds
    entries: tuple[UsageEntry, ...]
    vouchers: tuple[VoucherGiven, ...] = ()

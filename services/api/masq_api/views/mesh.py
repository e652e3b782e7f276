"""Neighbors, the neighborhood and route sessions."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from masq_api.views.values import Masq, NodeIdText, RatesView, WeiText, masq, moment
from masq_kernel.bus.messages.gossip import Experience, NeighborState, NodeState
from masq_kernel.bus.messages.router import LinkState, SessionState

__all__ = [
    "NeighborView",
    "NeighborhoodView",
    "Neighbors",
    "NodeOfGraph",
    "ReputationView",
    "SessionView",
    "Sessions",
]


class NeighborView(BaseModel):
    """One neighbor."""

    node_id: NodeIdText
    address: str = Field(examples=["203.0.113.7"])
    ports: list[int]
    edge: Literal["half", "full"] = Field(description="full: both records list the link")
    link_up: bool
    links: int = Field(description="More than one where either node has several router processes")
    inbound: bool = Field(description="Whether it dialled us")
    since: datetime
    degree: int = Field(description="How many neighbors it has")
    rates: RatesView | None = Field(description="null: its record has not arrived")
    rtt_ms: float | None = Field(description="Round trip on the link; null: not measured yet")
    bytes_in: int
    bytes_out: int

    @classmethod
    def of(cls, neighbor: NeighborState, link: LinkState | None) -> "NeighborView":
        """Show what gossip says of a neighbor, and the router of its link."""
        return cls(
            node_id=neighbor.node_id.text,
            address=neighbor.address,
            ports=list(neighbor.ports),
            edge=neighbor.edge,
            link_up=link is not None,
            links=link.links if link else 0,
            inbound=neighbor.inbound,
            since=moment(neighbor.since),
            degree=neighbor.degree,
            rates=RatesView.of(neighbor.rates) if neighbor.rates else None,
            rtt_ms=link.rtt_ms if link else None,
            bytes_in=link.bytes_in if link else 0,
            bytes_out=link.bytes_out if link else 0,
        )


class Neighbors(BaseModel):
    """All neighbors, at most five."""

    items: list[NeighborView]


class ReputationView(BaseModel):
    """What our own routes have shown of a node. Everything counts half after half an hour."""

    served: float = Field(description="Routes of ours it was on that answered")
    lost: float = Field(description="Routes of ours it was on that never answered, or broke")
    success_rate: float = Field(description="1 for a node that no route of ours went through")
    latency_ms: float | None = Field(description="Per link of its routes; null: not measured")

    @classmethod
    def of(cls, experience: Experience) -> "ReputationView":
        """Show what gossip remembers."""
        latency = experience.latency_s
        return cls(
            served=round(experience.served, 3),
            lost=round(experience.lost, 3),
            success_rate=round(experience.success_rate, 4),
            latency_ms=None if latency is None else round(latency * 1000, 3),
        )


class NodeOfGraph(BaseModel):
    """One node as its own signed record describes it, and what we think of it; never an address."""

    node_id: NodeIdText
    version: int
    published_at: datetime
    neighbors: list[NodeIdText]
    hops_away: int | None = Field(description="null: no live path")
    rates: RatesView
    accepts_connections: bool
    routes_data: bool
    country: str = Field(description="Two letters, or empty", examples=["CH"])
    is_self: bool
    reputation: ReputationView
    preference: Literal["never", "less", "more", "always"] | None = Field(
        description="How gladly the operator has it on routes; null: like any other"
    )

    @classmethod
    def of(cls, node: NodeState) -> "NodeOfGraph":
        """Show a record."""
        return cls(
            node_id=node.node_id.text,
            version=node.version,
            published_at=moment(node.published_at),
            neighbors=[each.text for each in node.neighbors],
            hops_away=node.hops_away,
            rates=RatesView.of(node.rates),
            accepts_connections=node.accepts_connections,
            routes_data=node.routes_data,
            country=node.country,
            is_self=node.is_self,
            reputation=ReputationView.of(node.experience),
            preference=node.liking,
        )


class NeighborhoodView(BaseModel):
    """The graph that this node knows."""

    items: list[NodeOfGraph]


class SessionView(BaseModel):
    """One live route session as this node knows it."""

    session_id: str = Field(description="16 bytes in hexadecimal")
    role: Literal["origin", "relay", "exit"]
    direction: Literal["over", "back"]
    age_s: float
    packages: int
    size: int = Field(description="Bytes, as they are charged")
    amount: WeiText
    amount_masq: Masq
    hops: list[NodeIdText] = Field(description="Known to the originator only")

    @classmethod
    def of(cls, session: SessionState) -> "SessionView":
        """Show a session."""
        return cls(
            session_id=session.session_id.hex(),
            role=session.role,
            direction=session.direction,
            age_s=session.age_s,
            packages=session.packages,
            size=session.size,
            amount=session.amount,
            amount_masq=masq(session.amount),
            hops=[hop.text for hop in session.hops],
        )


class Sessions(BaseModel):
    """All live route sessions."""

    items: list[SessionView]

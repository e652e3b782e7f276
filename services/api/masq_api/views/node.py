"""This node, its services and its health."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from masq_api.node import ServiceState
from masq_api.views.values import NodeIdText, RatesView, WalletText, moment
from masq_kernel.bus.messages.gossip import GossipStatus, StageChanged
from masq_kernel.bus.messages.router import RouterStatus, WorkerState
from masq_kernel.bus.subjects import Service

__all__ = ["Alive", "NodeView", "Readiness", "ServiceView", "StageView", "Stages"]

StageName = Literal["starting", "alone", "seeking", "connected", "routable"]


class ServiceView(BaseModel):
    """One process of the node."""

    ready: bool
    version: str | None = Field(description="null: it does not answer")
    uptime_s: float | None = Field(description="Seconds since it started")
    dependencies: dict[str, str] = Field(
        description="What it needs: `ok`, or what is wrong", examples=[{"bus": "ok"}]
    )

    @classmethod
    def of(cls, state: ServiceState) -> "ServiceView":
        """Show a service's state."""
        return cls(
            ready=state.ready,
            version=state.version,
            uptime_s=state.uptime_s,
            dependencies=state.dependencies,
        )


class ListenerView(BaseModel):
    """An address and a port of this machine."""

    address: str = Field(examples=["127.0.0.1"])
    port: int = Field(examples=[1080])

    @classmethod
    def of(cls, address: str | None, port: int | None) -> "ListenerView | None":
        """Show a listener; None when there is none."""
        if address is None or port is None:
            return None
        return cls(address=address, port=port)


class WorkerView(BaseModel):
    """One of the router processes that share the node's work."""

    worker: str = Field(description="Its name, drawn at its start", examples=["9f86d081884c7d65"])
    pid: int
    started_at: datetime
    links: int
    sessions: int
    streams: int
    trouble: str = Field(description="What it misses; empty: nothing")

    @classmethod
    def of(cls, state: WorkerState) -> "WorkerView":
        """Show what a process says of itself."""
        return cls(
            worker=state.worker.hex(),
            pid=state.pid,
            started_at=moment(state.started_at),
            links=state.links,
            sessions=state.sessions,
            streams=state.streams,
            trouble=state.trouble,
        )


class NodeView(BaseModel):
    """This node."""

    node_id: NodeIdText
    descriptor: str = Field(
        description="What to give to others", examples=["masq://dev:LQ7m...@203.0.113.7:4321"]
    )
    chain: str = Field(examples=["base-mainnet"])
    mode: Literal["standard", "originate-only", "consume-only", "zero-hop"]
    stage: StageName = Field(description="How far it has come into the mesh")
    stage_reason: str = Field(description="Why it stands there, and what was lost on the way down")
    stage_since: datetime | None = Field(description="null: since gossip began")
    version: str
    uptime_s: float
    hops_min: int = Field(description="Links of a route each way, at least")
    neighbors: int
    nodes_known: int
    links: int = Field(description="Each worker has its own, so there may be several with a peer")
    sessions: int
    streams: int
    workers: list[WorkerView] = Field(description="The router processes")
    rates: RatesView
    earning_wallet: WalletText | None
    listener: ListenerView | None = Field(description="Where links are taken; null: nowhere")
    proxy: ListenerView | None = Field(description="SOCKS5 and HTTP CONNECT; null: none")
    refusing: str = Field(description="Why clients are refused now; empty: the last was served")
    services: dict[Service, ServiceView]

    @classmethod
    def of(
        cls,
        gossip: GossipStatus,
        router: RouterStatus,
        services: dict[Service, ServiceState],
        *,
        version: str,
        uptime_s: float,
    ) -> "NodeView":
        """Show what gossip and router say."""
        return cls(
            node_id=gossip.node_id.text,
            descriptor=gossip.descriptor,
            chain=gossip.chain,
            mode=gossip.mode,
            stage=gossip.stage,
            stage_reason=gossip.reason,
            stage_since=None if gossip.stage_since is None else moment(gossip.stage_since),
            version=version,
            uptime_s=round(uptime_s, 3),
            hops_min=gossip.hops_min,
            neighbors=gossip.neighbors,
            nodes_known=gossip.nodes_known,
            links=router.links,
            sessions=router.sessions,
            streams=router.streams,
            workers=[WorkerView.of(state) for state in router.workers],
            rates=RatesView.of(gossip.rates),
            earning_wallet=gossip.earning_wallet.text if gossip.earning_wallet else None,
            listener=ListenerView.of(router.listen_address, router.listen_port),
            proxy=ListenerView.of(router.proxy_address, router.proxy_port),
            refusing=router.refusing,
            services={name: ServiceView.of(state) for name, state in services.items()},
        )


class StageView(BaseModel):
    """One change of the connection stage."""

    at: datetime
    before: StageName
    stage: StageName
    reason: str

    @classmethod
    def of(cls, moved: StageChanged) -> "StageView":
        """Show one change."""
        return cls(at=moment(moved.at), before=moved.before, stage=moved.stage, reason=moved.reason)


class Stages(BaseModel):
    """The last changes of the connection stage."""

    items: list[StageView] = Field(description="The newest first, at most 50")


class Alive(BaseModel):
    """The API answers."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Whether the node can do its work, and if not, what is missing."""

    ready: bool
    services: dict[Service, ServiceView]

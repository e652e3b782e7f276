"""`/v1/node`: this node, and how far it has come."""

import asyncio

from fastapi import APIRouter, Depends

from masq_api.auth import requires
from masq_api.node import NodeDependency
from masq_api.problems import responses
from masq_api.views.node import NodeView, Stages, StageView
from masq_kernel import __version__
from masq_kernel.bus import subjects
from masq_kernel.bus.messages.gossip import GossipStatusRequested, StagesRequested
from masq_kernel.bus.messages.router import RouterStatusRequested

__all__ = ["router"]

router = APIRouter(
    prefix="/v1",
    tags=["node"],
    dependencies=[Depends(requires("node:read"))],
    responses=responses(401, 403, 429, 502, 503, 504),
)


@router.get("/node", summary="This node: identity, stage, services")
async def show_node(node: NodeDependency) -> NodeView:
    """Identity, descriptor, how far it has come into the mesh, and how each service is."""
    gossip, router_status, services = await asyncio.gather(
        node.ask(subjects.GOSSIP_STATUS, GossipStatusRequested()),
        node.ask(subjects.ROUTER_STATUS, RouterStatusRequested()),
        node.services(),
    )
    return NodeView.of(gossip, router_status, services, version=__version__, uptime_s=node.uptime_s)


@router.get("/node/stages", summary="How the connection stage changed")
async def list_stages(node: NodeDependency) -> Stages:
    """The last 50 changes since gossip began: up and down, when and why."""
    listed = await node.ask(subjects.STAGES, StagesRequested())
    return Stages(items=[StageView.of(moved) for moved in listed.stages])

"""`/v1/neighbors`, `/v1/neighborhood` and `/v1/sessions`."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import PlainTextResponse, Response

from masq_api.auth import requires
from masq_api.names import NodeIdInPath
from masq_api.node import Node, NodeDependency
from masq_api.problems import ProblemError, responses
from masq_api.views.graphs import dot, graphml
from masq_api.views.mesh import (
    NeighborhoodView,
    Neighbors,
    NeighborView,
    NodeOfGraph,
    Sessions,
    SessionView,
)
from masq_kernel.bus import subjects
from masq_kernel.bus.messages.gossip import NeighborhoodRequested, NeighborsRequested
from masq_kernel.bus.messages.router import LinksRequested, SessionsRequested
from masq_kernel.identity.keys import NodeId

__all__ = ["router"]

router = APIRouter(
    prefix="/v1",
    tags=["mesh"],
    dependencies=[Depends(requires("node:read"))],
    responses=responses(401, 403, 429, 502, 503, 504),
)


async def _neighbors(node: Node) -> list[NeighborView]:
    listed, links = await asyncio.gather(
        node.ask(subjects.NEIGHBORS, NeighborsRequested()),
        node.ask(subjects.LINKS, LinksRequested()),
    )
    link_of = {link.peer: link for link in links.links}
    return [NeighborView.of(each, link_of.get(each.node_id)) for each in listed.neighbors]


@router.get("/neighbors", summary="The nodes this node is linked with")
async def list_neighbors(node: NodeDependency) -> Neighbors:
    """Link state, direction, round trip and traffic of each neighbor."""
    return Neighbors(items=await _neighbors(node))


@router.get("/neighbors/{node_id}", summary="One neighbor", responses=responses(404, 422))
async def show_neighbor(node_id: NodeIdInPath, node: NodeDependency) -> NeighborView:
    """The same for one of them."""
    wanted = NodeId.from_text(node_id).text
    for neighbor in await _neighbors(node):
        if neighbor.node_id == wanted:
            return neighbor
    raise ProblemError(404, "not-found", "This node is no neighbor; /v1/neighbors lists them.")


@router.get(
    "/neighborhood",
    summary="The graph of nodes this node knows",
    response_model=NeighborhoodView,
    responses={
        200: {"content": {"text/vnd.graphviz": {}, "application/graphml+xml": {}}},
        **responses(422),
    },
)
async def show_neighborhood(
    node: NodeDependency,
    form: Annotated[
        Literal["json", "dot", "graphml"], Query(alias="format", description="For graph tools")
    ] = "json",
) -> NeighborhoodView | Response:
    """Every node within the horizon as its own signed record describes it."""
    shown = await node.ask(subjects.NEIGHBORHOOD, NeighborhoodRequested())
    if form == "dot":
        return PlainTextResponse(dot(shown.nodes), media_type="text/vnd.graphviz")
    if form == "graphml":
        return PlainTextResponse(graphml(shown.nodes), media_type="application/graphml+xml")
    return NeighborhoodView(items=[NodeOfGraph.of(each) for each in shown.nodes])


@router.get("/sessions", summary="Live route sessions")
async def list_sessions(node: NodeDependency) -> Sessions:
    """What this node originates, relays and exits now. Only the originator knows the hops."""
    listed = await node.ask(subjects.SESSIONS, SessionsRequested())
    return Sessions(items=[SessionView.of(each) for each in listed.sessions])

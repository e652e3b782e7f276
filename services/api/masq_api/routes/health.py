"""`/healthz`, `/readyz` and `/metrics`, for probes and Prometheus."""

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CollectorRegistry, generate_latest

from masq_api.auth import requires
from masq_api.node import NodeDependency
from masq_api.problems import responses
from masq_api.views.node import Alive, Readiness, ServiceView

__all__ = ["router"]

_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Is the API alive?")
async def show_alive() -> Alive:
    """Answers as long as this process does; needs no token."""
    return Alive()


@router.get(
    "/readyz",
    summary="Can the node do its work?",
    responses={503: {"model": Readiness, "description": "Something is missing"}},
)
async def show_readiness(node: NodeDependency, response: Response) -> Readiness:
    """Each service with what it needs; 503 while anything is missing. Needs no token."""
    states = await node.services()
    ready = all(state.ready for state in states.values())
    if not ready:
        response.status_code = 503
    views = {name: ServiceView.of(state) for name, state in states.items()}
    return Readiness(ready=ready, services=views)


@router.get(
    "/metrics",
    summary="Prometheus metrics of all services",
    dependencies=[Depends(requires("metrics:read"))],
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {}}}, **responses(401, 403, 429)},
)
async def show_metrics(node: NodeDependency, request: Request) -> Response:
    """Each service's metrics have names of their own, so they are put one after another."""
    registry: CollectorRegistry = request.app.state.metrics
    own = generate_latest(registry).decode("utf-8")
    return Response("".join([own, *await node.metrics()]), media_type=_PROMETHEUS)

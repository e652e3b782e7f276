"""The FastAPI application: what it consists of, without how it is served."""

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from masq_api.auth import Guard
from masq_api.feed import EventFeed
from masq_api.node import Node
from masq_api.problems import install_problem_handlers, responses
from masq_api.routes import (
    address,
    audit,
    bans,
    dashboard,
    events,
    evidence,
    health,
    ledger,
    mesh,
    node,
    preferences,
    settlement,
    thresholds,
)
from masq_api.shield import Shield
from masq_kernel import __version__
from masq_kernel.clock import SystemClock
from masq_kernel.entropy import OsEntropy

__all__ = ["make_app"]

_DESCRIPTION = """\
What a node does, who its neighbors are, and who owes whom.

Amounts are decimal strings in wei of MASQ (10^18 wei are 1 MASQ), times RFC 3339 in UTC, ages in
seconds. Errors are problem details (RFC 9457); their `detail` says what to do next.
"""


def make_app(
    behind: Node, guard: Guard, metrics: CollectorRegistry, feed: EventFeed | None = None
) -> FastAPI:
    """Return the application.

    Args:
        behind: the node's services.
        guard: checks tokens.
        metrics: what this process counts.
        feed: events, read already; None: one without any.
    """
    app = FastAPI(
        title="masq node",
        version=__version__,
        summary="Management API of a masq node",
        description=_DESCRIPTION,
        docs_url=None,  # these pages load their scripts from a third-party host
        redoc_url=None,
        redirect_slashes=False,  # a redirect would name whatever host a request does
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    app.state.node, app.state.guard, app.state.metrics = behind, guard, metrics
    app.state.feed = feed or EventFeed()
    install_problem_handlers(app)
    app.add_middleware(Shield, entropy=OsEntropy(), registry=metrics, clock=SystemClock())
    app.state.routers = [
        resource.router
        for resource in (
            dashboard,
            health,
            node,
            address,
            mesh,
            preferences,
            bans,
            ledger,
            evidence,
            events,
            settlement,
            thresholds,
            audit,
        )
    ]
    for router in app.state.routers:
        app.include_router(router, responses=responses(400, 413))
    return app

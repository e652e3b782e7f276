"""`/v1/disputes` and `/v1/ledger/reconciliation`: whose books do not agree with ours."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from masq_api.auth import requires
from masq_api.names import NodeIdInQuery
from masq_api.node import NodeDependency
from masq_api.problems import responses
from masq_api.views.evidence import Disputes, DisputeView, ReconciliationView
from masq_kernel.bus import subjects
from masq_kernel.bus.messages.evidence import DisputesRequested, ReconciliationRequested
from masq_kernel.identity.keys import NodeId

__all__ = ["router"]

router = APIRouter(
    prefix="/v1",
    tags=["evidence"],
    dependencies=[Depends(requires("ledger:read"))],
    responses=responses(401, 403, 429, 502, 503, 504),
)

OnlyOpen = Annotated[bool, Query(alias="open", description="Only those that are not closed")]


@router.get("/disputes", summary="Whose books do not agree with ours", responses=responses(422))
async def list_disputes(node: NodeDependency, is_open: OnlyOpen = False) -> Disputes:
    """On either side, the newest first, with what both have signed."""
    listed = await node.ask(subjects.DISPUTES, DisputesRequested(is_open=is_open))
    return Disputes(items=[DisputeView.of(each) for each in listed.disputes])


@router.get("/ledger/reconciliation", summary="What our creditors say that we owe them")
async def show_reconciliation(node: NodeDependency) -> ReconciliationView:
    """The comparison that goes on, or was the last."""
    return ReconciliationView.of(await node.ask(subjects.RECONCILE, ReconciliationRequested()))


@router.post(
    "/ledger/reconciliation",
    status_code=202,
    summary="Ask our creditors now",
    responses=responses(404, 422),
    dependencies=[Depends(requires("scans:run"))],
)
async def reconcile(node: NodeDependency, creditor: NodeIdInQuery = None) -> ReconciliationView:
    """Goes on in the background, through a route to each; goes on by itself once an hour."""
    node_id = NodeId.from_text(creditor) if creditor else None
    message = ReconciliationRequested(start=True, node_id=node_id)
    return ReconciliationView.of(await node.ask(subjects.RECONCILE, message))

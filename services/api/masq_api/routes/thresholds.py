"""`/v1/thresholds`: when debts are due and debtors refused; changed only by who saw what is there.

The ETag is the revision in force. A change must carry it in If-Match, so that of two operators who
change the same values at once, the second learns of the first.
"""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Response

from masq_api.auth import requires
from masq_api.etags import changed, etag, revision_of
from masq_api.node import NodeDependency
from masq_api.problems import responses
from masq_api.views.thresholds import (
    Meanings,
    PreviewView,
    ThresholdsHistoryView,
    ThresholdsView,
)
from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, Refusal
from masq_kernel.bus.messages.accountant import (
    ThresholdsHistoryRequested,
    ThresholdsRequested,
    ThresholdsShown,
    ThresholdsToPreview,
    ThresholdsToSet,
)
from masq_kernel.bus.messages.gossip import GossipStatusRequested
from masq_kernel.identity.tokens import Token

__all__ = ["router"]

router = APIRouter(
    prefix="/v1/thresholds", tags=["ledger"], responses=responses(401, 403, 429, 502, 503, 504)
)


def _show(shown: ThresholdsShown, response: Response) -> ThresholdsView:
    response.headers["ETag"] = etag(shown.revision)
    return ThresholdsView.of(shown.values)


@router.get(
    "",
    summary="When debts are due and debtors refused",
    dependencies=[Depends(requires("ledger:read"))],
)
async def show_thresholds(node: NodeDependency, response: Response) -> ThresholdsView:
    """The values in force; the ETag names their revision."""
    return _show(await node.ask(subjects.THRESHOLDS, ThresholdsRequested()), response)


@router.get(
    "/meaning",
    summary="How much traffic the thresholds stand for",
    dependencies=[Depends(requires("ledger:read"))],
)
async def show_meaning(node: NodeDependency) -> Meanings:
    """The amounts in force as MASQ, and as bytes at this node's rates."""
    shown, status = await asyncio.gather(
        node.ask(subjects.THRESHOLDS, ThresholdsRequested()),
        node.ask(subjects.GOSSIP_STATUS, GossipStatusRequested()),
    )
    return Meanings.of(shown.values, status.rates)


@router.put("", summary="Change thresholds", responses=responses(412, 422, 428))
async def set_thresholds(
    wanted: ThresholdsView,
    node: NodeDependency,
    response: Response,
    token: Annotated[Token, Depends(requires("thresholds:write"))],
    if_match: Annotated[str | None, Header(description="The ETag of what is in force")] = None,
) -> ThresholdsView:
    """Holds at once, for debts that are old already too, and after a restart."""
    revision = revision_of(if_match, "/v1/thresholds")
    message = ThresholdsToSet(values=wanted.to_message(), revision=revision, by=token.token_id)
    before = await node.ask(subjects.THRESHOLDS, ThresholdsRequested())
    try:
        shown = await node.ask(subjects.SET_THRESHOLDS, message)
    except BusRefused as refused:
        if refused.code is Refusal.CONFLICT:
            raise changed("/v1/thresholds") from None
        raise
    view = _show(shown, response)
    node.audit.record(
        "thresholds changed",
        token.token_id,
        before=ThresholdsView.of(before.values).model_dump(),
        after=view.model_dump(),
    )
    return view


@router.post(
    "/preview",
    summary="What other thresholds would do",
    responses=responses(422),
    dependencies=[Depends(requires("ledger:read"))],
)
async def preview_thresholds(wanted: ThresholdsView, node: NodeDependency) -> PreviewView:
    """Who would be banned or served again at once; changes nothing."""
    message = ThresholdsToPreview(values=wanted.to_message())
    return PreviewView.of(await node.ask(subjects.PREVIEW_THRESHOLDS, message))


@router.get(
    "/history",
    summary="How thresholds were changed",
    responses=responses(422),
    dependencies=[Depends(requires("ledger:read"))],
)
async def list_threshold_changes(
    node: NodeDependency,
    limit: Annotated[int, Query(ge=1, le=1_000, description="Items of one page")] = 100,
    cursor: Annotated[
        int | None, Query(ge=1, le=(1 << 63) - 1, description="`next` of the page before")
    ] = None,
) -> ThresholdsHistoryView:
    """Every change, newest first, with the values before and after."""
    message = ThresholdsHistoryRequested(before=cursor, limit=limit)
    return ThresholdsHistoryView.of(await node.ask(subjects.THRESHOLDS_HISTORY, message))

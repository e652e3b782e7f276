"""`/v1/bans`: who is refused, why, and pardon."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends

from masq_api.auth import requires
from masq_api.node import NodeDependency
from masq_api.problems import responses
from masq_api.views.bans import Bans, BanView
from masq_kernel.bus import subjects
from masq_kernel.bus.messages.gossip import BansRequested, PardonRequested
from masq_kernel.identity.keys import NodeId
from masq_kernel.identity.tokens import Token

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["bans"], responses=responses(401, 403, 429, 502, 503, 504))

_audit = structlog.get_logger("audit")


@router.get(
    "/bans", summary="Who is refused, and why", dependencies=[Depends(requires("node:read"))]
)
async def list_bans(node: NodeDependency) -> Bans:
    """Nodes banned for misconduct in gossip, with the evidence."""
    listed = await node.ask(subjects.BANS, BansRequested())
    return Bans(items=[BanView.of(ban) for ban in listed.bans])


@router.delete(
    "/bans/{node_id}", status_code=204, summary="Pardon a node", responses=responses(404, 422)
)
async def pardon(
    node_id: str, node: NodeDependency, token: Annotated[Token, Depends(requires("bans:write"))]
) -> None:
    """Forget everything held against it; it may link again at once."""
    pardoned = NodeId.from_text(node_id)
    await node.ask(subjects.PARDON, PardonRequested(node_id=pardoned))
    _audit.info("node pardoned", token=token.token_id, node=pardoned.short)

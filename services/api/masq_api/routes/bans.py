"""`/v1/bans`: who is refused, why, and what an operator decides about that."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query

from masq_api.auth import requires
from masq_api.names import NodeIdInPath, WalletInPath
from masq_api.node import Node, NodeDependency
from masq_api.problems import responses
from masq_api.views.bans import Bans, BanView, DecisionChange, FinancialBanView
from masq_api.views.values import WALLET_PATTERN
from masq_kernel.bus import subjects
from masq_kernel.bus.messages.accountant import (
    DecisionKind,
    DecisionToMake,
    WalletBansRequested,
)
from masq_kernel.bus.messages.gossip import BansRequested, PardonRequested
from masq_kernel.identity.keys import NodeId, WalletAddress
from masq_kernel.identity.tokens import Token

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["bans"], responses=responses(401, 403, 429, 502, 503, 504))

Changer = Annotated[Token, Depends(requires("bans:write"))]


@router.get(
    "/bans",
    summary="Who is refused, and why",
    responses=responses(422),
    dependencies=[Depends(requires("node:read"))],
)
async def list_bans(
    node: NodeDependency,
    kind: Annotated[
        Literal["misconduct", "financial"] | None, Query(description="Only these")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1_000, description="Wallets of one page")] = 100,
    cursor: Annotated[
        str | None, Query(pattern=WALLET_PATTERN, description="`next` of the page before")
    ] = None,
) -> Bans:
    """Nodes banned for misconduct in gossip, with the evidence, and wallets that do not pay."""
    items: list[BanView | FinancialBanView] = []
    if kind != "financial" and cursor is None:
        listed = await node.ask(subjects.BANS, BansRequested())
        items.extend(BanView.of(ban) for ban in listed.bans)
    if kind == "misconduct":
        return Bans(items=items, next=None)
    after = WalletAddress.from_text(cursor) if cursor else None
    page = await node.ask(subjects.WALLET_BANS, WalletBansRequested(after=after, limit=limit))
    items.extend(FinancialBanView.of(stance) for stance in page.wallets)
    return Bans(items=items, next=page.wallets[-1].wallet.text if page.more else None)


@router.put(
    "/bans/wallets/{wallet}", summary="Decide about a wallet", responses=responses(404, 422)
)
async def decide(
    wallet: WalletInPath, wanted: DecisionChange, node: NodeDependency, token: Changer
) -> FinancialBanView:
    """Ban, pardon or whitelist it. Goes before what its account calls for, at once."""
    return await _decide(node, wallet, wanted.decision, wanted.note, token)


@router.delete(
    "/bans/wallets/{wallet}", summary="Withdraw a decision", responses=responses(404, 422)
)
async def withdraw(wallet: WalletInPath, node: NodeDependency, token: Changer) -> FinancialBanView:
    """From now on its account alone decides whether it is served."""
    return await _decide(node, wallet, None, "", token)


async def _decide(
    node: Node, wallet: str, decision: DecisionKind | None, note: str, token: Token
) -> FinancialBanView:
    address = WalletAddress.from_text(wallet)
    message = DecisionToMake(wallet=address, decision=decision, by=token.token_id, note=note)
    shown = FinancialBanView.of(await node.ask(subjects.DECIDE, message))
    node.audit.record(
        "decided about a wallet",
        token.token_id,
        wallet=address.text,
        decision=decision,
        note=note,
    )
    return shown


@router.delete(
    "/bans/{node_id}", status_code=204, summary="Pardon a node", responses=responses(404, 422)
)
async def pardon(node_id: NodeIdInPath, node: NodeDependency, token: Changer) -> None:
    """Forget everything held against it; it may link again at once."""
    pardoned = NodeId.from_text(node_id)
    await node.ask(subjects.PARDON, PardonRequested(node_id=pardoned))
    node.audit.record("node pardoned", token.token_id, node=pardoned.short)

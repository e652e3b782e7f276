"""`/v1/settlements`, `/v1/wallets` and `/v1/scans`: what was paid, and with what."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Response

from masq_api.auth import requires
from masq_api.etags import changed, etag, revision_of
from masq_api.names import WalletInQuery
from masq_api.node import NodeDependency
from masq_api.problems import responses
from masq_api.views.settlement import (
    ScanIntervalsView,
    Scans,
    ScanStateView,
    ScanToRun,
    Settlements,
    SettlementView,
    WalletsView,
)
from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, Refusal
from masq_kernel.bus.messages.settlement import (
    BalancesRequested,
    PaymentPhase,
    PaymentsRequested,
    ScanIntervalsRequested,
    ScansRequested,
)
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.identity.tokens import Token

__all__ = ["router"]

router = APIRouter(
    prefix="/v1", tags=["settlement"], responses=responses(401, 403, 429, 502, 503, 504)
)

_NUMBER_MAX = (1 << 63) - 1


@router.get(
    "/settlements",
    summary="What we have paid",
    responses=responses(422),
    dependencies=[Depends(requires("ledger:read"))],
)
async def list_settlements(
    node: NodeDependency,
    phase: Annotated[PaymentPhase | None, Query(description="Only these")] = None,
    wallet: WalletInQuery = None,
    limit: Annotated[int, Query(ge=1, le=1_000, description="Items of one page")] = 100,
    cursor: Annotated[
        int | None, Query(ge=1, le=_NUMBER_MAX, description="`next` of the page before")
    ] = None,
) -> Settlements:
    """Payments under way and finished ones, the newest first."""
    message = PaymentsRequested(
        phase=phase,
        wallet=WalletAddress.from_text(wallet) if wallet else None,
        before=cursor,
        limit=limit,
    )
    listed = await node.ask(subjects.PAYMENTS, message)
    following = str(listed.payments[-1].number) if listed.more else None
    return Settlements(items=[SettlementView.of(each) for each in listed.payments], next=following)


@router.get(
    "/settlements/{number}",
    summary="One payment",
    responses=responses(404, 422),
    dependencies=[Depends(requires("ledger:read"))],
)
async def show_settlement(
    number: Annotated[int, Path(ge=1, le=_NUMBER_MAX)], node: NodeDependency
) -> SettlementView:
    """How far it is."""
    listed = await node.ask(subjects.PAYMENTS, PaymentsRequested(number=number))
    return SettlementView.of(listed.payments[0])


@router.get(
    "/wallets",
    summary="What our wallets have",
    dependencies=[Depends(requires("ledger:read"))],
)
async def show_wallets(node: NodeDependency) -> WalletsView:
    """Addresses and balances, and how the RPC servers are; asks the chain each time."""
    return WalletsView.of(await node.ask(subjects.BALANCES, BalancesRequested()))


@router.get("/scans", summary="How the scans are", dependencies=[Depends(requires("ledger:read"))])
async def list_scans(node: NodeDependency) -> Scans:
    """What the last one of each kind did, and when the next one is."""
    listed = await node.ask(subjects.SCANS, ScansRequested())
    return Scans(items=[ScanStateView.of(each) for each in listed.scans])


@router.post("/scans", status_code=202, summary="Begin a scan now", responses=responses(409, 422))
async def begin_scan(
    wanted: ScanToRun,
    node: NodeDependency,
    token: Annotated[Token, Depends(requires("scans:run"))],
) -> ScanStateView:
    """Goes on in the background; look at the list for the outcome."""
    listed = await node.ask(subjects.SCANS, ScansRequested(start=wanted.kind))
    node.audit.record("scan begun", token.token_id, kind=wanted.kind)
    [found] = [each for each in listed.scans if each.kind == wanted.kind]
    return ScanStateView.of(found)


@router.get(
    "/scan-intervals",
    summary="How often scans are done",
    dependencies=[Depends(requires("ledger:read"))],
)
async def show_intervals(node: NodeDependency, response: Response) -> ScanIntervalsView:
    """In seconds; the ETag names their revision."""
    shown = await node.ask(subjects.SCAN_INTERVALS, ScanIntervalsRequested())
    response.headers["ETag"] = etag(shown.revision)
    return ScanIntervalsView.of(shown)


@router.put(
    "/scan-intervals", summary="Change how often scans are done", responses=responses(412, 422, 428)
)
async def set_intervals(
    wanted: ScanIntervalsView,
    node: NodeDependency,
    response: Response,
    token: Annotated[Token, Depends(requires("thresholds:write"))],
    if_match: Annotated[str | None, Header(description="The ETag of what is in force")] = None,
) -> ScanIntervalsView:
    """Holds at once and after a restart; kinds that are null or left out stay."""
    revision = revision_of(if_match, "/v1/scan-intervals")
    before = await node.ask(subjects.SCAN_INTERVALS, ScanIntervalsRequested())
    try:
        shown = await node.ask(subjects.SET_SCAN_INTERVALS, wanted.to_message(revision))
    except BusRefused as refused:
        if refused.code is Refusal.CONFLICT:
            raise changed("/v1/scan-intervals") from None
        raise
    response.headers["ETag"] = etag(shown.revision)
    node.audit.record(
        "scan intervals changed",
        token.token_id,
        before=dict(before.seconds),
        after=dict(shown.seconds),
    )
    return ScanIntervalsView.of(shown)

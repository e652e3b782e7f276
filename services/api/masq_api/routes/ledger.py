"""`/v1/ledger/...`: both books, their histories and their totals."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query

from masq_api.auth import requires
from masq_api.node import Node, NodeDependency
from masq_api.problems import responses
from masq_api.views.ledger import (
    Accounts,
    AccountView,
    BackupView,
    Entries,
    EntryView,
    ScanView,
    SummaryView,
    VerificationView,
)
from masq_kernel.bus import subjects
from masq_kernel.bus.messages.accountant import (
    AccountsRequested,
    BackupRequested,
    EntriesRequested,
    LedgerSummaryRequested,
    ScanRequested,
    VerificationRequested,
)
from masq_kernel.errors import MalformedError
from masq_kernel.identity.keys import WalletAddress

__all__ = ["router"]

router = APIRouter(
    prefix="/v1/ledger",
    tags=["ledger"],
    dependencies=[Depends(requires("ledger:read"))],
    responses=responses(401, 403, 429, 502, 503, 504),
)

Limit = Annotated[int, Query(ge=1, le=1_000, description="Items of one page")]
AccountCursor = Annotated[str | None, Query(description="`next` of the page before")]
EntryCursor = Annotated[
    int | None, Query(ge=1, le=(1 << 63) - 1, description="`next` of the page before")
]
Wallet = Annotated[str | None, Query(description="Only this wallet's account")]


async def _accounts(
    node: Node,
    book: Literal["payable", "receivable"],
    limit: int,
    cursor: str | None,
    wallet: str | None,
) -> Accounts:
    asked = AccountsRequested(
        book=book,
        wallet=WalletAddress.from_text(wallet) if wallet else None,
        after=_place(cursor) if cursor else None,
        limit=limit,
    )
    page = await node.ask(subjects.ACCOUNTS, asked)
    items = [AccountView.of(each, node.now()) for each in page.accounts]
    return Accounts(items=items, next=items[-1].wallet if page.more else None)


def _place(cursor: str) -> WalletAddress:
    try:
        return WalletAddress.from_text(cursor)
    except MalformedError:
        raise MalformedError("cursor", "send what `next` of the page before said") from None


@router.get("/payables", summary="What this node owes", responses=responses(404, 422))
async def list_payables(
    node: NodeDependency,
    limit: Limit = 100,
    cursor: AccountCursor = None,
    wallet: Wallet = None,
) -> Accounts:
    """By wallet, largest balance first."""
    return await _accounts(node, "payable", limit, cursor, wallet)


@router.get("/receivables", summary="What this node is owed", responses=responses(404, 422))
async def list_receivables(
    node: NodeDependency,
    limit: Limit = 100,
    cursor: AccountCursor = None,
    wallet: Wallet = None,
) -> Accounts:
    """By wallet, largest balance first."""
    return await _accounts(node, "receivable", limit, cursor, wallet)


@router.get(
    "/{book}/{wallet}/entries",
    summary="The history of one account",
    responses=responses(404, 422),
)
async def list_entries(
    book: Literal["payables", "receivables"],
    wallet: str,
    node: NodeDependency,
    limit: Limit = 100,
    cursor: EntryCursor = None,
) -> Entries:
    """Every entry, newest first."""
    asked = EntriesRequested(
        book="payable" if book == "payables" else "receivable",
        wallet=WalletAddress.from_text(wallet),
        before=cursor,
        limit=limit,
    )
    page = await node.ask(subjects.ENTRIES, asked)
    items = [EntryView.of(each) for each in page.entries]
    return Entries(items=items, next=str(items[-1].transaction) if page.more else None)


@router.get("/summary", summary="Totals of both books")
async def show_summary(node: NodeDependency) -> SummaryView:
    """What is owed in all, both ways."""
    return SummaryView.of(await node.ask(subjects.LEDGER_SUMMARY, LedgerSummaryRequested()))


@router.get("/verification", summary="Whether the books are what was written")
async def show_verification(node: NodeDependency) -> VerificationView:
    """What the last check found; a start checks what came after the last checkpoint."""
    return VerificationView.of(await node.ask(subjects.VERIFY_LEDGER, VerificationRequested()))


@router.post(
    "/verification",
    status_code=202,
    summary="Verify the books from their beginning",
    dependencies=[Depends(requires("scans:run"))],
)
async def verify(node: NodeDependency) -> VerificationView:
    """Goes on in the background, beside the booking; look at it for the outcome."""
    message = VerificationRequested(start=True)
    return VerificationView.of(await node.ask(subjects.VERIFY_LEDGER, message))


@router.get("/backup", summary="How far the copy of the books is")
async def show_backup(node: NodeDependency) -> BackupView:
    """The copy that is being made, or was made last."""
    return BackupView.of(await node.ask(subjects.BACK_UP_LEDGER, BackupRequested()))


@router.post(
    "/backup",
    status_code=202,
    summary="Copy the books",
    dependencies=[Depends(requires("scans:run"))],
)
async def back_up(node: NodeDependency) -> BackupView:
    """Goes on in the background, beside the booking; look at it for the outcome."""
    return BackupView.of(await node.ask(subjects.BACK_UP_LEDGER, BackupRequested(start=True)))


@router.post(
    "/scans",
    summary="Judge all receivables now",
    responses=responses(409),
    dependencies=[Depends(requires("scans:run"))],
)
async def scan(node: NodeDependency) -> ScanView:
    """Bans who is delinquent and serves again who has paid; goes on by itself once a minute."""
    return ScanView.of(await node.ask(subjects.SCAN, ScanRequested()))

"""`/v1/ledger/...`: both books, their histories and their totals."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel

from masq_api.auth import requires
from masq_api.names import WalletInPath, WalletInQuery
from masq_api.node import Node, NodeDependency
from masq_api.problems import responses
from masq_api.views.export import MEDIA_TYPES, Format, exported
from masq_api.views.ledger import (
    Accounts,
    AccountView,
    BackupView,
    Checkpoints,
    CheckpointView,
    Entries,
    EntryView,
    ScanView,
    SummaryView,
    VerificationView,
)
from masq_api.views.report import ReportView
from masq_kernel.bus import subjects
from masq_kernel.bus.messages.accountant import (
    AccountsRequested,
    BackupRequested,
    CheckpointsRequested,
    EntriesRequested,
    LedgerSummaryRequested,
    ScanRequested,
    TurnoverRequested,
    VerificationRequested,
)
from masq_kernel.bus.messages.gossip import GossipStatusRequested
from masq_kernel.errors import MalformedError
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.units import UnixSeconds

__all__ = ["router"]

PAGE = 1_000
"""Items that an export asks for at once."""

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


@dataclass(frozen=True, slots=True)
class AccountsWish:
    """Which accounts of a book, in which order."""

    by: Annotated[
        Literal["balance", "age"], Query(description="The largest balance or the oldest debt first")
    ] = "balance"
    balance_min: Annotated[
        str | None, Query(pattern=r"^[0-9]{1,78}$", description="Only balances from here on, wei")
    ] = None
    age_min_s: Annotated[
        int, Query(ge=0, le=10**10, description="Only debts of so many seconds or more")
    ] = 0
    place: Annotated[
        Literal["settled", "owing", "over"] | None, Query(description="Only these")
    ] = None
    wallet: WalletInQuery = None

    def asked(
        self, book: Literal["payable", "receivable"], after: WalletAddress | None, limit: int
    ) -> AccountsRequested:
        """Return the question for one page."""
        return AccountsRequested(
            book=book,
            by=self.by,
            balance_min=self.balance_min,
            age_min_s=self.age_min_s,
            place=self.place,
            wallet=WalletAddress.from_text(self.wallet) if self.wallet else None,
            after=after,
            limit=limit,
        )


Wish = Annotated[AccountsWish, Depends()]
BookName = Literal["payables", "receivables"]
_BOOKS: dict[BookName, Literal["payable", "receivable"]] = {
    "payables": "payable",
    "receivables": "receivable",
}


async def _accounts(
    node: Node,
    book: Literal["payable", "receivable"],
    wish: AccountsWish,
    limit: int,
    cursor: str | None,
) -> Accounts:
    asked = wish.asked(book, _place(cursor) if cursor else None, limit)
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
    node: NodeDependency, wish: Wish, limit: Limit = 100, cursor: AccountCursor = None
) -> Accounts:
    """By wallet, with the place of each on the curve."""
    return await _accounts(node, "payable", wish, limit, cursor)


@router.get("/receivables", summary="What this node is owed", responses=responses(404, 422))
async def list_receivables(
    node: NodeDependency, wish: Wish, limit: Limit = 100, cursor: AccountCursor = None
) -> Accounts:
    """By wallet, with the place of each on the curve."""
    return await _accounts(node, "receivable", wish, limit, cursor)


P = TypeVar("P", Accounts, Entries)

_EXPORTED: dict[int | str, dict[str, Any]] = {
    200: {"content": {media: {} for media in MEDIA_TYPES.values()}},
    **responses(404, 422),
}
Form = Annotated[Format, Query(alias="format", description="csv, or jsonl: a JSON object a line")]


@router.get(
    "/{book}/export",
    summary="A whole book as CSV or JSON Lines",
    response_class=StreamingResponse,
    responses=_EXPORTED,
)
async def export_accounts(
    book: BookName, node: NodeDependency, wish: Wish, form: Form = "csv"
) -> Response:
    """All accounts that are asked for, read page by page."""
    first = await _accounts(node, _BOOKS[book], wish, PAGE, None)
    items = _items(first, lambda place: _accounts(node, _BOOKS[book], wish, PAGE, place))
    lines = exported(items, AccountView, form)
    return StreamingResponse(lines, media_type=MEDIA_TYPES[form], headers=_as_file(book, form))


@router.get(
    "/{book}/{wallet}/entries/export",
    summary="The history of one account as CSV or JSON Lines",
    response_class=StreamingResponse,
    responses=_EXPORTED,
)
async def export_entries(
    book: BookName, wallet: WalletInPath, node: NodeDependency, form: Form = "csv"
) -> Response:
    """Every entry, newest first, read page by page."""
    first = await _entries(node, book, wallet, PAGE, None)
    items = _items(first, lambda place: _entries(node, book, wallet, PAGE, int(place)))
    lines = exported(items, EntryView, form)
    name = f"{book}-{WalletAddress.from_text(wallet).text}"
    return StreamingResponse(lines, media_type=MEDIA_TYPES[form], headers=_as_file(name, form))


async def _items(page: P, following: Callable[[str], Awaitable[P]]) -> AsyncIterator[BaseModel]:
    """Yield the items of a page and of all that follow it."""
    while True:
        for item in page.items:
            yield item
        if page.next is None:
            return
        page = await following(page.next)


def _as_file(name: str, form: Format) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}.{form}"'}


@router.get(
    "/{book}/{wallet}/entries",
    summary="The history of one account",
    responses=responses(404, 422),
)
async def list_entries(
    book: BookName,
    wallet: WalletInPath,
    node: NodeDependency,
    limit: Limit = 100,
    cursor: EntryCursor = None,
) -> Entries:
    """Every entry, newest first."""
    return await _entries(node, book, wallet, limit, cursor)


async def _entries(
    node: Node, book: BookName, wallet: str, limit: int, cursor: int | None
) -> Entries:
    asked = EntriesRequested(
        book=_BOOKS[book],
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


@router.get("/report", summary="Earned and spent in a period", responses=responses(422))
async def show_report(
    node: NodeDependency,
    begin: Annotated[date, Query(description="The first day, UTC", examples=["2026-11-01"])],
    end: Annotated[date, Query(description="The last day, UTC", examples=["2026-11-30"])],
) -> ReportView:
    """By kind, in wei and in MASQ, for a bookkeeper; what was charged, paid or not."""
    pages = []
    after: int | None = 0
    while after is not None:
        asked = TurnoverRequested(
            begin=_midnight(begin), end=_midnight(end + timedelta(days=1)), after=after
        )
        pages.append(await node.ask(subjects.TURNOVER, asked))
        after = pages[-1].next
    status = await node.ask(subjects.GOSSIP_STATUS, GossipStatusRequested())
    return ReportView.of(status.chain, begin, end, pages)


def _midnight(day: date) -> UnixSeconds:
    return UnixSeconds(int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()))


@router.get("/checkpoints", summary="The signed states of the books", responses=responses(422))
async def list_checkpoints(
    node: NodeDependency, limit: Limit = 100, cursor: EntryCursor = None
) -> Checkpoints:
    """The newest first; whoever keeps one can tell later whether the books were rewritten."""
    asked = CheckpointsRequested(before=cursor, limit=limit)
    page = await node.ask(subjects.CHECKPOINTS, asked)
    items = [CheckpointView.of(each) for each in page.checkpoints]
    return Checkpoints(items=items, next=str(items[-1].number) if page.more else None)


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

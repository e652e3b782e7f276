"""`/v1/events`: what happens, as it happens (server-sent events), or what happened lately."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from masq_api.auth import requires
from masq_api.feed import FOLLOWERS_MAX, KINDS, EventFeed, FeedFull
from masq_api.problems import ProblemError, responses

__all__ = ["router"]

router = APIRouter(
    prefix="/v1",
    tags=["events"],
    dependencies=[Depends(requires("node:read"))],
    responses=responses(401, 403, 429),
)

IDLE_S = 15.0
"""A comment is sent when nothing happened for so long, so that dead connections are noticed."""

_PLACE = r"^[0-9]{1,18}$"

Kinds = Annotated[
    list[Annotated[str, Field(json_schema_extra={"enum": list(KINDS)})]] | None,
    Query(alias="type", description="Only these"),
]


class EventView(BaseModel):
    """One event."""

    id: str = Field(description="Its number; later ones are larger", examples=["42"])
    type: str = Field(examples=["stage-changed"])
    data: dict[str, Any] = Field(description="What the bus tells of it (docs/bus.md), and `at`")


class Events(BaseModel):
    """One page, the oldest first."""

    items: list[EventView]
    next: str | None = Field(description="`cursor` of the next page; null: this is the last")


def _feed(request: Request) -> EventFeed:
    feed: EventFeed = request.app.state.feed
    return feed


Feed = Annotated[EventFeed, Depends(_feed)]


def _checked(kinds: list[str] | None) -> frozenset[str]:
    unknown = sorted(set(kinds or ()) - set(KINDS))
    if unknown:
        detail = f"There are no events of the type {unknown[0]!r}; there are {', '.join(KINDS)}."
        raise ProblemError(422, "invalid", detail)
    return frozenset(kinds or KINDS)


@router.get("/events", summary="What happened lately", responses=responses(422))
async def list_events(
    feed: Feed,
    kinds: Kinds = None,
    limit: Annotated[int, Query(ge=1, le=1_000, description="Items of one page")] = 100,
    cursor: Annotated[
        str | None, Query(pattern=_PLACE, description="`next` of the page before, or an id")
    ] = None,
) -> Events:
    """The last few thousand events, kept for a week at most, also while the API was down."""
    found = feed.since(int(cursor or 0), _checked(kinds), limit + 1)
    page = found[:limit]
    return Events(
        items=[EventView(id=str(each.place), type=each.kind, data=each.data) for each in page],
        next=str(page[-1].place) if len(found) > limit else None,
    )


@router.get(
    "/events/stream",
    summary="Follow what happens",
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "Server-sent events"},
        **responses(422),
    },
    response_class=StreamingResponse,
)
async def follow_events(
    feed: Feed,
    kinds: Kinds = None,
    last_event_id: Annotated[
        str | None, Header(pattern=_PLACE, description="Go on after this one")
    ] = None,
) -> StreamingResponse:
    """Each with its id; who comes back with the last one in Last-Event-ID misses nothing.

    Without it begins with what happens next.
    """
    wanted = _checked(kinds)
    place = feed.last if last_event_id is None else int(last_event_id)
    if feed.followers >= FOLLOWERS_MAX:
        raise _full()
    return StreamingResponse(
        _lines(feed, place, wanted),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _lines(feed: EventFeed, place: int, kinds: frozenset[str]) -> AsyncIterator[str]:
    yield "retry: 2000\n\n"
    try:
        async for event in feed.follow(place, kinds, idle_s=IDLE_S):
            yield ": nothing\n\n" if event is None else event.text
    except FeedFull:  # somebody was faster
        return


def _full() -> ProblemError:
    detail = f"{FOLLOWERS_MAX} clients follow already; close one, or look at /v1/events."
    return ProblemError(429, "limited", detail, headers={"Retry-After": "30"})

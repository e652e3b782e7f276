"""`/v1/audit`: who changed what."""

from datetime import datetime
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from masq_api.auth import requires
from masq_api.node import NodeDependency
from masq_api.problems import responses
from masq_api.views.values import moment

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["node"], responses=responses(401, 403, 429))

SKIP_MAX = 1_000_000


class AuditedView(BaseModel):
    """One change."""

    at: datetime
    token: str = Field(description="Id of the token that did it, as `masq token list` shows it")
    what: str = Field(examples=["thresholds changed"])
    details: dict[str, Any]


class AuditView(BaseModel):
    """One page, the newest first."""

    items: list[AuditedView]
    next: str | None = Field(description="`cursor` of the next page; null: this is the last")


@router.get(
    "/audit",
    summary="Who changed what",
    responses=responses(422),
    dependencies=[Depends(requires("tokens:admin"))],
)
def list_audit(
    node: NodeDependency,
    limit: Annotated[int, Query(ge=1, le=1_000, description="Items of one page")] = 100,
    cursor: Annotated[
        int | None, Query(ge=0, le=SKIP_MAX, description="`next` of the page before")
    ] = None,
) -> AuditView:
    """Changes made over the API of this machine, the newest first."""
    skip = cursor or 0
    found = list(islice(node.audit.newest(), skip, skip + limit + 1))
    items = [
        AuditedView(at=moment(each.at), token=each.token, what=each.what, details=each.details)
        for each in found[:limit]
    ]
    return AuditView(items=items, next=str(skip + limit) if len(found) > limit else None)

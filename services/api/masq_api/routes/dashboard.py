"""The dashboard's page and files, and the session with which it asks.

The session is a token in a cookie that no script can read and no other site can make a browser
send (`HttpOnly`, `SameSite=Strict`). A change must carry a header as well, which other sites cannot
set (auth.py). Everything is served from here; there is no build step and no third-party host.
"""

from importlib.resources import files

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from masq_api.auth import COOKIE, Guard, from_this_site
from masq_api.node import Node
from masq_api.problems import ProblemError

__all__ = ["router"]

SESSION_S = 12 * 3_600

_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_FILES = {
    each.name: each.read_bytes()
    for each in (files("masq_api") / "dashboard").iterdir()
    if each.name.rpartition(".")[2] in _TYPES
}

router = APIRouter(tags=["dashboard"])


class TokenToUse(BaseModel):
    """What opens a session."""

    token: str = Field(max_length=200, examples=["masq_..."])


@router.get("/", include_in_schema=False)
async def show_page() -> Response:
    """The dashboard."""
    return _file("index.html")


@router.get("/dashboard/{name}", include_in_schema=False)
async def show_file(name: str) -> Response:
    """One of its files."""
    if name not in _FILES:
        raise ProblemError(404, "not-found", "The dashboard has no such file.")
    return _file(name)


@router.post(
    "/session",
    status_code=204,
    include_in_schema=False,
    dependencies=[Depends(from_this_site)],
)
async def log_in(wanted: TokenToUse, request: Request, response: Response) -> None:
    """Puts a token into a cookie, for twelve hours at most; it can do what the token can."""
    guard: Guard = request.app.state.guard
    address = request.client.host if request.client else ""
    token = guard.find(wanted.token, address)
    response.set_cookie(
        COOKIE,
        wanted.token,
        max_age=SESSION_S,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    node: Node = request.app.state.node
    node.audit.record("session begun", token.token_id)


@router.delete(
    "/session",
    status_code=204,
    include_in_schema=False,
    dependencies=[Depends(from_this_site)],
)
async def log_out(response: Response) -> None:
    """Forgets the cookie; the token stays what it is (`masq token revoke`)."""
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")


def _file(name: str) -> Response:
    kind = _TYPES[name.rpartition(".")[2]]
    return Response(_FILES[name], media_type=kind, headers={"Cache-Control": "no-cache"})

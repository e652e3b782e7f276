"""Errors as problem details (RFC 9457): a stable type, and a sentence that says what to do next.

Nothing here ever shows a traceback, and every status that a bus failure becomes is in one table.
"""

from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from masq_api.views.values import NODE_ID_PATTERN, WALLET_PATTERN
from masq_kernel.bus.errors import BusRefused, BusTimeout, BusUnavailable, Refusal
from masq_kernel.errors import MalformedError

__all__ = ["PROBLEM_TYPE", "Problem", "ProblemError", "install_problem_handlers", "responses"]

PROBLEM_TYPE = "application/problem+json"

_log = structlog.get_logger()

_REFUSALS = {
    Refusal.INVALID: (422, "invalid"),
    Refusal.NOT_FOUND: (404, "not-found"),
    Refusal.CONFLICT: (409, "conflict"),
    Refusal.LIMITED: (429, "limited"),
    Refusal.NO_ROUTE: (503, "no-route"),
    Refusal.NO_WALLET: (503, "no-wallet"),
    Refusal.NOT_READY: (503, "not-ready"),
    Refusal.INTERNAL: (502, "service-failed"),
}

_NAMES = {
    NODE_ID_PATTERN: "NodeId: not 43 characters of base64url",
    WALLET_PATTERN: "wallet address: not 0x and 40 hexadecimal digits",
}
"""What a pattern means, for people."""

_DETAILS = {
    401: "Send a valid token as `Authorization: Bearer masq_...`; make one with "
    "`masq token create`.",
    400: "The body cannot be read as JSON.",
    404: "There is no such resource; /openapi.json lists all there are.",
    405: "This resource does not know that method; /openapi.json lists those it does.",
}


class FieldProblem(BaseModel):
    """One input that does not fit."""

    field: str = Field(examples=["query.limit"])
    problem: str = Field(examples=["Input should be less than or equal to 1000"])


class Problem(BaseModel):
    """What went wrong, as RFC 9457 spells it."""

    type: str = Field(description="Stable name of the kind", examples=["urn:masq:problem:limited"])
    title: str = Field(examples=["Too Many Requests"])
    status: int = Field(examples=[429])
    detail: str = Field(description="What is wrong and what to do next")
    instance: str = Field(description="The path that was asked", examples=["/v1/neighbors"])
    errors: list[FieldProblem] = Field(default=[], description="Inputs that do not fit")


class ProblemError(Exception):
    """Ends a request with a problem.

    Args:
        status: HTTP status.
        kind: the last part of the problem's type.
        detail: what to do next.
        headers: to be sent with it.
    """

    def __init__(
        self, status: int, kind: str, detail: str, *, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail, self.headers = status, kind, detail, headers


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the error responses of an operation, for its documentation."""
    return {
        status: {
            "model": Problem,
            "description": HTTPStatus(status).phrase,
            "content": {PROBLEM_TYPE: {}},
        }
        for status in statuses
    }


def install_problem_handlers(app: FastAPI) -> None:
    """Answer every kind of failure with a problem."""
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(BusRefused, _on_refused)
    app.add_exception_handler(BusTimeout, _on_timeout)
    app.add_exception_handler(BusUnavailable, _on_unavailable)
    app.add_exception_handler(MalformedError, _on_malformed)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_defect)


def _answer(
    request: Request,
    status: int,
    kind: str,
    detail: str,
    *,
    errors: list[FieldProblem] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    problem = Problem(
        type=f"urn:masq:problem:{kind}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=request.url.path,
        errors=errors or [],
    )
    content = problem.model_dump(exclude={"errors"} if not errors else None)
    return JSONResponse(content, status, headers=headers, media_type=PROBLEM_TYPE)


def _on_problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProblemError)
    return _answer(request, error.status, error.kind, error.detail, headers=error.headers)


def _on_refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, BusRefused)
    status, kind = _REFUSALS[error.code]
    if error.code is Refusal.INTERNAL:
        return _answer(request, status, kind, "A service failed; its log has the story.")
    headers = {"Retry-After": "1"} if status in (429, 503) else None
    return _answer(request, status, kind, _sentence(error.reason), headers=headers)


def _on_timeout(request: Request, _error: Exception) -> JSONResponse:
    detail = "A service of this node does not answer in time; /readyz says which. Try again."
    return _answer(request, 504, "timeout", detail)


def _on_unavailable(request: Request, _error: Exception) -> JSONResponse:
    detail = "A service of this node is not running; /readyz says which. `masq up` starts all."
    return _answer(request, 503, "unavailable", detail, headers={"Retry-After": "2"})


def _on_malformed(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, MalformedError)
    return _answer(request, 422, "invalid", f"This is no {error.what}: {error.reason}.")


def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [
        FieldProblem(field=".".join(str(part) for part in each["loc"]), problem=each["msg"])
        for each in error.errors()
    ]
    name = _NAMES.get(str(error.errors()[0].get("ctx", {}).get("pattern")))
    detail = f"`{errors[0].field}` does not fit: {errors[0].problem}."
    if name is not None:
        detail = f"This is no {name}."
    return _answer(request, 422, "invalid", detail, errors=errors)


def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    detail = _DETAILS.get(error.status_code, str(error.detail))
    headers = dict(error.headers) if error.headers else {}
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = _allowed(request)
    return _answer(request, error.status_code, kind, detail, headers=headers)


def _allowed(request: Request) -> str:
    """Return the methods of all operations with this path; each is a route of its own."""
    found: set[str] = set()
    for router in request.app.state.routers:
        for route in router.routes:
            matched, _ = route.matches(request.scope)
            if matched is not Match.NONE:
                found.update(route.methods)
    return ", ".join(sorted(found))


def _on_defect(request: Request, error: Exception) -> JSONResponse:
    _log.error("request failed", path=request.url.path, exc_info=error)
    return _answer(request, 500, "defect", "This is a defect of the api; its log has the story.")


def _sentence(reason: str) -> str:
    return reason[:1].upper() + reason[1:].rstrip(".") + "."

"""What every request and answer goes through: an id, a limit of its body, and headers that close.

Plain ASGI, because Starlette's BaseHTTPMiddleware buffers streams.
"""

import json
import re
from collections.abc import Callable, Iterator
from http import HTTPStatus

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from masq_kernel.clock import Clock
from masq_kernel.entropy import Entropy

__all__ = ["BODY_MAX", "Shield"]

BODY_MAX = 64 << 10
"""Bytes; the largest change that this API takes has a few hundred."""

_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ID_SIZE = 8
_GIVEN_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"content-security-policy",
        (
            b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
            b"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        ),
    ),
)


class Shield:
    """Wraps the application.

    Args:
        app: what is behind.
        entropy: for ids.
        registry: where requests are counted.
        clock: how long they took.
    """

    def __init__(
        self, app: ASGIApp, entropy: Entropy, registry: CollectorRegistry, clock: Clock
    ) -> None:
        self._app, self._entropy, self._clock = app, entropy, clock
        self._count = Counter(
            "masq_api_requests",
            "Requests by method and status",
            ["method", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "masq_api_request_seconds",
            "From a request to the beginning of its answer",
            buckets=_BUCKETS,
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        name = given if _GIVEN_ID.fullmatch(given) else self._entropy.token(_ID_SIZE).hex().encode()
        closing = _Closing(send, name, self._counted(scope["method"]))
        with structlog.contextvars.bound_contextvars(request=name.decode()):
            if _announced(headers) > BODY_MAX:
                await closing.refuse(scope)
            else:
                await self._app(scope, closing.limited(scope, receive), closing)

    def _counted(self, method: str) -> Callable[[int], None]:
        began = self._clock.monotonic()
        kind = method if method in _METHODS else "other"

        def count(status: int) -> None:
            self._count.labels(kind, str(status)).inc()
            self._seconds.observe(self._clock.monotonic() - began)

        return count


class _Closing:
    """Sends an answer with our headers, or that the request's body is too large instead of it."""

    def __init__(self, send: Send, name: bytes, count: Callable[[int], None]) -> None:
        self._send, self._name, self._count = send, name, count
        self._has_begun = self._has_refused = False

    async def __call__(self, message: Message) -> None:
        if self._has_refused:
            return  # what the application says of a body that was cut off
        if message["type"] == "http.response.start":
            self._has_begun = True
            self._count(message["status"])
            message = {**message, "headers": [*message.get("headers", ()), *self._headers()]}
        await self._send(message)

    async def refuse(self, scope: Scope) -> None:
        """Answer that the body is too large, unless an answer has begun."""
        if not self._has_begun:
            for message in _refusal(scope["path"]):
                await self(message)
        self._has_refused = True

    def limited(self, scope: Scope, receive: Receive) -> Receive:
        """Return what reads a body up to the limit; beyond it the client seems to be gone."""
        count = 0

        async def read() -> Message:
            nonlocal count
            message = await receive()
            count += len(message.get("body", b""))
            if count > BODY_MAX:
                await self.refuse(scope)
                return {"type": "http.disconnect"}
            return message

        return read

    def _headers(self) -> list[tuple[bytes, bytes]]:
        return [(b"x-request-id", self._name), *_HEADERS]


def _announced(headers: dict[bytes, bytes]) -> int:
    text = headers.get(b"content-length", b"0")
    return int(text) if text.isdigit() and len(text) < 16 else BODY_MAX + 1


def _refusal(path: str) -> Iterator[Message]:
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    problem = {
        "type": "urn:masq:problem:too-large",
        "title": status.phrase,
        "status": status.value,
        "detail": f"A request has up to {BODY_MAX} bytes.",
        "instance": path,
    }
    headers = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
    yield {"type": "http.response.start", "status": status.value, "headers": headers}
    yield {"type": "http.response.body", "body": json.dumps(problem).encode()}

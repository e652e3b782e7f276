"""Who asks, and may they: bearer tokens with scopes, and a brake on guessing (api.md section 1)."""

import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from masq_api.problems import ProblemError
from masq_kernel.clock import Clock
from masq_kernel.identity.tokens import Token, TokenStore
from masq_kernel.units import Seconds

__all__ = ["COOKIE", "FAILURES_MAX", "SITE_HEADER", "Guard", "from_this_site", "requires"]

FAILURES_MAX = 10
"""Wrong tokens from one address within FAILURE_WINDOW_S; then more of them have to wait. Right
ones never do: who shares an address with a guesser must not be locked out, and a token has 256 bits
that nobody guesses."""

FAILURE_WINDOW_S = 60.0
ADDRESSES_MAX = 10_000

COOKIE = "masq_session"
SITE_HEADER = "X-Masq-Request"
"""Sent by our own page: a browser lets no other site set it without asking us first (CORS), and we
never say yes (OWASP, Cross-Site Request Forgery Prevention, custom request headers)."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_bearer = HTTPBearer(auto_error=False, description="`masq_...`, made with `masq token create`")


class Guard:
    """Checks tokens.

    Args:
        tokens: those there are.
        clock: for expiries and the brake.
    """

    def __init__(self, tokens: TokenStore, clock: Clock) -> None:
        self._tokens, self._clock = tokens, clock
        self._failures: OrderedDict[str, tuple[Seconds, int]] = OrderedDict()

    def check(self, text: str | None, scope: str, address: str) -> Token:
        """Return the token if it allows this.

        Args:
            text: as the client sent it; None: it sent none.
            scope: what is asked for.
            address: the client's.

        Raises:
            ProblemError: 401, 403 or 429.
        """
        token = self.find(text, address)
        if scope not in token.scopes:
            detail = f"This token lacks the scope {scope}; make one that has it."
            challenge = f'Bearer realm="masq", error="insufficient_scope", scope="{scope}"'
            raise ProblemError(403, "forbidden", detail, headers={"WWW-Authenticate": challenge})
        return token

    def find(self, text: str | None, address: str) -> Token:
        """Return the token, whatever it allows.

        Raises:
            ProblemError: 401 or 429.
        """
        token = self._tokens.find(text or "", self._clock.unix())
        if token is None:
            if text:
                self._refuse_guessers(address)
                self._count_failure(address)
            raise ProblemError(
                401,
                "unauthorized",
                "Send a valid token as `Authorization: Bearer masq_...`; make one with "
                "`masq token create`.",
                headers={"WWW-Authenticate": 'Bearer realm="masq"'},
            )
        return token

    def _refuse_guessers(self, address: str) -> None:
        since, count = self._failures.get(address, (Seconds(0.0), 0))
        left = FAILURE_WINDOW_S - (self._clock.monotonic() - since)
        if count >= FAILURES_MAX and left > 0:
            wait = math.ceil(left)
            detail = f"Too many wrong tokens from this address; try again in {wait} seconds."
            raise ProblemError(429, "limited", detail, headers={"Retry-After": str(wait)})

    def _count_failure(self, address: str) -> None:
        now = self._clock.monotonic()
        since, count = self._failures.pop(address, (now, 0))
        if now - since >= FAILURE_WINDOW_S:
            since, count = now, 0
        self._failures[address] = since, count + 1
        while len(self._failures) > ADDRESSES_MAX:
            self._failures.popitem(last=False)


def from_this_site(request: Request) -> None:
    """Refuse a change that a page of another site may have sent.

    Raises:
        ProblemError: 403.
    """
    if SITE_HEADER not in request.headers:
        detail = f"A change with a session's cookie needs the header {SITE_HEADER}."
        raise ProblemError(403, "forbidden", detail)


def requires(scope: str) -> Callable[..., Token]:
    """Return the dependency of an operation that needs `scope`."""

    def check(
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    ) -> Token:
        guard: Guard = request.app.state.guard
        address = request.client.host if request.client else ""
        text = credentials.credentials if credentials else None
        if text is None and COOKIE in request.cookies:
            if request.method not in _SAFE:
                from_this_site(request)
            text = request.cookies[COOKIE]
        return guard.check(text, scope, address)

    return check

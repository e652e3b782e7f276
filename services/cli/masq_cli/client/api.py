"""Ask the management API, and turn each way of not answering into an error with a remedy."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from types import TracebackType
from typing import Any, Self, TextIO

import httpx

from masq_cli.client.place import ApiPlace
from masq_cli.errors import ApiFailed, ApiRefused, ApiUnreachable

__all__ = ["ApiClient"]

_TIMEOUT_S = 10.0
_PAGE_SIZE = 200
_PAGES_MAX = 1000


class ApiClient:
    """A connection to a node's API.

    Args:
        place: where it is and what opens it.
        timeout_s: how long an answer may take.
    """

    def __init__(self, place: ApiPlace, timeout_s: float = _TIMEOUT_S) -> None:
        self._place = place
        self._http = httpx.AsyncClient(
            base_url=place.url,
            headers={"Authorization": f"Bearer {place.token}", "Accept": "application/json"},
            timeout=timeout_s,
            trust_env=False,  # a proxy in the environment may well be this very node's
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def get(self, path: str, **query: str | int) -> dict[str, Any]:
        """Return one resource.

        Raises:
            ApiUnreachable, ApiRefused, ApiFailed: as they say.
        """
        return await self._send(self._http.build_request("GET", path, params=query))

    async def call(
        self, method: str, path: str, content: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Change something; return what the node answers, {} if that is nothing.

        Raises:
            ApiUnreachable, ApiRefused, ApiFailed: as they say.
        """
        return await self._send(self._http.build_request(method, path, json=content))

    async def change(
        self, path: str, alter: Callable[[dict[str, Any]], Mapping[str, Any]]
    ) -> dict[str, Any]:
        """Replace a resource that has an ETag, unless somebody else does so meanwhile.

        Raises:
            ApiUnreachable, ApiRefused, ApiFailed: as they say.
        """
        before, content = await self._exchange(self._http.build_request("GET", path))
        headers = {"If-Match": before.headers.get("ETag", "")}
        wanted = alter(content)
        return await self._send(self._http.build_request("PUT", path, json=wanted, headers=headers))

    async def _send(self, request: httpx.Request) -> dict[str, Any]:
        _, content = await self._exchange(request)
        return content

    async def _exchange(self, request: httpx.Request) -> tuple[httpx.Response, dict[str, Any]]:
        try:
            response = await self._http.send(request)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unreachable(error) from None
        content = _content(response)
        _check(response, content)
        return response, content

    def _unreachable(self, error: Exception) -> ApiUnreachable:
        problem = f"The API at {self._place.url} cannot be reached: {_why(error)}."
        remedy = "Start the node with `masq up`, or give its address with --url."
        return ApiUnreachable(problem, remedy=remedy)

    async def pour(self, path: str, out: TextIO, **query: str | int) -> None:
        """Write a text, however long it is, as it comes.

        Raises:
            ApiUnreachable, ApiRefused, ApiFailed: as they say.
        """
        request = self._http.build_request("GET", path, params=query, headers={"Accept": "*/*"})
        try:
            response = await self._http.send(request, stream=True)
            try:
                if not response.is_success:
                    await response.aread()
                    _check(response, _content(response))
                async for text in response.aiter_text():
                    out.write(text)
            finally:
                await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unreachable(error) from None

    async def follow(self, path: str, after: str | None) -> AsyncIterator[dict[str, Any]]:
        """Yield server-sent events, after one with this id if given; ends with the connection.

        Raises:
            ApiUnreachable, ApiRefused, ApiFailed: as they say.
        """
        headers = {"Accept": "text/event-stream"}
        if after is not None:
            headers["Last-Event-ID"] = after
        quiet = httpx.Timeout(10.0, read=None)
        request = self._http.build_request("GET", path, headers=headers, timeout=quiet)
        try:
            response = await self._http.send(request, stream=True)
            try:
                if not response.is_success:
                    await response.aread()
                    _check(response, _content(response))
                fields: dict[str, str] = {}
                async for line in response.aiter_lines():
                    if line:
                        name, _, value = line.partition(":")
                        fields[name] = value.strip()
                    elif "data" in fields:
                        data = json.loads(fields["data"])
                        yield {"id": fields["id"], "type": fields["event"], "data": data}
                        fields = {}
            finally:
                await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unreachable(error) from None

    async def items(self, path: str, **query: str | int) -> list[dict[str, Any]]:
        """Return all items of a list, page after page.

        Raises:
            ApiUnreachable, ApiRefused, ApiFailed: as they say.
        """
        found: list[dict[str, Any]] = []
        cursor: Mapping[str, str] = {}
        for _ in range(_PAGES_MAX):
            page = await self.get(path, limit=_PAGE_SIZE, **query, **cursor)
            found.extend(page.get("items", ()))
            following = page.get("next")
            if not following:
                return found
            cursor = {"cursor": following}
        raise ApiFailed(f"The list {path} does not end.", remedy="Ask for a part of it.")


def _why(error: Exception) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "it does not answer in time"
    return str(error).rstrip(".") or type(error).__name__


def _content(response: httpx.Response) -> dict[str, Any]:
    if response.status_code == httpx.codes.NO_CONTENT:
        return {}
    try:
        content = response.json()
    except ValueError:
        content = None
    if isinstance(content, dict):
        return content
    if response.is_success:
        problem = f"What answers at {response.url} is not a masq node."
        raise ApiUnreachable(problem, remedy="Correct the address given with --url.")
    return {}


def _check(response: httpx.Response, problem: dict[str, Any]) -> None:
    """Raise what an answer that is no success means (RFC 9457 problem details)."""
    if response.is_success:
        return
    said = str(problem.get("detail") or problem.get("title") or response.reason_phrase)
    sentence = f"The node answers: {said.rstrip('.')}."
    match response.status_code:
        case 401:
            remedy = "Make a token with `masq token create`, and give it with --token."
            raise ApiRefused(sentence, remedy=remedy)
        case 403:
            raise ApiRefused(sentence, remedy="Make a token with more scopes: `masq token create`.")
        case 502 | 503 | 504:
            raise ApiUnreachable(sentence, remedy="See which part is down with `masq status`.")
        case 404 | 409 | 412 | 422:
            raise ApiFailed(sentence, remedy="Correct what was asked for.")
        case _:
            raise ApiFailed(sentence, remedy="Look into the log of the api service.")

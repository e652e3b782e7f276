"""A node for scripts: typed questions and changes, with `await` (AsyncNode) or without (Node).

    from masq_cli.client import Node

    with Node.of_config("~/.masq/masq.toml") as node:
        for account in node.payables():
            print(account["wallet"], account["balance_masq"])

Errors are `ApiUnreachable`, `ApiRefused` and `ApiFailed` (masq_cli.errors); each is a sentence with
what to do next.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, cast

from masq_cli.client.api import ApiClient
from masq_cli.client.place import ApiPlace, find_api
from masq_cli.client.shapes import (
    Account,
    Ban,
    Dispute,
    Event,
    Neighbor,
    NodeState,
    Scan,
    Settlement,
    Summary,
    Thresholds,
    Wallets,
)

__all__ = ["AsyncNode", "Node"]

T = TypeVar("T")
Book = Literal["payables", "receivables"]


class AsyncNode:
    """Asks one node.

    Args:
        url: of its API, without a path.
        token: opens it.
    """

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self._api = ApiClient(ApiPlace(url=url.rstrip("/"), token=token))

    @classmethod
    def of_config(cls, config: str | Path) -> Self:
        """Return the node with this configuration file on this machine.

        Raises:
            OperatorError: no such file, or no token.
        """
        place = find_api(Path(config).expanduser(), url=None, token=None)
        return cls(place.url, place.token)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._api.__aexit__(kind, error, trace)

    # -- questions ---------------------------------------------------------------------------

    async def state(self) -> NodeState:
        """Return who it is and how it is."""
        return cast("NodeState", await self._api.get("/v1/node"))

    async def neighbors(self) -> list[Neighbor]:
        """Return its neighbors, with their links."""
        return cast("list[Neighbor]", await self._api.items("/v1/neighbors"))

    async def summary(self) -> Summary:
        """Return the totals of the books."""
        return cast("Summary", await self._api.get("/v1/ledger/summary"))

    async def payables(self) -> list[Account]:
        """Return what it owes, the largest first."""
        return cast("list[Account]", await self._api.items("/v1/ledger/payables"))

    async def receivables(self) -> list[Account]:
        """Return what it is owed, the largest first."""
        return cast("list[Account]", await self._api.items("/v1/ledger/receivables"))

    async def export(self, book: Book, path: str | Path, form: str = "csv") -> None:
        """Write a whole book to a file.

        Args:
            book: which one.
            path: of the file; replaced once all of it is there.
            form: `csv` or `jsonl`.
        """
        path = Path(path)
        fresh = path.with_suffix(path.suffix + ".new")
        with fresh.open("w", encoding="utf-8", newline="") as out:
            await self._api.pour(f"/v1/ledger/{book}/export", out, format=form)
        fresh.replace(path)

    async def bans(self) -> list[Ban]:
        """Return the nodes and wallets that are refused, or were decided upon."""
        return cast("list[Ban]", await self._api.items("/v1/bans"))

    async def disputes(self, *, only_open: bool = True) -> list[Dispute]:
        """Return whose word does not fit the books."""
        listed = await self._api.get("/v1/disputes", open=str(only_open).lower())
        return cast("list[Dispute]", listed["items"])

    async def settlements(self) -> list[Settlement]:
        """Return what it has paid, the newest first."""
        return cast("list[Settlement]", await self._api.items("/v1/settlements"))

    async def wallets(self) -> Wallets:
        """Return what its wallets have, and how the chain is."""
        return cast("Wallets", await self._api.get("/v1/wallets"))

    async def scans(self) -> list[Scan]:
        """Return what each scan did last."""
        return cast("list[Scan]", (await self._api.get("/v1/scans"))["items"])

    async def thresholds(self) -> Thresholds:
        """Return the thresholds in force."""
        return cast("Thresholds", await self._api.get("/v1/thresholds"))

    async def events(self, after: str | None = None) -> list[Event]:
        """Return what happened lately, after an event's id if one is given, the oldest first."""
        query = {} if after is None else {"cursor": after}
        return cast(
            "list[Event]", (await self._api.get("/v1/events", limit=1_000, **query))["items"]
        )

    async def follow(self, after: str | None = None) -> AsyncIterator[Event]:
        """Yield what happens, as it happens; ends when the connection does."""
        async for event in self._api.follow("/v1/events/stream", after):
            yield cast("Event", event)

    # -- changes -----------------------------------------------------------------------------

    async def set_thresholds(self, **changes: str | int | None) -> Thresholds:
        """Change some; refused when somebody else was faster."""

        def alter(before: dict[str, Any]) -> Mapping[str, Any]:
            return {**before, **changes}

        return cast("Thresholds", await self._api.change("/v1/thresholds", alter))

    async def ban(self, wallet: str, note: str = "") -> None:
        """Refuse a wallet until that is withdrawn."""
        await self._decide(wallet, "ban", note)

    async def whitelist(self, wallet: str, note: str = "") -> None:
        """Serve a wallet whatever it owes, until that is withdrawn."""
        await self._decide(wallet, "whitelist", note)

    async def withdraw(self, wallet: str) -> None:
        """Let a wallet's account decide again."""
        await self._api.call("DELETE", f"/v1/bans/wallets/{wallet}")

    async def scan(self, kind: str) -> None:
        """Begin a scan; `scans` says what came of it."""
        await self._api.call("POST", "/v1/scans", {"kind": kind})

    async def _decide(self, wallet: str, decision: str, note: str) -> None:
        content = {"decision": decision, "note": note}
        await self._api.call("PUT", f"/v1/bans/wallets/{wallet}", content)


class Node:
    """The same without `await`; see AsyncNode for what each does."""

    def __init__(self, url: str, token: str) -> None:
        self._runner = asyncio.Runner()
        self._node = self._run(_made(url, token))

    @classmethod
    def of_config(cls, config: str | Path) -> Self:
        """Return the node with this configuration file on this machine.

        Raises:
            OperatorError: no such file, or no token.
        """
        place = find_api(Path(config).expanduser(), url=None, token=None)
        return cls(place.url, place.token)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._run(self._node.__aexit__(kind, error, trace))
        self._runner.close()

    def state(self) -> NodeState:
        """Return who it is and how it is."""
        return self._run(self._node.state())

    def neighbors(self) -> list[Neighbor]:
        """Return its neighbors, with their links."""
        return self._run(self._node.neighbors())

    def summary(self) -> Summary:
        """Return the totals of the books."""
        return self._run(self._node.summary())

    def payables(self) -> list[Account]:
        """Return what it owes, the largest first."""
        return self._run(self._node.payables())

    def receivables(self) -> list[Account]:
        """Return what it is owed, the largest first."""
        return self._run(self._node.receivables())

    def export(self, book: Book, path: str | Path, form: str = "csv") -> None:
        """Write a whole book to a file."""
        self._run(self._node.export(book, path, form))

    def bans(self) -> list[Ban]:
        """Return the nodes and wallets that are refused, or were decided upon."""
        return self._run(self._node.bans())

    def disputes(self, *, only_open: bool = True) -> list[Dispute]:
        """Return whose word does not fit the books."""
        return self._run(self._node.disputes(only_open=only_open))

    def settlements(self) -> list[Settlement]:
        """Return what it has paid, the newest first."""
        return self._run(self._node.settlements())

    def wallets(self) -> Wallets:
        """Return what its wallets have, and how the chain is."""
        return self._run(self._node.wallets())

    def scans(self) -> list[Scan]:
        """Return what each scan did last."""
        return self._run(self._node.scans())

    def thresholds(self) -> Thresholds:
        """Return the thresholds in force."""
        return self._run(self._node.thresholds())

    def events(self, after: str | None = None) -> list[Event]:
        """Return what happened lately, the oldest first."""
        return self._run(self._node.events(after))

    def set_thresholds(self, **changes: str | int | None) -> Thresholds:
        """Change some; refused when somebody else was faster."""
        return self._run(self._node.set_thresholds(**changes))

    def ban(self, wallet: str, note: str = "") -> None:
        """Refuse a wallet until that is withdrawn."""
        self._run(self._node.ban(wallet, note))

    def whitelist(self, wallet: str, note: str = "") -> None:
        """Serve a wallet whatever it owes, until that is withdrawn."""
        self._run(self._node.whitelist(wallet, note))

    def withdraw(self, wallet: str) -> None:
        """Let a wallet's account decide again."""
        self._run(self._node.withdraw(wallet))

    def scan(self, kind: str) -> None:
        """Begin a scan; `scans` says what came of it."""
        self._run(self._node.scan(kind))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)


async def _made(url: str, token: str) -> AsyncNode:
    return AsyncNode(url, token)

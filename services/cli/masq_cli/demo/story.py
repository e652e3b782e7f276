"""The demo from start to end: a mesh, two downloads through it, the route, both sides' books."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from masq_cli.demo.books import Books
from masq_cli.demo.chain import LocalChain, running_chain
from masq_cli.demo.convergence import ConvergenceWatch
from masq_cli.demo.debts import Debts, fund
from masq_cli.demo.display import Display
from masq_cli.demo.download import Way, curl_hint, download, has_curl
from masq_cli.demo.file_server import ServedFile, serve_file
from masq_cli.demo.mesh import Mesh, MeshNode, running_mesh
from masq_cli.demo.plan import LOOPBACK, lay_out
from masq_cli.demo.route import Route
from masq_cli.errors import CheckFailed
from masq_cli.show.values import amount, short_id, size
from masq_cli.supervisor import ProcessEvent, ProcessState
from masq_kernel.clock import Clock
from masq_kernel.entropy import Entropy

__all__ = ["Demo", "DemoOptions"]

_READY_WAIT_S = 120.0
_BOOKS_WAIT_S = 10.0
_POLL_S = 0.2
_RESTARTS_MAX = 3
_LOGS = "Look into the logs in the nodes' folders (keep them with --keep)."


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What the demo is asked for.

    Args:
        nodes: how many.
        size: bytes of the file to download.
        once: end after the checks instead of waiting for Ctrl-C.
        root: the folder in which the nodes' folders are made.
        program: how the `masq` command was called, to be copied by people.
        with_chain: pay the debts on a local chain.
    """

    nodes: int
    size: int
    once: bool
    root: Path
    program: str = "masq"
    with_chain: bool = False


class Demo:
    """One run of the demo.

    Args:
        options: what it is asked for.
        display: where it tells its story.
        clock, entropy: time and chance.
    """

    def __init__(
        self, options: DemoOptions, display: Display, *, clock: Clock, entropy: Entropy
    ) -> None:
        self._options, self._display = options, display
        self._clock, self._entropy = clock, entropy
        self._mesh: Mesh | None = None
        self._broken: asyncio.Queue[CheckFailed] = asyncio.Queue()
        self.is_proven = False

    async def run(self) -> None:
        """Tell the whole story; returns after the checks or when cancelled.

        Raises:
            OperatorError: the mesh does not do what it must.
        """
        async with AsyncExitStack() as stack:
            file = await stack.enter_async_context(serve_file(self._options.size, self._entropy))
            chain = None
            if self._options.with_chain:
                chain = await stack.enter_async_context(running_chain())
            began = self._clock.monotonic()
            rules = (f"accept {LOOPBACK}:{file.port}",)
            plans = lay_out(
                self._options.nodes,
                self._options.root,
                exit_rules=rules,
                rpc_url=None if chain is None else chain.url,
            )
            text = f"Starting {len(plans)} nodes, each a nats-server and four services ..."
            self._display.tell("starting", text, {"nodes": len(plans)})
            for number, plan in enumerate(plans, start=1):
                self._display.stage(number, str(plan.address), "starting")
            mesh = self._mesh = await stack.enter_async_context(
                running_mesh(plans, clock=self._clock, entropy=self._entropy, on_event=self._hear)
            )
            client = await self._settled_client(mesh)
            self._tell_ready(client, self._clock.monotonic() - began)
            await self._prove(mesh, client, file)
            if chain is not None:
                await self._settle(mesh, client, chain, file)
            self.is_proven = True
            if not self._options.once:
                self._invite(client)
                raise await self._broken.get()

    def stopping(self) -> None:
        """Say that the end takes a moment."""
        self._display.tell("stopping", "\nStopping all nodes ...", {})

    async def kill(self) -> None:
        """End all processes at once."""
        if self._mesh is not None:
            await self._mesh.kill()

    def _hear(self, number: int, event: ProcessEvent) -> None:
        """Tell of a process that ended; give up when it keeps ending."""
        if event.state not in (ProcessState.BACKING_OFF, ProcessState.FAILED):
            return
        sentence = f"node {number}: {event.name} ended (exit code {event.exit_code})"
        sentence += f": {event.reason.rstrip('.')}." if event.reason else "."
        data = {"node": number, "process": event.name, "exit_code": event.exit_code}
        self._display.tell("process-ended", sentence, data)
        if event.state is ProcessState.FAILED or event.restarts >= _RESTARTS_MAX:
            self._broken.put_nowait(CheckFailed(sentence, remedy=_LOGS))

    async def _settled_client(self, mesh: Mesh) -> MeshNode:
        """Return a node that has found routes in a mesh that has come to rest.

        While neighbors still come and go, a node that had a route may lose it a moment later.
        """
        watch = ConvergenceWatch()
        deadline = self._clock.monotonic() + _READY_WAIT_S
        while (now := self._clock.monotonic()) < deadline:
            self._raise_if_broken()
            stages = [_stage(node) for node in await mesh.describe()]
            for place in watch.see(stages, now):
                node = mesh.nodes[place]
                name = f"{node.plan.address} {node.node_id[:8]}"
                self._display.stage(node.number, name, stages[place])
            client = watch.client(now)
            if client is not None:
                return mesh.nodes[client]
            await asyncio.sleep(_POLL_S)
        problem = f"No node found a lasting route within {_READY_WAIT_S:g} s."
        raise CheckFailed(problem, remedy=_LOGS)

    def _raise_if_broken(self) -> None:
        if not self._broken.empty():
            raise self._broken.get_nowait()

    def _tell_ready(self, client: MeshNode, ready_s: float) -> None:
        text = (
            f"\nThe mesh is ready after {ready_s:.1f} s; "
            f"node {client.number} ({client.node_id[:8]}) is the client's."
        )
        data = {"seconds": round(ready_s, 2), "client": client.number, "node_id": client.node_id}
        self._display.tell("ready", text, data)

    async def _prove(self, mesh: Mesh, client: MeshNode, file: ServedFile) -> None:
        await self._download_both_ways(client, file)
        route = await self._show_routes(client)
        books = await self._settled_books(mesh, client)
        self._show_books(mesh, route, books)
        if not books.agree:
            problem = f"The books do not agree: {books.owed} wei owed, {books.earned} wei earned."
            raise CheckFailed(problem, remedy=_LOGS)

    async def _settle(
        self, mesh: Mesh, client: MeshNode, chain: LocalChain, file: ServedFile
    ) -> None:
        """Let the debts be paid, and one that is not be felt."""

        async def download_again() -> None:
            await download(
                "HTTP CONNECT", client.plan.proxy_port, file, self._options.root, self._clock
            )

        await fund(chain, mesh)
        await Debts(mesh, client, chain, self._display, self._clock).run(download_again)

    async def _download_both_ways(self, client: MeshNode, file: ServedFile) -> None:
        ways: Sequence[Way] = ("SOCKS5", "HTTP CONNECT")
        if not has_curl():
            ways = ("HTTP CONNECT",)
            text = "There is no curl on this machine, so SOCKS5 is left out; Python does the rest."
            self._display.tell("no-curl", text, {})
        self._display.tell("downloading", f"Downloading {size(file.size)} through the mesh ...", {})
        for way in ways:
            proxy_port, folder = client.plan.proxy_port, self._options.root
            done = await download(way, proxy_port, file, folder, self._clock)
            text = (
                f"  {way:<12} {done.mb_per_s:7.1f} MB/s  {done.seconds:6.2f} s  "
                f"with {done.client}, SHA-256 equal ({file.sha256[:12]}...)"
            )
            data = {"way": way, "bytes": done.size, "seconds": round(done.seconds, 3)}
            self._display.tell("download", text, {**data, "sha256": file.sha256})

    async def _show_routes(self, client: MeshNode) -> Route:
        route = Route.of(await client.api.items("/v1/sessions"))
        if route is None:
            raise CheckFailed("The client's node shows no route of its own.", remedy=_LOGS)
        self._display.tell("route", "\nThe way there and back, hop by hop:", {})
        for direction, hops, path in route.ways(client.node_id):
            line = f"  {direction:<5} {short_id(path)}"
            self._display.tell("hops", line, {"direction": direction, "hops": hops})
        return route

    async def _settled_books(self, mesh: Mesh, client: MeshNode) -> Books:
        """Return the books as soon as they agree, or as they are when time is over."""
        deadline = self._clock.monotonic() + _BOOKS_WAIT_S
        while True:
            books = await mesh.books(client)
            if books.agree or self._clock.monotonic() >= deadline:
                return books
            await asyncio.sleep(_POLL_S)

    def _show_books(self, mesh: Mesh, route: Route, books: Books) -> None:
        self._display.tell("books", "\nWhat each hop did, and what it earned for it:", {})
        numbers = {node.node_id: node.number for node in mesh.nodes}
        for share in sorted(books.shares, key=lambda share: route.place(share.node_id)):
            role = route.role(share.node_id)
            same = share.owed == share.earned
            line = (
                f"  {role:<11}  node {numbers[share.node_id]:<2}  {share.node_id[:8]}  "
                f"{size(share.size):>9}  {share.packages:>6} packages  "
                f"{amount(share.earned):>22} wei  "
                f"{'= owed' if same else f'but owed {amount(share.owed)} wei'}"
            )
            data = {"node_id": share.node_id, "bytes": share.size, "packages": share.packages}
            data |= {"earned_wei": str(share.earned), "owed_wei": str(share.owed), "role": role}
            self._display.tell("hop", line, data)
        verdict = "equal to the wei" if books.agree else "NOT EQUAL"
        text = (
            f"\n  receivables of all hops  {amount(books.earned):>26} wei\n"
            f"  payables of the client   {amount(books.owed):>26} wei   {verdict}"
        )
        totals = {"earned_wei": str(books.earned), "owed_wei": str(books.owed)}
        self._display.tell("sums", text, {**totals, "equal": books.agree})

    def _invite(self, client: MeshNode) -> None:
        text = (
            f"\nUse the mesh:   {curl_hint(client.plan.proxy_port)}\n"
            f"Dashboard:      {client.api_url}/   token {client.made.token}\n"
            f"                the same for scripts: {client.api_url}/v1/node\n"
            f"                {self._options.program} status --config {client.made.config}\n\n"
            "Ctrl-C stops everything."
        )
        data = {"api_url": client.api_url, "token": client.made.token}
        data |= {"proxy_port": str(client.plan.proxy_port), "config": str(client.made.config)}
        self._display.tell("open", text, data)


def _stage(node: dict[str, Any]) -> str:
    """Return the connection stage that a node tells."""
    stage = node.get("stage", "starting")
    return str(stage.get("stage", "starting") if isinstance(stage, dict) else stage)

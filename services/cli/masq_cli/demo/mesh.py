"""The nodes of a mesh: made, started together, asked, stopped together."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from masq_cli.client import ApiClient, ApiPlace
from masq_cli.demo.books import Books, read_accounts
from masq_cli.demo.plan import LOOPBACK
from masq_cli.errors import ApiUnreachable
from masq_cli.making import MadeNode, NodePlan, make_node
from masq_cli.making.wallets import random_wallets
from masq_cli.supervisor import NodeProcesses, Outfit, ProcessEvent
from masq_cli.supervisor.logs import BoundedLogFile
from masq_kernel.clock import Clock
from masq_kernel.entropy import Entropy
from masq_kernel.identity.keystore import LIGHT
from masq_kernel.runtime.passphrase import ENVIRONMENT
from masq_kernel.runtime.settings import NodeSettings, load_section, read_file

__all__ = ["Mesh", "MeshNode", "make_nodes", "running_mesh"]

_PASSPHRASE_SIZE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshNode:
    """One node of the mesh.

    Args:
        number: from 1 up.
        plan: its ports and folder.
        made: its files, name and wallets.
        api: asks it.
    """

    number: int
    plan: NodePlan
    made: MadeNode
    api: ApiClient

    @property
    def node_id(self) -> str:
        """Its name."""
        return self.made.descriptor.node_id.text

    @property
    def api_url(self) -> str:
        """Where its API is."""
        return _api_url(self.plan)

    async def describe(self) -> dict[str, Any]:
        """Return its `/v1/node`; empty while its API does not answer yet."""
        try:
            return await self.api.get("/v1/node")
        except ApiUnreachable:
            return {}


def make_nodes(
    plans: Sequence[NodePlan], passphrase: str, *, clock: Clock, entropy: Entropy
) -> list[MeshNode]:
    """Write the files of all nodes; all but the first begin with the first's descriptor."""
    nodes: list[MeshNode] = []
    for number, planned in enumerate(plans, start=1):
        known = (nodes[0].made.descriptor.text,) if nodes else ()
        plan = replace(planned, neighbors=known)
        wallets = random_wallets(entropy)
        made = make_node(plan, wallets, passphrase, clock=clock, entropy=entropy, work=LIGHT)
        api = ApiClient(ApiPlace(url=_api_url(plan), token=made.token))
        nodes.append(MeshNode(number=number, plan=plan, made=made, api=api))
    return nodes


class Mesh:
    """The nodes and their processes.

    Args:
        nodes: made already.
        processes: of each node, in the same order.
    """

    def __init__(self, nodes: Sequence[MeshNode], processes: Sequence[NodeProcesses]) -> None:
        self.nodes, self.processes = tuple(nodes), tuple(processes)

    async def start(self) -> None:
        """Start all nodes side by side."""
        async with asyncio.TaskGroup() as tasks:
            for processes in self.processes:
                tasks.create_task(processes.start(), name="start node")

    async def stop(self) -> None:
        """Stop all nodes side by side, each in its order."""
        async with asyncio.TaskGroup() as tasks:
            for processes in self.processes:
                tasks.create_task(processes.stop(), name="stop node")
            for node in self.nodes:
                tasks.create_task(node.api.__aexit__(None, None, None), name="close client")

    async def kill(self) -> None:
        """End all processes at once."""
        for processes in self.processes:
            await processes.kill()

    async def describe(self) -> list[dict[str, Any]]:
        """Return the `/v1/node` of each node."""
        return list(await asyncio.gather(*(node.describe() for node in self.nodes)))

    async def books(self, client: MeshNode) -> Books:
        """Return the client's payables beside everyone's receivables."""
        payables, *receivables = await asyncio.gather(
            client.api.items("/v1/ledger/payables"),
            *(node.api.items("/v1/ledger/receivables") for node in self.nodes),
        )
        return Books.compare(
            read_accounts(payables),
            {
                node.node_id: read_accounts(items)
                for node, items in zip(self.nodes, receivables, strict=True)
            },
            {node.node_id: node.made.earning.text for node in self.nodes},
        )


@asynccontextmanager
async def running_mesh(
    plans: Sequence[NodePlan],
    *,
    clock: Clock,
    entropy: Entropy,
    on_event: Callable[[int, ProcessEvent], None],
) -> AsyncIterator[Mesh]:
    """Make the nodes of a mesh and start them; stop them when the context ends.

    Args:
        plans: of the nodes.
        clock: time.
        entropy: chance.
        on_event: hears each node's number with what happens to its processes.
    """
    passphrase = entropy.token(_PASSPHRASE_SIZE).hex()
    nodes = make_nodes(plans, passphrase, clock=clock, entropy=entropy)
    environment = _environment(passphrase)
    async with asyncio.TaskGroup() as tasks:
        processes = []
        for node in nodes:
            outfit = Outfit(
                clock=clock,
                entropy=entropy,
                environment=environment,
                sink=_log_files(node.plan.data_dir / "logs"),
                on_event=_numbered(node.number, on_event),
            )
            settings = _settings(node.made.config)
            processes.append(
                NodeProcesses(settings, node.made.config, outfit, tasks, routers=node.plan.workers)
            )
        mesh = Mesh(nodes, processes)
        try:
            await mesh.start()
            yield mesh
        finally:
            await mesh.stop()


def _environment(passphrase: str) -> dict[str, str]:
    """The environment without what an operator set for a node of their own."""
    foreign = {name: value for name, value in os.environ.items() if not name.startswith("MASQ_")}
    return {**foreign, ENVIRONMENT: passphrase}


def _log_files(folder: Path) -> Callable[[str], BoundedLogFile]:
    return lambda name: BoundedLogFile(folder / f"{name}.log")


def _numbered(
    number: int, on_event: Callable[[int, ProcessEvent], None]
) -> Callable[[ProcessEvent], None]:
    return lambda event: on_event(number, event)


def _settings(config: Path) -> NodeSettings:
    return load_section(NodeSettings, "node", file=read_file(config)["node"])


def _api_url(plan: NodePlan) -> str:
    return f"http://{LOOPBACK}:{plan.api_port}"

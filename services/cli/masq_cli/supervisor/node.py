"""The processes of one node: the bus first and last, the services between.

The router may be several processes, `router-1` and so on (docs/adr/0015): each is kept alone.
"""

import asyncio
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

from masq_cli.nats.server import command, wait_ready, write_bus_files, write_config
from masq_cli.supervisor.kept_process import KeptProcess, Outfit, ProcessSpec
from masq_cli.supervisor.report import ProcessEvent
from masq_kernel.bus.subjects import Service
from masq_kernel.runtime.settings import NodeSettings

__all__ = ["BUS", "NodeProcesses", "RouterProcesses", "router_specs"]

BUS = "bus"

_START_ORDER = (Service.GOSSIP, Service.ROUTER, Service.ACCOUNTANT, Service.API)
_STOP_ORDER = (
    (Service.API,),
    (Service.ROUTER, Service.GOSSIP),
    (Service.ACCOUNTANT,),  # after the router, whose last usage it books
    (BUS,),
)
_BUS_WAIT_S = 20.0


class NodeProcesses:
    """Starts, keeps and stops the processes of a node; many fit into one event loop.

    Args:
        node: the node's settings.
        config: its configuration file.
        outfit: time, chance, environment, logs, listener.
        tasks: where the keepers live; their end is `stop`.
        routers: how many router processes there are.
    """

    def __init__(
        self,
        node: NodeSettings,
        config: Path,
        outfit: Outfit,
        tasks: asyncio.TaskGroup,
        *,
        routers: int = 1,
    ) -> None:
        self._node, self._outfit, self._tasks = node, outfit, tasks
        self._specs = {
            name: router_specs(config, routers) if name is Service.ROUTER else [_spec(name, config)]
            for name in _START_ORDER
        }
        self._kept: dict[str, KeptProcess] = {}

    async def start(self) -> None:
        """Start everything, not twice; returns when each process has been started once.

        Raises:
            OperatorError: there is no nats-server on this machine.
        """
        assert not any(kept.is_kept for kept in self._kept.values())
        if self._node.nats_url is None:
            await self._keep(self._bus_spec()).wait_settled()
        for specs in self._specs.values():
            for spec in specs:
                self._keep(spec)
        for kept in self._kept.values():
            await kept.wait_settled()

    async def stop(self) -> None:
        """Stop everything in order, the bus last."""
        for names in _STOP_ORDER:
            async with asyncio.TaskGroup() as tasks:
                for name, kept in self._kept.items():
                    if kept.spec.program in names:
                        tasks.create_task(kept.stop(), name=f"stop {name}")

    async def kill(self) -> None:
        """End everything at once."""
        for kept in self._kept.values():
            await kept.kill()

    @property
    def states(self) -> dict[str, ProcessEvent]:
        """What is known of each process."""
        return {name: kept.last for name, kept in self._kept.items()}

    def _keep(self, spec: ProcessSpec) -> KeptProcess:
        kept = self._kept[spec.name] = KeptProcess(spec, self._outfit)
        self._tasks.create_task(kept.run(), name=f"keep {spec.name} of {self._node.data_dir.name}")
        return kept

    def _bus_spec(self) -> ProcessSpec:
        node = self._node
        write_bus_files(node.data_dir, self._outfit.entropy)
        config = write_config(node.data_dir, host=node.bus_host, port=node.bus_port)
        ready = partial(wait_ready, node.bus_host, node.bus_port, timeout_s=_BUS_WAIT_S)
        return ProcessSpec(name=BUS, program=BUS, command=tuple(command(config)), ready=ready)


class RouterProcesses:
    """Starts, keeps and stops the router processes of a node, whose other parts run elsewhere.

    Args:
        config: the node's configuration file.
        count: how many there are.
        outfit: time, chance, environment, logs, listener.
        tasks: where the keepers live; their end is `stop`.
    """

    def __init__(self, config: Path, count: int, outfit: Outfit, tasks: asyncio.TaskGroup) -> None:
        self._kept = [KeptProcess(spec, outfit) for spec in router_specs(config, count)]
        self._tasks = tasks

    async def start(self) -> None:
        """Start all; returns when each has been started once."""
        for kept in self._kept:
            self._tasks.create_task(kept.run(), name=f"keep {kept.spec.name}")
        for kept in self._kept:
            await kept.wait_settled()

    async def stop(self) -> None:
        """Stop all."""
        async with asyncio.TaskGroup() as tasks:
            for kept in self._kept:
                tasks.create_task(kept.stop(), name=f"stop {kept.spec.name}")

    async def kill(self) -> None:
        """End all at once."""
        for kept in self._kept:
            await kept.kill()


def router_specs(config: Path, count: int) -> list[ProcessSpec]:
    """Return what to run so that a node's router is so many processes."""
    one = _spec(Service.ROUTER, config)
    if count == 1:
        return [one]
    return [replace(one, name=f"{one.name}-{number + 1}") for number in range(count)]


def _spec(service: Service, config: Path) -> ProcessSpec:
    command = (sys.executable, "-m", f"masq_{service}", "--config", str(config))
    return ProcessSpec(name=str(service), program=str(service), command=command)

"""Lay out the nodes of a mesh: addresses, ports, folders.

Node k lives on 127.0.1.k (Linux answers on all of 127.0.0.0/8), because a node that speaks for
another's IP address is refused, as in a real mesh: one node per address.
"""

import socket
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from masq_cli.making import NodePlan

__all__ = ["LOOPBACK", "NODES_MAX", "NODES_MIN", "SCAN_S", "lay_out"]

LOOPBACK = "127.0.0.1"

NODES_MIN = 5
"""An exit must not be its originator's neighbor, and a node looks for three neighbors: among four
nodes everyone is everyone's neighbor."""

NODES_MAX = 60
"""Five processes each; more does not fit into the memory of the machines this is for."""

CHAIN = "dev"

CONFIRMATIONS, SCAN_S = 2, 1.0
"""On a local chain, where everything shall happen while somebody watches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ports:
    link: int
    bus: int
    proxy: int
    api: int


def lay_out(
    count: int, root: Path, *, exit_rules: Sequence[str], rpc_url: str | None = None
) -> list[NodePlan]:
    """Return the plans of nodes 1 to `count`, all on free ports; neighbors are still to be set.

    Args:
        count: how many.
        root: each gets a folder in it.
        exit_rules: put before the default exit policy of each.
        rpc_url: of a local chain with a block a second; None: there is none.
    """
    addresses = [f"127.0.1.{number}" for number in range(1, count + 1)]
    ports = _free_ports(addresses)
    return [
        NodePlan(
            data_dir=root / f"node-{number}",
            chain=CHAIN,
            address=address,
            port=own.link,
            bus_port=own.bus,
            proxy_port=own.proxy,
            api_port=own.api,
            bind_address=address,
            exit_rules=tuple(exit_rules),
            rpc_urls=() if rpc_url is None else (rpc_url,),
            confirmations=None if rpc_url is None else CONFIRMATIONS,
            scan_s=None if rpc_url is None else SCAN_S,
        )
        for number, (address, own) in enumerate(zip(addresses, ports, strict=True), start=1)
    ]


def _free_ports(addresses: Sequence[str]) -> list[_Ports]:
    """Find ports while holding all of them, so that no two are the same."""
    with ExitStack() as held:

        def free(address: str) -> int:
            probe = held.enter_context(socket.socket())
            probe.bind((address, 0))
            port: int = probe.getsockname()[1]
            return port

        return [
            _Ports(link=free(address), bus=free(LOOPBACK), proxy=free(LOOPBACK), api=free(LOOPBACK))
            for address in addresses
        ]

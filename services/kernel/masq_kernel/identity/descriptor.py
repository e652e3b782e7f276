"""What a human passes on so that others can reach a node. Pure.

    masq://<chain>:<NodeId>@<ip>:<port>[/<port>...]      IPv4 or [IPv6]
    masq://<chain>:<NodeId>@:                            a node that takes no connections

One spelling for each node: text that is not what `text` would print is refused (protocol.md 2).
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Self

from masq_kernel.chains import Chain, chain_named
from masq_kernel.errors import MalformedError
from masq_kernel.identity.keys import NodeId

__all__ = ["PORTS_MAX", "Descriptor"]

PORTS_MAX = 8
_TEXT_SIZE_MAX = 256
_NOWHERE = ":"
_TEXT = re.compile(r"masq://([a-z0-9-]{1,32}):([A-Za-z0-9_-]{43})@(.{1,128})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """A node's name and where it listens.

    Args:
        chain: the chain it lives on.
        node_id: who must answer there.
        addresses: at most one IP address in canonical text; empty when it takes no connections.
        ports: 1 to PORTS_MAX different ports, the preferred first; empty like `addresses`.

    Raises:
        MalformedError: addresses and ports do not fit together or are out of range.
    """

    chain: Chain
    node_id: NodeId
    addresses: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if len(self.addresses) > 1 or bool(self.addresses) != bool(self.ports):
            raise MalformedError("descriptor", "it needs one address with ports, or neither")
        if len(self.ports) > PORTS_MAX or len(set(self.ports)) != len(self.ports):
            raise MalformedError("descriptor", f"it needs 1 to {PORTS_MAX} different ports")
        if not all(1 <= port <= 65535 for port in self.ports):
            raise MalformedError("descriptor", "a port is outside 1..65535")
        for address in self.addresses:
            _check_address(address)

    @property
    def text(self) -> str:
        """The one spelling of this descriptor."""
        where = _NOWHERE
        if self.addresses:
            address = self.addresses[0]
            host = f"[{address}]" if ":" in address else address
            where = f"{host}:{'/'.join(str(port) for port in self.ports)}"
        return f"masq://{self.chain.name}:{self.node_id.text}@{where}"

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read a descriptor.

        Raises:
            MalformedError: it is not one, or not in its one spelling; says what to look for.
        """
        match = _TEXT.fullmatch(text) if len(text) <= _TEXT_SIZE_MAX else None
        if match is None:
            reason = "not of the form masq://<chain>:<NodeId>@<ip>:<port>"
            raise MalformedError("descriptor", reason)
        chain, node_id, where = match.groups()
        addresses, ports = _read_where(where)
        descriptor = cls(
            chain=chain_named(chain),
            node_id=NodeId.from_text(node_id),
            addresses=addresses,
            ports=ports,
        )
        if descriptor.text != text:
            raise MalformedError(
                "descriptor", f"not the usual spelling, which is {descriptor.text}"
            )
        return descriptor


def _read_where(where: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    if where == _NOWHERE:
        return (), ()
    host, colon, ports = where.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    if not colon or re.fullmatch(r"[0-9]{1,5}(/[0-9]{1,5})*", ports, re.ASCII) is None:
        raise MalformedError("descriptor", "no port after the address")
    return (host,), tuple(int(port) for port in ports.split("/"))


def _check_address(address: str) -> None:
    try:
        canonical = str(ipaddress.ip_address(address))
    except ValueError:
        raise MalformedError("descriptor", "the address is no IPv4 or [IPv6] literal") from None
    if canonical != address or "%" in address:
        raise MalformedError("descriptor", "the address is not in its canonical spelling")

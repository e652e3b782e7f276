"""AddressStatement: where a node can be dialled, signed by it. Pure. Source: protocol.md 5.1.

It is given only to a neighbor, and to a node that is introduced or passed to its owner, and only
if the owner consents. It never travels inside a record, so nobody can forge or harvest addresses.

Layout, big-endian: protocol version u8, NodeId 32, version u64, consent u8 (0 or 1),
addresses u8 count + (4 or 16 as u8, the address's bytes), ports u8 count + u16 each, signature 64.
Order is the owner's preference; nothing occurs twice.
"""

import ipaddress
from dataclasses import dataclass
from typing import Self

from masq_gossip.codec import Reader
from masq_gossip.errors import SignatureRefusedError
from masq_kernel.chains import PROTOCOL_VERSION, Chain
from masq_kernel.errors import MalformedError
from masq_kernel.identity.keys import SIGNATURE_SIZE, IdentityKey, NodeId

__all__ = ["STATEMENT_SIZE_MAX", "AddressStatement", "SignedStatement"]

STATEMENT_SIZE_MAX = 512
ADDRESSES_MAX = 4
PORTS_MAX = 8

_WHAT = "address statement"
_IPV4_SIZE, _IPV6_SIZE = 4, 16


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressStatement:
    """Where a node listens.

    Args:
        version: u64, as in the node's record; of two statements the higher one counts.
        introducible: the owner's consent that neighbors hand this to nodes looking for neighbors.
        addresses: IP addresses in their canonical text, 1 to 4, preferred first.
        ports: 1 to 8, each 1 to 65535, preferred first.

    Raises:
        MalformedError: a field is outside its bounds.
    """

    node_id: NodeId
    version: int
    introducible: bool
    addresses: tuple[str, ...]
    ports: tuple[int, ...]

    def __post_init__(self) -> None:
        if not 0 <= self.version < 2**64:
            raise MalformedError(_WHAT, "version beyond 64 bits")
        if not 1 <= len(self.addresses) <= ADDRESSES_MAX:
            raise MalformedError(_WHAT, f"not 1 to {ADDRESSES_MAX} addresses")
        if not 1 <= len(self.ports) <= PORTS_MAX:
            raise MalformedError(_WHAT, f"not 1 to {PORTS_MAX} ports")
        if not all(1 <= port <= 0xFFFF for port in self.ports):
            raise MalformedError(_WHAT, "port is outside 1..65535")
        if len(set(self.addresses)) != len(self.addresses):
            raise MalformedError(_WHAT, "an address occurs twice")
        if len(set(self.ports)) != len(self.ports):
            raise MalformedError(_WHAT, "a port occurs twice")
        for address in self.addresses:
            if str(_parsed(address)) != address or "%" in address:
                raise MalformedError(_WHAT, "not the canonical spelling of an address")

    def to_bytes(self) -> bytes:
        """Return the canonical bytes that are signed."""
        packed = [_parsed(address).packed for address in self.addresses]
        return b"".join(
            (
                PROTOCOL_VERSION.to_bytes(1, "big"),
                self.node_id.raw,
                self.version.to_bytes(8, "big"),
                self.introducible.to_bytes(1, "big"),
                len(packed).to_bytes(1, "big"),
                *(len(address).to_bytes(1, "big") + address for address in packed),
                len(self.ports).to_bytes(1, "big"),
                *(port.to_bytes(2, "big") for port in self.ports),
            )
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read the canonical bytes.

        Raises:
            MalformedError: anything but the one spelling of a statement within bounds.
        """
        reader = Reader(_WHAT, data)
        if reader.number(1) != PROTOCOL_VERSION:
            raise reader.refuse("unknown protocol version")
        node_id, version = reader.node_id(), reader.number(8)
        introducible = bool(reader.count(1, limit=1))
        count = reader.count(1, limit=ADDRESSES_MAX)
        addresses = tuple(_read_address(reader) for _ in range(count))
        ports = tuple(reader.number(2) for _ in range(reader.count(1, limit=PORTS_MAX)))
        reader.finish()
        return cls(
            node_id=node_id,
            version=version,
            introducible=introducible,
            addresses=addresses,
            ports=ports,
        )


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """A statement with the exact bytes its owner signed.

    Args:
        raw: canonical bytes and signature, verbatim.
        statement: what they say; its signature has been verified.
    """

    raw: bytes
    statement: AddressStatement

    @property
    def node_id(self) -> NodeId:
        """Whose addresses these are."""
        return self.statement.node_id

    def is_older(self, other: Self) -> bool:
        """Say whether the other statement of the same node came later."""
        return self.statement.version < other.statement.version

    @classmethod
    def sign(cls, statement: AddressStatement, key: IdentityKey, chain: Chain) -> Self:
        """Return the statement signed by its owner for one chain."""
        assert key.node_id == statement.node_id
        body = statement.to_bytes()
        return cls(body + key.sign(chain.context("address-statement") + body), statement)

    @classmethod
    def from_bytes(cls, raw: bytes, chain: Chain) -> Self:
        """Read and verify.

        Raises:
            MalformedError: not the one spelling of a statement within bounds.
            SignatureRefusedError: not signed by the node it names for this chain.
        """
        if not SIGNATURE_SIZE < len(raw) <= STATEMENT_SIZE_MAX:
            raise MalformedError(_WHAT, f"{len(raw)} bytes")
        body, signature = raw[:-SIGNATURE_SIZE], raw[-SIGNATURE_SIZE:]
        statement = AddressStatement.from_bytes(body)
        if not statement.node_id.verify(signature, chain.context("address-statement") + body):
            raise SignatureRefusedError(_WHAT)
        return cls(raw, statement)


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return ipaddress.ip_address(address)
    except ValueError:
        raise MalformedError(_WHAT, "not an IP address") from None


def _read_address(reader: Reader) -> str:
    size = reader.number(1)
    if size not in (_IPV4_SIZE, _IPV6_SIZE):
        raise reader.refuse("an address of neither IPv4's nor IPv6's size")
    return str(ipaddress.ip_address(reader.take(size)))

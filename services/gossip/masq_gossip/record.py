"""NodeRecord: what a node signs about itself. Pure. Source: protocol.md 5.1.

Layout, big-endian; one content has one spelling:

    protocol version  u8      1
    NodeId            32
    version           u64     boot counter (32 bits), counter within the boot (32 bits)
    published at      u64     unix seconds
    onion key         1216    MLKEM768_X25519
    onion key expiry  u64     unix seconds
    earning wallet    20
    rate pack         32
    flags             u8      1 accepts connections, 2 routes data
    country           2       two capital letters, or two zero bytes when unknown
    neighbors         u8 + 32 each, ascending, unique, at most 5, never the node itself
    signature         64      Ed25519 over the chain's "node-record" context and all of the above

The chain is not a field: it is in the signature's context, so a record of another chain never
verifies. The address is not here either: see statement.py.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from masq_gossip.codec import Reader
from masq_gossip.errors import SignatureRefusedError
from masq_kernel.chains import PROTOCOL_VERSION, Chain
from masq_kernel.errors import MalformedError
from masq_kernel.identity.keys import (
    NODE_ID_SIZE,
    SIGNATURE_SIZE,
    WALLET_ADDRESS_SIZE,
    IdentityKey,
    NodeId,
    WalletAddress,
)
from masq_kernel.rates import RATE_PACK_SIZE, RatePack
from masq_kernel.units import UnixSeconds

__all__ = [
    "MAX_DEGREE",
    "ONION_KEY_SIZE",
    "RECORD_SIZE_MAX",
    "NodeRecord",
    "SignedRecord",
    "version_of",
]

MAX_DEGREE = 5
"""Neighbors a node may have: fewer stop the mesh from growing, more make gossip storms."""

ONION_KEY_SIZE = 1216
"""An MLKEM768_X25519 public key."""

RECORD_SIZE_MAX = 2048
"""protocol.md 5.1; longer is refused unread."""

_WHAT = "node record"
_ACCEPTS, _ROUTES = 1, 2
_FIXED_SIZE = 1 + NODE_ID_SIZE + 8 + 8 + ONION_KEY_SIZE + 8 + WALLET_ADDRESS_SIZE
assert _FIXED_SIZE + RATE_PACK_SIZE + 4 + MAX_DEGREE * 32 + SIGNATURE_SIZE <= RECORD_SIZE_MAX


def version_of(*, boot: int, counter: int) -> int:
    """Return the version in which any later boot beats every earlier one."""
    assert 0 <= boot < 2**32
    assert 0 <= counter < 2**32
    return boot << 32 | counter


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRecord:
    """A node's own description.

    Args:
        version: u64; of two records of a node the higher one counts.
        published_at: when it was signed.
        onion_key: what SETUP blocks for this node are sealed to.
        onion_expires_at: from when on no route may use `onion_key`.
        country: two capital letters, or "" when unknown; self-declared.
        neighbors: ascending, unique, at most MAX_DEGREE, without the node itself.

    Raises:
        MalformedError: a field is outside its bounds.
    """

    node_id: NodeId
    version: int
    published_at: UnixSeconds
    onion_key: bytes
    onion_expires_at: UnixSeconds
    earning_wallet: WalletAddress
    rates: RatePack
    accepts_connections: bool
    routes_data: bool
    country: str
    neighbors: tuple[NodeId, ...]

    def __post_init__(self) -> None:
        numbers = (self.version, self.published_at, self.onion_expires_at)
        if not all(0 <= number < 2**64 for number in numbers):
            raise MalformedError(_WHAT, "a number beyond 64 bits")
        if len(self.onion_key) != ONION_KEY_SIZE:
            raise MalformedError(_WHAT, f"onion key of {len(self.onion_key)} bytes")
        _check_country(self.country)
        _check_neighbors(self.node_id, self.neighbors)

    @property
    def degree(self) -> int:
        """How many neighbors the node lists."""
        return len(self.neighbors)

    @property
    def is_full_up(self) -> bool:
        """Whether the node has no free slot."""
        return self.degree >= MAX_DEGREE

    def lists(self, node_id: NodeId) -> bool:
        """Say whether the node names `node_id` as its neighbor."""
        return node_id in self.neighbors

    def to_bytes(self) -> bytes:
        """Return the canonical bytes that are signed."""
        flags = _ACCEPTS * self.accepts_connections | _ROUTES * self.routes_data
        return b"".join(
            (
                PROTOCOL_VERSION.to_bytes(1, "big"),
                self.node_id.raw,
                self.version.to_bytes(8, "big"),
                self.published_at.to_bytes(8, "big"),
                self.onion_key,
                self.onion_expires_at.to_bytes(8, "big"),
                self.earning_wallet.raw,
                self.rates.to_bytes(),
                flags.to_bytes(1, "big"),
                self.country.encode("ascii") or b"\0\0",
                len(self.neighbors).to_bytes(1, "big"),
                *(neighbor.raw for neighbor in self.neighbors),
            )
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read the canonical bytes.

        Raises:
            MalformedError: anything but the one spelling of a record within bounds.
        """
        reader = Reader(_WHAT, data)
        if reader.number(1) != PROTOCOL_VERSION:
            raise reader.refuse("unknown protocol version")
        node_id, version = reader.node_id(), reader.number(8)
        published_at, onion_key = UnixSeconds(reader.number(8)), reader.take(ONION_KEY_SIZE)
        onion_expires_at = UnixSeconds(reader.number(8))
        wallet = WalletAddress(reader.take(WALLET_ADDRESS_SIZE))
        rates = RatePack.from_bytes(reader.take(RATE_PACK_SIZE))
        flags = reader.count(1, limit=_ACCEPTS | _ROUTES)
        country = _country_of(reader.take(2))
        degree = reader.count(1, limit=MAX_DEGREE)
        neighbors = tuple(reader.node_id() for _ in range(degree))
        reader.finish()
        return cls(
            node_id=node_id,
            version=version,
            published_at=published_at,
            onion_key=onion_key,
            onion_expires_at=onion_expires_at,
            earning_wallet=wallet,
            rates=rates,
            accepts_connections=bool(flags & _ACCEPTS),
            routes_data=bool(flags & _ROUTES),
            country=country,
            neighbors=neighbors,
        )


@dataclass(frozen=True, slots=True)
class SignedRecord:
    """A record with the exact bytes its owner signed; those are what is forwarded.

    Args:
        raw: canonical bytes and signature, verbatim.
        record: what they say; its signature has been verified.
    """

    raw: bytes
    record: NodeRecord

    @property
    def node_id(self) -> NodeId:
        """Whose record it is."""
        return self.record.node_id

    @property
    def version(self) -> int:
        """The record's version."""
        return self.record.version

    @classmethod
    def sign(cls, record: NodeRecord, key: IdentityKey, chain: Chain) -> Self:
        """Return the record signed by its owner for one chain."""
        assert key.node_id == record.node_id
        body = record.to_bytes()
        return cls(body + key.sign(chain.context("node-record") + body), record)

    @classmethod
    def from_bytes(cls, raw: bytes, chain: Chain) -> Self:
        """Read and verify.

        Raises:
            MalformedError: not the one spelling of a record within bounds.
            SignatureRefusedError: not signed by the node it names for this chain.
        """
        if not SIGNATURE_SIZE < len(raw) <= RECORD_SIZE_MAX:
            raise MalformedError(_WHAT, f"{len(raw)} bytes")
        body, signature = raw[:-SIGNATURE_SIZE], raw[-SIGNATURE_SIZE:]
        record = NodeRecord.from_bytes(body)
        if not record.node_id.verify(signature, chain.context("node-record") + body):
            raise SignatureRefusedError(_WHAT)
        return cls(raw, record)


def _check_country(country: str) -> None:
    if country and not (len(country) == 2 and country.isascii() and country.isupper()):
        raise MalformedError(_WHAT, "country is not two capital letters")
    if not all("A" <= letter <= "Z" for letter in country):
        raise MalformedError(_WHAT, "country is not two capital letters")


def _country_of(code: bytes) -> str:
    if code == b"\0\0":
        return ""
    country = code.decode("latin-1")
    _check_country(country)
    return country


def _check_neighbors(node_id: NodeId, neighbors: tuple[NodeId, ...]) -> None:
    if len(neighbors) > MAX_DEGREE:
        raise MalformedError(_WHAT, f"more than {MAX_DEGREE} neighbors")
    if any(a >= b for a, b in pairwise(neighbors)):
        raise MalformedError(_WHAT, "neighbors are not ascending and unique")
    if node_id in neighbors:
        raise MalformedError(_WHAT, "lists itself as its neighbor")

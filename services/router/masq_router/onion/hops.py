"""What one hop of a route is told: its block in a SETUP (protocol.md 4.1). Pure.

One spelling: reserved bytes are zero, absent fields are zero and their flag says so; anything else
is refused.
"""

import struct
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Self

from masq_kernel.errors import MalformedError
from masq_kernel.identity.keys import NODE_ID_SIZE, NodeId, WalletAddress
from masq_kernel.identity.proofs import OWED_SIZE, PROOF_SIZE
from masq_kernel.rates import RatePack
from masq_kernel.units import UnixSeconds, Wei
from masq_router.errors import SetupRefused
from masq_router.onion.geometry import BLOCK_SIZE, HINT_MAX, LINK_TAG_SIZE, SECRET_SIZE

__all__ = ["BLOCK_VERSION", "DELIVERY_SIZE", "Direction", "HopBlock", "Role"]

BLOCK_VERSION = 1
DELIVERY_SIZE = 24
"""Names the worker and the association at which a back route arrives."""

_HASH_SIZE = 32
_FIELDS = struct.Struct(
    f">BBBB {SECRET_SIZE}s {NODE_ID_SIZE}s {LINK_TAG_SIZE}s Q 32s 20s {PROOF_SIZE}s "
    f"{DELIVERY_SIZE}s {_HASH_SIZE}s {OWED_SIZE}s Q"
)
assert _FIELDS.size <= BLOCK_SIZE


class Role(IntEnum):
    """What a hop is asked to be."""

    RELAY = 1  # pass packages on
    EXIT = 2  # the end of an over route
    RETURN = 3  # the end of a back route: the originator itself


class Direction(IntEnum):
    """What a relay does with each package."""

    OVER = 1  # remove a layer
    BACK = 2  # add one


@dataclass(frozen=True, slots=True, kw_only=True)
class HopBlock:
    """The block of one hop.

    Args:
        role, direction: what to do.
        secret: 32 bytes from which every key of the hop follows; never printed.
        expires_at: when the session ends by itself.
        hint: padding hint of the session, 0..15 (padding.py), told to the EXIT only, which pads;
            0 for the others, who could take their place on the route from it.
        rest_hash: what the hop must have received around this block (setup.py), 32 bytes.
        next_node, next_tag: where a RELAY passes packages on; None for the others.
        rates, wallet, proof: the price agreed, who pays and the signature that proves it; None
            for RETURN, which nobody pays.
        owed, sequence: what the proof says beside that (masq_kernel/identity/proofs.py).
        delivery: for RETURN, where it arrives, 24 bytes; otherwise zeros.

    Raises:
        SetupRefused: fields that do not fit together.
    """

    role: Role
    direction: Direction
    secret: bytes = field(repr=False)
    expires_at: UnixSeconds
    hint: int
    rest_hash: bytes
    next_node: NodeId | None = None
    next_tag: bytes | None = None
    rates: RatePack | None = None
    wallet: WalletAddress | None = None
    proof: bytes | None = None
    delivery: bytes = bytes(DELIVERY_SIZE)
    owed: Wei = Wei(0)
    sequence: int = 0

    def __post_init__(self) -> None:
        relays = self.role is Role.RELAY
        is_paid = self.role is not Role.RETURN
        paid_fields = {self.rates is not None, self.wallet is not None, self.proof is not None}
        fits = (
            {self.next_node is not None, self.next_tag is not None} == {relays}
            and paid_fields == {is_paid}
            and 0 <= self.hint <= HINT_MAX
            and 0 <= self.expires_at < 1 << 64
            and (not is_paid or self.delivery == bytes(DELIVERY_SIZE))
            and (is_paid or (self.owed, self.sequence) == (0, 0))
            and 0 <= self.owed < 1 << 8 * OWED_SIZE
            and 0 <= self.sequence < 1 << 64
            and (self.role is not Role.EXIT or self.direction is Direction.OVER)
            and (self.role is not Role.RETURN or self.direction is Direction.BACK)
        )
        if not fits:
            raise SetupRefused("a block's fields do not fit together")

    def to_bytes(self) -> bytes:
        """Return BLOCK_SIZE canonical bytes."""
        packed = _FIELDS.pack(
            BLOCK_VERSION,
            self.role,
            self.direction,
            self.hint,
            self.secret,
            self.next_node.raw if self.next_node else bytes(NODE_ID_SIZE),
            self.next_tag or bytes(LINK_TAG_SIZE),
            self.expires_at,
            self.rates.to_bytes() if self.rates else bytes(32),
            self.wallet.raw if self.wallet else bytes(20),
            self.proof or bytes(PROOF_SIZE),
            self.delivery,
            self.rest_hash,
            self.owed.to_bytes(OWED_SIZE, "big"),
            self.sequence,
        )
        return packed.ljust(BLOCK_SIZE, b"\0")

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a block.

        Raises:
            SetupRefused: it is not one in its one spelling.
        """
        try:
            block = cls._parse(data)
        except (struct.error, ValueError, MalformedError):
            raise SetupRefused("not a block") from None
        if block.to_bytes() != data:
            raise SetupRefused("a block in another spelling")
        return block

    @classmethod
    def _parse(cls, data: bytes) -> Self:
        (
            version,
            role,
            direction,
            hint,
            secret,
            next_node,
            next_tag,
            expires_at,
            rates,
            wallet,
            proof,
            delivery,
            rest_hash,
            owed,
            sequence,
        ) = _FIELDS.unpack_from(data)
        if version != BLOCK_VERSION:
            raise SetupRefused("a block of another version")
        relays = role == Role.RELAY
        is_paid = role != Role.RETURN
        return cls(
            role=Role(role),
            direction=Direction(direction),
            secret=secret,
            expires_at=expires_at,
            hint=hint,
            rest_hash=rest_hash,
            next_node=NodeId(next_node) if relays else None,
            next_tag=next_tag if relays else None,
            rates=RatePack.from_bytes(rates) if is_paid else None,
            wallet=WalletAddress(wallet) if is_paid else None,
            proof=proof if is_paid else None,
            delivery=delivery,
            owed=Wei(int.from_bytes(owed, "big")),
            sequence=sequence,
        )

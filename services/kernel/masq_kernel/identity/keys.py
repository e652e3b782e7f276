"""NodeIds, wallet addresses and the key pairs behind them. Pure: randomness is passed in.

Identity keys are Ed25519 (RFC 8032), wallets secp256k1 with EIP-55 addresses (protocol.md 2).
"""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from eth_utils.address import to_checksum_address

from masq_kernel.entropy import Entropy
from masq_kernel.errors import MalformedError

__all__ = [
    "NODE_ID_SIZE",
    "SIGNATURE_SIZE",
    "WALLET_ADDRESS_SIZE",
    "IdentityKey",
    "NodeId",
    "WalletAddress",
]

NODE_ID_SIZE = 32
SIGNATURE_SIZE = 64
WALLET_ADDRESS_SIZE = 20


class NodeId(bytes):
    """A node's name: its Ed25519 public key, 32 bytes.

    These are bytes, not an object that holds some: names are the keys of every table, and a look-up
    by bytes costs a quarter (a simulated mesh runs 1.3 times as fast).

    Raises:
        MalformedError: not 32 bytes.
    """

    __slots__ = ()

    def __new__(cls, raw: bytes) -> Self:
        """Take the 32 bytes."""
        if len(raw) != NODE_ID_SIZE:
            raise MalformedError("NodeId", f"{len(raw)} bytes, not {NODE_ID_SIZE}")
        return super().__new__(cls, raw)

    @property
    def raw(self) -> bytes:
        """The 32 bytes."""
        return self

    @property
    def text(self) -> str:
        """The public text form: base64url without padding, 43 characters."""
        return base64.urlsafe_b64encode(self).rstrip(b"=").decode("ascii")

    @property
    def short(self) -> str:
        """The first eight characters of the text form; for logs and tables."""
        return self.text[:8]

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read the text form.

        Raises:
            MalformedError: not the canonical base64url of 32 bytes.
        """
        try:
            raw = base64.b64decode(text.encode("ascii") + b"=", altchars=b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError):
            raise MalformedError("NodeId", "not base64url without padding") from None
        node_id = cls(raw)
        if node_id.text != text:
            raise MalformedError("NodeId", "not the canonical spelling")
        return node_id

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Say whether this node signed `message`; never raises."""
        try:
            Ed25519PublicKey.from_public_bytes(self).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"NodeId({self.text})"


@dataclass(frozen=True, slots=True)
class IdentityKey:
    """The private half of a node's name.

    Args:
        private: the Ed25519 key; never printed.
    """

    private: Ed25519PrivateKey = field(repr=False, compare=False)
    node_id: NodeId

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """Return the key of a 32-byte seed (RFC 8032 private key)."""
        private = Ed25519PrivateKey.from_private_bytes(seed)
        return cls(private, NodeId(private.public_key().public_bytes_raw()))

    @classmethod
    def generate(cls, entropy: Entropy) -> Self:
        """Return a new key."""
        return cls.from_seed(entropy.token(32))

    def seed(self) -> bytes:
        """Return the 32 secret bytes, for the key store only."""
        return self.private.private_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of `message`, which must begin with a chain context."""
        return self.private.sign(message)


@dataclass(frozen=True, slots=True, order=True)
class WalletAddress:
    """An Ethereum account address, 20 bytes.

    Raises:
        MalformedError: not 20 bytes.
    """

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != WALLET_ADDRESS_SIZE:
            raise MalformedError("wallet address", f"{len(self.raw)} bytes, not 20")

    @property
    def text(self) -> str:
        """The EIP-55 checksummed form, `0x` and 40 digits."""
        return str(to_checksum_address(self.raw))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read `0x` and 40 hexadecimal digits; mixed case must carry the right checksum.

        Raises:
            MalformedError: not an address, or its EIP-55 checksum is wrong (a typing error).
        """
        digits = text.removeprefix("0x")
        try:
            address = cls(bytes.fromhex(digits))
        except ValueError:
            raise MalformedError("wallet address", "not 0x and 40 hexadecimal digits") from None
        mixed = digits != digits.lower() and digits != digits.upper()
        if len(digits) != 2 * WALLET_ADDRESS_SIZE or (mixed and address.text != "0x" + digits):
            raise MalformedError("wallet address", "wrong EIP-55 checksum; look for a typing error")
        return address

    def __str__(self) -> str:
        return self.text

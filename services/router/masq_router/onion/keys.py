"""Onion keys: MLKEM768_X25519 key pairs, with which hops open their slots (protocol.md 2). Pure
but for key generation, which the library does with the operating system's randomness.
"""  # noqa: D205 - one sentence

from dataclasses import dataclass, field
from typing import Self

from cryptography.hazmat.primitives.asymmetric.mlkem import (
    MLKEM768PrivateKey,
    MLKEM768PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
)

from masq_kernel.errors import MalformedError

__all__ = ["ONION_PUBLIC_SIZE", "ONION_SECRET_SIZE", "OnionKeyPair", "onion_public_key"]

_MLKEM_PUBLIC_SIZE = 1_184
_MLKEM_SEED_SIZE = 64
_X25519_SIZE = 32

ONION_PUBLIC_SIZE = _MLKEM_PUBLIC_SIZE + _X25519_SIZE
"""1,216 bytes: the ML-KEM-768 public key, then the X25519 one."""

ONION_SECRET_SIZE = _MLKEM_SEED_SIZE + _X25519_SIZE
"""96 bytes: the seed of FIPS 203 (d, z), then the X25519 private key."""


@dataclass(frozen=True, slots=True)
class OnionKeyPair:
    """One hop's onion key.

    Args:
        mlkem, x25519: its two halves; never printed.
    """

    mlkem: MLKEM768PrivateKey = field(repr=False, compare=False)
    x25519: X25519PrivateKey = field(repr=False, compare=False)

    @classmethod
    def generate(cls) -> Self:
        """Return a new key pair."""
        return cls(MLKEM768PrivateKey.generate(), X25519PrivateKey.generate())

    @classmethod
    def from_secret(cls, secret: bytes) -> Self:
        """Return the key pair of ONION_SECRET_SIZE secret bytes, as the key store keeps them."""
        assert len(secret) == ONION_SECRET_SIZE
        mlkem = MLKEM768PrivateKey.from_seed_bytes(secret[:_MLKEM_SEED_SIZE])
        return cls(mlkem, X25519PrivateKey.from_private_bytes(secret[_MLKEM_SEED_SIZE:]))

    def secret(self) -> bytes:
        """Return the ONION_SECRET_SIZE secret bytes, for the key store only."""
        return self.mlkem.private_bytes_raw() + self.x25519.private_bytes_raw()

    def public(self) -> bytes:
        """Return the ONION_PUBLIC_SIZE bytes that stand in the node's record."""
        mlkem = self.mlkem.public_key().public_bytes_raw()
        return mlkem + self.x25519.public_key().public_bytes_raw()

    def hpke(self) -> MLKEM768X25519PrivateKey:
        """Return the form that HPKE takes."""
        return MLKEM768X25519PrivateKey(self.mlkem, self.x25519)


def onion_public_key(raw: bytes) -> MLKEM768X25519PublicKey:
    """Return a hop's public key in the form that HPKE takes.

    Raises:
        MalformedError: not a key of this kind.
    """
    if len(raw) != ONION_PUBLIC_SIZE:
        raise MalformedError("onion key", f"{len(raw)} bytes, not {ONION_PUBLIC_SIZE}")
    try:
        mlkem = MLKEM768PublicKey.from_public_bytes(raw[:_MLKEM_PUBLIC_SIZE])
        x25519 = X25519PublicKey.from_public_bytes(raw[_MLKEM_PUBLIC_SIZE:])
    except ValueError:
        raise MalformedError("onion key", "not a point of its group") from None
    return MLKEM768X25519PublicKey(mlkem, x25519)

"""Layers of DATA packages, and every key that follows from a hop secret (protocol.md 4.1). Pure.

Each key has a label of its own (RFC 5869 `info`), so no two purposes share bytes. The nonce is the
count of packages so far and never sent: links are ordered, so both ends count alike, and a package
that was changed, lost, repeated or reordered does not open.
"""

import hashlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from masq_kernel.chains import Chain
from masq_router.errors import LayerBroken
from masq_router.onion.geometry import SECRET_SIZE

__all__ = [
    "SESSION_ID_SIZE",
    "Layer",
    "end_to_end_layer",
    "hop_layer",
    "secret_hash",
    "session_id",
    "slot_stream_key",
]

SESSION_ID_SIZE = 16
_KEY_SIZE = 32
_NONCE_SIZE = 12


class Layer:
    """One layer of one session: its key, and how many packages have passed.

    Args:
        key: 32 bytes for AES-256-GCM.
    """

    __slots__ = ("_aead", "_count")

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)
        self._count = 0

    def seal(self, data: bytes | memoryview) -> bytes:
        """Add the layer to the next package; 16 bytes more come out."""
        nonce = self._count.to_bytes(_NONCE_SIZE, "big")
        self._count += 1
        return self._aead.encrypt(nonce, data, None)

    def open(self, data: bytes | memoryview) -> bytes:
        """Remove the layer from the next package; 16 bytes less come out.

        Raises:
            LayerBroken: it is not the next package as it was sealed; the session must end.
        """
        try:
            opened = self._aead.decrypt(self._count.to_bytes(_NONCE_SIZE, "big"), data, None)
        except InvalidTag:
            raise LayerBroken("a package does not authenticate") from None
        self._count += 1
        return opened


def hop_layer(chain: Chain, secret: bytes) -> Layer:
    """Return the layer that a relay removes (over) or adds (back)."""
    return Layer(_derive(chain, secret, "hop-layer", _KEY_SIZE))


def end_to_end_layer(chain: Chain, secret: bytes) -> Layer:
    """Return the innermost layer: from the exit's hop secret (over) or the back secret (back)."""
    return Layer(_derive(chain, secret, "end-to-end-layer", _KEY_SIZE))


def slot_stream_key(chain: Chain, secret: bytes) -> bytes:
    """Return the AES-256-CTR key with which a hop decrypts the slots behind its own."""
    return _derive(chain, secret, "slot-stream", _KEY_SIZE)


def session_id(chain: Chain, secret: bytes) -> bytes:
    """Return the 16 bytes by which hop and originator name the session in their books."""
    return _derive(chain, secret, "session-id", SESSION_ID_SIZE)


def secret_hash(secret: bytes) -> bytes:
    """Return what a payer proof says of the hop secret: its SHA-256."""
    return hashlib.sha256(secret).digest()


def _derive(chain: Chain, secret: bytes, purpose: str, size: int) -> bytes:
    assert len(secret) == SECRET_SIZE
    return HKDF(SHA256(), length=size, salt=None, info=chain.context(purpose)).derive(secret)

"""SETUP packages: how a route is sealed, and how a hop opens its slot (protocol.md 4.1). Pure.

    hop's view:   tag | slot 0 | slots 1..5          always SETUP_SIZE
    it opens slot 0, XORs (slots 1..5 | one slot of zeros) with its key stream, and forwards the six
    slots that come out, under the next tag

The slot that enters at the end is the tail of the hop's own key stream, as the filler of Sphinx
(Danezis and Goldberg, 2009), not fresh randomness. So the originator knows every byte that each
hop receives, and tells the hop their hash: any changed bit, in whichever slot, is refused by the
very next hop (ADR 0006).
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from masq_kernel.chains import Chain
from masq_kernel.entropy import Entropy
from masq_router.errors import SetupRefused
from masq_router.onion.geometry import (
    LINK_TAG_SIZE,
    MAX_HOPS,
    SETUP_SIZE,
    SLOT_SIZE,
    SLOTS_SIZE,
)
from masq_router.onion.hops import HopBlock
from masq_router.onion.keys import OnionKeyPair, onion_public_key
from masq_router.onion.layers import slot_stream_key

__all__ = ["HopSpec", "OpenedSetup", "build_setup", "open_setup"]

_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_PURPOSE = "onion-slot"


@dataclass(frozen=True, slots=True, kw_only=True)
class HopSpec:
    """One hop as the originator plans it.

    Args:
        onion_key: the hop's public key, 1,216 bytes.
        tag: the link tag under which it receives the SETUP, 8 bytes.
        block: what it is told; `rest_hash` is filled in by `build_setup`.
    """

    onion_key: bytes
    tag: bytes
    block: HopBlock


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedSetup:
    """What a hop finds.

    Args:
        block: what it is told.
        forward: the SETUP for the next hop, of the same size; None when the route ends here.
        slot_hash: SHA-256 of the sealed slot; remembered until the expiry, against replay.
    """

    block: HopBlock
    forward: bytes | None
    slot_hash: bytes


def build_setup(chain: Chain, hops: Sequence[HopSpec], entropy: Entropy) -> bytes:
    """Return the SETUP that the first hop receives, SETUP_SIZE bytes.

    Raises:
        MalformedError: a hop's onion key is none.
    """
    assert 1 <= len(hops) <= MAX_HOPS
    streams = [_key_stream(chain, hop.block.secret) for hop in hops]
    filler = _filler(streams[:-1])
    rest = entropy.token((MAX_HOPS - len(hops)) * SLOT_SIZE) + filler
    slots = b""
    for hop, stream in zip(reversed(hops), reversed(streams), strict=True):
        if slots:
            rest = _xor(slots[:-SLOT_SIZE], stream[: SLOTS_SIZE - SLOT_SIZE])
        slots = _seal(chain, hop, rest) + rest
    return hops[0].tag + slots


def open_setup(chain: Chain, keys: Sequence[OnionKeyPair], setup: bytes) -> OpenedSetup:
    """Open our slot of a SETUP.

    Args:
        chain: SETUPs of another chain do not open.
        keys: our current onion key, then the one before it.
        setup: as it arrived, with its link tag.

    Raises:
        SetupRefused: not for us, or any bit of it was changed.
    """
    if len(setup) != SETUP_SIZE:
        raise SetupRefused("a SETUP of another size")
    tag, slots = setup[:LINK_TAG_SIZE], setup[LINK_TAG_SIZE:]
    sealed, rest = slots[:SLOT_SIZE], slots[SLOT_SIZE:]
    block = HopBlock.from_bytes(_unseal(chain, keys, sealed))
    if not hmac.compare_digest(block.rest_hash, _rest_hash(chain, tag, rest)):
        raise SetupRefused("a SETUP that was changed on the way")
    forward = None
    if block.next_tag is not None:
        stream = _key_stream(chain, block.secret)
        forward = block.next_tag + _xor(rest + bytes(SLOT_SIZE), stream)
    return OpenedSetup(block=block, forward=forward, slot_hash=hashlib.sha256(sealed).digest())


def _seal(chain: Chain, hop: HopSpec, rest: bytes) -> bytes:
    block = replace(hop.block, rest_hash=_rest_hash(chain, hop.tag, rest))
    public_key = onion_public_key(hop.onion_key)
    return _SUITE.encrypt(block.to_bytes(), public_key, info=chain.context(_PURPOSE))


def _unseal(chain: Chain, keys: Sequence[OnionKeyPair], sealed: bytes) -> bytes:
    for key in keys:
        try:
            return _SUITE.decrypt(sealed, key.hpke(), info=chain.context(_PURPOSE))
        except (InvalidTag, ValueError):
            continue
    raise SetupRefused("a slot that none of our keys opens")


def _rest_hash(chain: Chain, tag: bytes, rest: bytes) -> bytes:
    return hashlib.sha256(chain.context("setup-rest") + tag + rest).digest()


def _key_stream(chain: Chain, secret: bytes) -> bytes:
    """Return six slots of AES-256-CTR key stream; the key is used once, so the nonce is zero."""
    encryptor = Cipher(AES256(slot_stream_key(chain, secret)), CTR(bytes(16))).encryptor()
    return encryptor.update(bytes(SLOTS_SIZE))


def _filler(streams: Sequence[bytes]) -> bytes:
    """Return what the earlier hops will have appended when the last hop receives its slots."""
    filler = b""
    for stream in streams:
        grown = filler + bytes(SLOT_SIZE)
        filler = _xor(grown, stream[-len(grown) :])
    return filler


def _xor(left: bytes, right: bytes) -> bytes:
    size = len(left)
    assert size == len(right)
    mixed = int.from_bytes(left, "big") ^ int.from_bytes(right, "big")
    return mixed.to_bytes(size, "big")

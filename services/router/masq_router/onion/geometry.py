"""Every size of an onion package, derived once (protocol.md 4.1). Pure; all in bytes.

SETUP = link tag + 6 slots        slot = HPKE encapsulation + sealed block + tag
DATA  = link tag + layers around padded plaintext
"""

__all__ = [
    "BLOCK_SIZE",
    "ENCAPSULATION_SIZE",
    "HINT_MAX",
    "LAYER_OVERHEAD",
    "LINK_TAG_SIZE",
    "MAX_HOPS",
    "SECRET_SIZE",
    "SETUP_SIZE",
    "SIZE_CLASSES",
    "SLOTS_SIZE",
    "SLOT_SIZE",
]

MAX_HOPS = 6

LINK_TAG_SIZE = 8
"""Names a session on one link; chosen by the originator."""

SECRET_SIZE = 32

ENCAPSULATION_SIZE = 1_120
"""MLKEM768_X25519: 1,088 bytes of ML-KEM-768 and 32 of X25519."""

BLOCK_SIZE = 512
"""What a hop is told, padded; about half is in use, the rest is for vouchers."""

LAYER_OVERHEAD = 16
"""The tag of AES-256-GCM."""

SLOT_SIZE = ENCAPSULATION_SIZE + BLOCK_SIZE + LAYER_OVERHEAD
SLOTS_SIZE = MAX_HOPS * SLOT_SIZE
SETUP_SIZE = LINK_TAG_SIZE + SLOTS_SIZE

SIZE_CLASSES = (1_024, 4_096, 16_384, 32_768)
"""Of the end-to-end plaintext, before the padding hint is taken off."""

HINT_MAX = 15
"""A package is up to HINT_MAX layers smaller than its class, so that its length on the wire does
not tell how many layers are left (padding.py)."""

FRAME_BODY_MAX = 65_536
assert SETUP_SIZE <= FRAME_BODY_MAX
assert LINK_TAG_SIZE + max(SIZE_CLASSES) + MAX_HOPS * LAYER_OVERHEAD <= FRAME_BODY_MAX
assert min(SIZE_CLASSES) > HINT_MAX * LAYER_OVERHEAD
assert max(SIZE_CLASSES) - HINT_MAX * LAYER_OVERHEAD >= SETUP_SIZE + 8_192  # ATTACH fits

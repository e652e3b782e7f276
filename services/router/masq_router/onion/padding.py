"""Size classes of end-to-end plaintext (protocol.md 4.1). Pure.

Each layer adds 16 bytes, so without care the length on a link would count the layers left and tell
a relay where on the route it stands. The originator therefore draws a hint of 0..15 for each
session and takes so many layers' worth of bytes off every size. Only the exit is told the hint: a
relay sees the class plus a sum of layers and hint that it cannot take apart, but for the few values
at the rims.
"""

from masq_router.onion.geometry import HINT_MAX, LAYER_OVERHEAD, SIZE_CLASSES

__all__ = ["capacity", "padded_size"]


def capacity(hint: int) -> int:
    """Return the largest plaintext, in bytes, that one package of this session carries."""
    assert 0 <= hint <= HINT_MAX
    return SIZE_CLASSES[-1] - hint * LAYER_OVERHEAD


def padded_size(size: int, hint: int) -> int:
    """Return the size to which `size` bytes of plaintext are padded.

    Args:
        size: 1 to `capacity(hint)` bytes.
        hint: of the session, 0..15.
    """
    off = hint * LAYER_OVERHEAD
    for size_class in SIZE_CLASSES:
        if size <= size_class - off:
            return size_class - off
    raise AssertionError("more than one package can carry")

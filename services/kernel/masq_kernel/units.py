"""Kinds of numbers, so that a type checker refuses bytes where wei belong. Pure."""

from typing import NewType

__all__ = [
    "WEI_PER_GWEI",
    "WEI_PER_MASQ",
    "ByteCount",
    "Seconds",
    "UnixSeconds",
    "Wei",
    "masq_text",
]

Wei = NewType("Wei", int)
"""An amount of MASQ in its smallest unit; 10**18 wei are 1 MASQ."""

ByteCount = NewType("ByteCount", int)
"""A number of bytes."""

Seconds = NewType("Seconds", float)
"""A duration in seconds, or a point on the monotonic clock."""

UnixSeconds = NewType("UnixSeconds", int)
"""A point in time: whole seconds since 1970-01-01T00:00:00Z."""

WEI_PER_GWEI = 10**9
WEI_PER_MASQ = 10**18


def masq_text(amount: Wei, *, digits: int = 6) -> str:
    """Return an amount in MASQ with a fixed number of decimals, for people to read.

    Rounds toward zero: a screen must never show more than there is.

    Args:
        amount: wei, of either sign.
        digits: decimals to show, 0 to 18.
    """
    sign = "-" if amount < 0 else ""
    whole, rest = divmod(abs(amount), WEI_PER_MASQ)
    if digits == 0:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{rest:018d}"[: len(sign) + len(str(whole)) + 1 + digits]

"""Cover traffic: PADDING on links that are at rest. Pure.

An observer then cannot tell rest from a little traffic (docs/threat-model.md). Frames leave at
random, memoryless times, with the sizes that DATA has, at a mean rate that the operator chooses.
Real DATA takes the place of cover: what has been sent since the last frame is taken off what is
due, so a busy link carries none and the cost has a ceiling.
"""

import math
from dataclasses import dataclass

from masq_kernel.entropy import Entropy
from masq_kernel.units import Seconds
from masq_router.links.pace import TokenBucket
from masq_router.onion.geometry import HINT_MAX, LAYER_OVERHEAD, LINK_TAG_SIZE, SIZE_CLASSES

__all__ = ["PADDING_BURST", "PADDING_RATE", "Cover", "CoverSchedule", "padding_allowance"]

LAYERS_MAX = 4
"""Of a route of the usual length, seen at any of its links."""

SIZES = SIZE_CLASSES[:2]
"""Small exchanges are what cover can pass for; bulk shows by its sheer volume."""

MEAN_SIZE = sum(SIZES) / len(SIZES)

CREDIT_MAX_S = 10.0
"""Seconds of cover that real traffic can be ahead: after a burst the link is not mute for long."""

PADDING_RATE, PADDING_BURST = float(2 << 20), float(16 << 20)
"""Bytes per second that we take from a peer, far above what any setting sends: PADDING is not paid
for, and a flood of it is misconduct."""


@dataclass(slots=True)
class Cover:
    """What all links share.

    Args:
        rate: bytes per second on each link; 0: none.
        sent, received: bytes of PADDING so far.
    """

    rate: float = 0.0
    sent: int = 0
    received: int = 0


class CoverSchedule:
    """One link's.

    Args:
        rate: bytes per second, above 0.
        entropy: for times and sizes.
    """

    def __init__(self, rate: float, entropy: Entropy) -> None:
        self._rate, self._entropy = rate, entropy
        self._ahead = 0.0  # bytes of real DATA that stand for cover still to come

    def gap(self) -> Seconds:
        """Return how long to wait for the next frame: exponential, so no gap tells of another."""
        mean = MEAN_SIZE / self._rate
        return Seconds(-mean * math.log(1.0 - self._entropy.fraction()))

    def next_size(self, data_size: int) -> int | None:
        """Return the body of the PADDING that is due, in bytes; None: real DATA stood for it.

        Args:
            data_size: bytes of DATA that have left since the last call.
        """
        size = self._drawn_size()
        self._ahead = min(self._ahead + data_size, CREDIT_MAX_S * self._rate)
        if self._ahead >= size:
            self._ahead -= size
            return None
        return size

    def _drawn_size(self) -> int:
        """Return the size of a DATA frame's body of some route, hint and place on it."""
        size_class = self._entropy.choice(SIZES)
        layers = 1 + self._entropy.below(LAYERS_MAX)
        hint = self._entropy.below(HINT_MAX + 1)
        return LINK_TAG_SIZE + size_class + (layers - hint) * LAYER_OVERHEAD


def padding_allowance(now: Seconds) -> TokenBucket:
    """Return what one peer may send."""
    return TokenBucket(rate=PADDING_RATE, burst=PADDING_BURST, now=now)

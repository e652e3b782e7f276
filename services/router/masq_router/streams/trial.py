"""Whether another size of window is right: a few rounds of it, against the speed before. Pure.

    tried -> the first round is not counted -> right | wrong | another round ... -> right or wrong

Rates swing by themselves, so a larger window must bring a quarter more on average before it is
kept, and a smaller one may cost a fifth; only what no swing explains is believed at once.
"""

__all__ = ["GAIN", "Trial"]

GAIN = 1.25
"""How much faster a doubled window must be to stay, and a window be than its half."""

_PLAIN = 1.75
"""So much more, or so much less, needs no further round."""

_ROUNDS = 4
"""That count; one before them still has the bytes of the other size."""


class Trial:
    """A window that has just been doubled or halved.

    Args:
        before: bytes per second with the size before.
        is_larger: doubled, not halved.
    """

    __slots__ = ("_rounds", "_sum", "before", "is_larger")

    def __init__(self, before: float, *, is_larger: bool) -> None:
        self.before, self.is_larger = before, is_larger
        self._rounds, self._sum = -1, 0.0

    @property
    def speed(self) -> float:
        """Bytes per second in the rounds that count."""
        return self._sum / max(1, self._rounds)

    def weigh(self, rate: float) -> bool | None:
        """Take the rate of a round; True: the size is right, False: it is not, None: go on."""
        self._rounds += 1
        if self._rounds == 0:
            return None
        self._sum += rate
        if self.is_larger:
            is_plain, is_enough = rate >= _PLAIN * self.before, self.speed >= GAIN * self.before
        else:
            is_plain, is_enough = rate * _PLAIN <= self.before, self.speed * GAIN >= self.before
        if is_plain:
            return self.is_larger
        return is_enough if self._rounds >= _ROUNDS else None

"""Names that this exit has looked up lately. Pure.

The machine's resolver tells no lifetimes, so every answer is kept for the same short time. Whoever
uses an exit can tell by the clock whether a name was asked for in the last minute, by whom he
cannot (docs/threat-model.md).
"""

from collections import OrderedDict

from masq_kernel.units import Seconds
from masq_router.exit.policy import IpAddress
from masq_router.streams.errors import ResetCode

__all__ = ["NAMES_MAX", "Answer", "NameCache"]

FOUND_S = 60.0
"""How long an answer is good: as long as most names that move are good for."""

FAILED_S = 5.0
"""How long a failure is: enough that a client which tries again and again costs nothing."""

NAMES_MAX = 4_096
"""Names kept; one more and the least recently used is forgotten."""

Answer = tuple[IpAddress, ...] | ResetCode


class NameCache:
    """Answers by name."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str, tuple[Answer, Seconds]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, name: str, now: Seconds) -> Answer | None:
        """Return addresses, or why there are none; None: not known any more."""
        answer, good_until = self._answers.get(name, (None, now))
        if answer is None or good_until <= now:
            return None
        self._answers.move_to_end(name)
        return answer

    def put(self, name: str, answer: Answer, now: Seconds) -> None:
        """Keep an answer."""
        good_for = FAILED_S if isinstance(answer, ResetCode) else FOUND_S
        self._answers[name] = answer, Seconds(now + good_for)
        self._answers.move_to_end(name)
        if len(self._answers) > NAMES_MAX:
            self._answers.popitem(last=False)

"""Where we stand, since when and why, what was lost on the way down, where we stood before. Pure.

    starting < alone < seeking < connected < routable

A stage that is lower than one we had says what was lost and when, until it is there again.
"""

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime

from masq_gossip.rules.events import MoveStage
from masq_kernel.bus.messages.gossip import Stage
from masq_kernel.units import UnixSeconds

__all__ = ["HISTORY_MAX", "StageLog", "StageMove"]

HISTORY_MAX = 50
"""Stage changes kept; older ones are in the log."""

_ORDER: tuple[Stage, ...] = ("starting", "alone", "seeking", "connected", "routable")

_LOSS: dict[Stage, str] = {
    "connected": "the last full neighbor was lost",
    "routable": "round trips were lost",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StageMove:
    """One change of stage: up or down, when and why."""

    at: UnixSeconds
    before: Stage
    stage: Stage
    reason: str


class StageLog:
    """The stage and its history since this process began."""

    def __init__(self) -> None:
        self.stage: Stage = "starting"
        self.reason = "waiting for the router's onion key and the accountant's wallet"
        self.since: UnixSeconds | None = None  # None: since the process began
        self._moves: deque[StageMove] = deque(maxlen=HISTORY_MAX)
        self._lost_at: dict[Stage, UnixSeconds] = {}

    @property
    def moves(self) -> tuple[StageMove, ...]:
        """The last changes of stage, the newest first."""
        return tuple(reversed(self._moves))

    def name(self, stage: Stage, sentence: str, now: UnixSeconds) -> MoveStage | None:
        """Stand here from now on; None: nothing has changed, not even the reason."""
        self._note_losses(stage, now)
        reason = "; ".join((sentence, *self._losses()))
        if (stage, reason) == (self.stage, self.reason):
            return None
        before, self.stage, self.reason = self.stage, stage, reason
        if stage != before:
            self.since = now
            self._moves.append(StageMove(at=now, before=before, stage=stage, reason=reason))
        return MoveStage(stage, reason, before, now)

    def _note_losses(self, stage: Stage, now: UnixSeconds) -> None:
        is_at, was_at = _ORDER.index(stage), _ORDER.index(self.stage)
        for one in _LOSS:
            if is_at >= _ORDER.index(one):
                self._lost_at.pop(one, None)
            elif was_at >= _ORDER.index(one):
                self._lost_at[one] = now

    def _losses(self) -> list[str]:
        return [f"{_LOSS[one]} at {_text(self._lost_at[one])}" for one in sorted(self._lost_at)]


def _text(unix: UnixSeconds) -> str:
    return f"{datetime.fromtimestamp(unix, UTC):%Y-%m-%d %H:%M:%S} UTC"

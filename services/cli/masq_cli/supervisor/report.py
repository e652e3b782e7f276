"""What the supervisor says about a process.

    STARTING -> RUNNING -> BACKING_OFF -> STARTING -> ...

From any of them to STOPPED when it is told to stop, and to FAILED when its settings or keys are
refused, so that starting it again is no use.
"""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["ProcessEvent", "ProcessState"]


class ProcessState(StrEnum):
    """Where a process stands."""

    STARTING = "starting"
    RUNNING = "running"
    BACKING_OFF = "backing off"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEvent:
    """A process changed its state.

    Args:
        name: which process.
        state: its new state.
        pid: its process id while it lives.
        restarts: how often it was started again.
        exit_code: how it ended, negative for a signal; None while it lives.
        reason: what it said last before it ended, or "".
        wait_s: how long until it is started again, while backing off.
    """

    name: str
    state: ProcessState
    pid: int | None = None
    restarts: int = 0
    exit_code: int | None = None
    reason: str = ""
    wait_s: float | None = None

"""How long to wait before a process that ended is started again. Pure.

Each end doubles the wait up to a longest one; a run that went well forgets the ends before it.
Chance shortens each wait a little, so that processes that fell together do not rise together.
"""

from dataclasses import dataclass

from masq_kernel.units import Seconds

__all__ = ["Backoff", "RestartPolicy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartPolicy:
    """The numbers of the back-off.

    Args:
        first_s: the wait after the first end.
        longest_s: the most that doubling leads to.
        good_run_s: a run of at least this length counts as healthy.
        jitter: the largest part of a wait, 0 to 1, that chance takes off.
    """

    first_s: float = 0.5
    longest_s: float = 30.0
    good_run_s: float = 30.0
    jitter: float = 0.2


class Backoff:
    """The back-off of one process.

    Args:
        policy: its numbers.
    """

    def __init__(self, policy: RestartPolicy) -> None:
        self._policy = policy
        self._ends = 0

    def after_end(self, ran_s: float, chance: float) -> Seconds:
        """Return how long to wait now.

        Args:
            ran_s: how long the process ran.
            chance: a fraction from 0 up to but not including 1.
        """
        policy = self._policy
        if ran_s >= policy.good_run_s:
            self._ends = 0
        wait_s = policy.first_s
        for _ in range(self._ends):
            wait_s = min(wait_s * 2, policy.longest_s)
            if wait_s == policy.longest_s:
                break
        self._ends += 1
        return Seconds(wait_s * (1 - policy.jitter * chance))

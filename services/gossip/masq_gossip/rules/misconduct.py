"""Count what no honest node does, per sender, with the last reason. Pure.

The sender answers for it, never a third party that a message merely names (protocol.md 5.3).
"""

from dataclasses import dataclass

from masq_kernel.identity.keys import NodeId

__all__ = ["Misconduct", "Offence"]

OFFENDERS_MAX = 1024
"""Beyond this the one whose last offence is longest ago is forgotten."""


@dataclass(frozen=True, slots=True)
class Offence:
    """What is held against a node."""

    count: int
    reason: str
    at: float  # monotonic


class Misconduct:
    """The offenders we remember."""

    def __init__(self) -> None:
        self._offences: dict[NodeId, Offence] = {}

    def report(self, sender: NodeId, reason: str, now: float) -> Offence:
        """Add one offence and return what is held against the sender now."""
        before = self._offences.pop(sender, None)
        offence = Offence((before.count if before else 0) + 1, reason, now)
        self._offences[sender] = offence
        if len(self._offences) > OFFENDERS_MAX:
            del self._offences[next(iter(self._offences))]
        return offence

    def of(self, node_id: NodeId) -> Offence | None:
        """Return what is held against a node."""
        return self._offences.get(node_id)

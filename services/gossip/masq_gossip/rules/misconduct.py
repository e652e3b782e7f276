"""What no honest node does, held against whoever did it: bans that grow and pass. Pure.

The *sender* answers, never a third party that a message merely names (protocol.md 5.3). The first
offence bans for ten minutes, each further one for twice as long, up to a day. Who keeps clean for a
week after a ban is treated as new.
"""

from collections.abc import Iterable

from masq_gossip.rules.ban import Ban
from masq_gossip.rules.events import Now
from masq_kernel.identity.keys import NodeId
from masq_kernel.units import UnixSeconds

__all__ = ["BAN_FIRST_S", "BAN_MAX_S", "EVIDENCE_SIZE_MAX", "OFFENDERS_MAX", "Misconduct"]

BAN_FIRST_S = 600
BAN_MAX_S = 24 * 3600
MEMORY_S = 7 * 24 * 3600
"""How long after the end of a ban the offence still counts."""

OFFENDERS_MAX = 1024
"""Beyond this the one whose last offence is longest ago is forgotten."""

EVIDENCE_SIZE_MAX = 512
"""Of the payload that gave offence, its beginning is kept."""

REASON_SIZE_MAX = 200


class Misconduct:
    """The offenders we remember.

    Args:
        bans: those of earlier runs.
    """

    def __init__(self, bans: Iterable[Ban] = ()) -> None:
        self._bans: dict[NodeId, Ban] = {ban.node_id: ban for ban in bans}

    def report(self, sender: NodeId, reason: str, now: Now, *, evidence: bytes = b"") -> Ban:
        """Ban the sender, for longer if it is not the first time."""
        before = self._bans.pop(sender, None)
        is_known = before is not None and now.unix < before.until + MEMORY_S
        count = before.count + 1 if before is not None and is_known else 1
        length = min(BAN_FIRST_S << min(count - 1, 16), BAN_MAX_S)
        ban = Ban(
            node_id=sender,
            count=count,
            reason=reason[:REASON_SIZE_MAX],
            since=now.unix,
            until=UnixSeconds(now.unix + length),
            evidence=evidence[:EVIDENCE_SIZE_MAX],
        )
        self._bans[sender] = ban
        if len(self._bans) > OFFENDERS_MAX:
            del self._bans[next(iter(self._bans))]
        return ban

    def ban_of(self, node_id: NodeId, now: Now) -> Ban | None:
        """Return the ban under which a node is now."""
        ban = self._bans.get(node_id)
        return ban if ban is not None and now.unix < ban.until else None

    def of(self, node_id: NodeId) -> Ban | None:
        """Return what is held against a node, past bans included."""
        return self._bans.get(node_id)

    def pardon(self, node_id: NodeId) -> bool:
        """Forget everything held against a node; False: nothing was."""
        return self._bans.pop(node_id, None) is not None

    def all(self) -> tuple[Ban, ...]:
        """Return everything that is remembered, oldest offence first."""
        return tuple(self._bans.values())

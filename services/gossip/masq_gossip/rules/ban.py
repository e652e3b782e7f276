"""What is held against a node. Pure."""

from dataclasses import dataclass, field

from masq_kernel.identity.keys import NodeId
from masq_kernel.units import UnixSeconds

__all__ = ["Ban"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ban:
    """What is held against a node.

    Args:
        node_id: who.
        count: offences so far.
        reason: the last one.
        since, until: when it began and when it passes.
        evidence: the beginning of the payload that gave offence; empty when it was no payload.
    """

    node_id: NodeId
    count: int
    reason: str
    since: UnixSeconds
    until: UnixSeconds
    evidence: bytes = field(default=b"", repr=False)

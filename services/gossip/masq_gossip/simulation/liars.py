"""Nodes that do not tell the truth, each in its own way. Pure.

Their cores are honest; what they say is changed on its way out. A liar signs with its own key only:
nobody can sign for another.
"""

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum

from masq_gossip.messages import Debut, Digest, Message, Standard, message_to_bytes
from masq_gossip.record import MAX_DEGREE, SignedRecord
from masq_gossip.simulation.identities import CHAIN, read_record
from masq_kernel.entropy import Entropy
from masq_kernel.errors import RemoteError
from masq_kernel.identity.keys import IdentityKey, NodeId

__all__ = ["Liar", "Lie"]

OLD_RECORDS_MAX = 64


class Lie(Enum):
    """What a liar does to what it says."""

    GARBLE = "changes a byte of every third message"
    WITHHOLD = "tells nobody's record but its own"
    REPLAY = "tells the oldest record it has seen of each node"
    BOAST = "lists neighbors that it does not have"


class Liar:
    """Turns what an honest core would say into what the liar says.

    Args:
        others: nodes it may claim as neighbors.
    """

    def __init__(
        self, lie: Lie, key: IdentityKey, entropy: Entropy, others: Sequence[NodeId]
    ) -> None:
        self.lie = lie
        self._key, self._entropy, self._others = key, entropy, others
        self._first_seen: dict[NodeId, bytes] = {}
        self._boasts: dict[int, bytes] = {}

    def say(self, message: Message) -> bytes | None:
        """Return the payload that goes out; None: it says nothing."""
        match self.lie:
            case Lie.GARBLE:
                return self._garbled(message_to_bytes(message))
            case Lie.WITHHOLD:
                return self._withheld(message)
            case Lie.REPLAY:
                return message_to_bytes(self._replayed(message))
            case Lie.BOAST:
                return message_to_bytes(self._boasted(message))

    def _garbled(self, payload: bytes) -> bytes:
        if self._entropy.below(3):
            return payload
        at = self._entropy.below(len(payload))
        changed = payload[at] ^ (1 + self._entropy.below(255))
        return payload[:at] + bytes([changed]) + payload[at + 1 :]

    def _withheld(self, message: Message) -> bytes | None:
        if isinstance(message, Digest):
            return None
        if isinstance(message, Standard):
            own = tuple(raw for raw in message.records if self._owner(raw) == self._key.node_id)
            if not own and message.statement is None:
                return None
            message = replace(message, records=own)
        return message_to_bytes(message)

    def _replayed(self, message: Message) -> Message:
        if not isinstance(message, Standard):
            return message
        return replace(message, records=tuple(self._oldest(raw) for raw in message.records))

    def _oldest(self, raw: bytes) -> bytes:
        owner = self._owner(raw)
        if owner is None or owner == self._key.node_id:
            return raw
        if len(self._first_seen) >= OLD_RECORDS_MAX:
            return self._first_seen.get(owner, raw)
        return self._first_seen.setdefault(owner, raw)

    def _boasted(self, message: Message) -> Message:
        if isinstance(message, Debut):
            return replace(message, record=self._boast(message.record))
        if isinstance(message, Standard):
            return replace(message, records=tuple(self._boast(raw) for raw in message.records))
        return message

    def _boast(self, raw: bytes) -> bytes:
        """Sign our own record again with false neighbors; one version is told one way only."""
        if self._owner(raw) != self._key.node_id:
            return raw
        record = read_record(raw).record
        if record.version not in self._boasts:
            false = {self._entropy.choice(self._others) for _ in range(2)}
            false -= {self._key.node_id, *record.neighbors}
            room = MAX_DEGREE - record.degree
            listed = sorted((*record.neighbors, *sorted(false)[:room]))
            boast = replace(record, neighbors=tuple(listed))
            self._boasts[record.version] = SignedRecord.sign(boast, self._key, CHAIN).raw
        return self._boasts[record.version]

    def _owner(self, raw: bytes) -> NodeId | None:
        try:
            return read_record(raw).node_id
        except RemoteError:
            return None

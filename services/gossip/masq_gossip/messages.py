"""What neighbors say to each other in GOSSIP frames. Pure. Source: protocol.md 5.2.

Message           type  body (big-endian; "block" is a u16 length and that many bytes)
|- Debut          1     record block, statement block (empty: takes no connections), tried ids
|- Introduction   2     statement block of the node introduced
|- Pass           3     statement block of the node to debut to instead
|- Standard       4     statement block of the sender (empty: not told), u8 count, record blocks
|- Digest         5     u16 count, (NodeId 32, version u64) each
|- Request        6     u16 count, NodeIds
|- Farewell       7     nothing
+- Failure        8     reason u8 (GOSSIP-FAILURE)

Records and statements stay bytes here: whoever knows them already need not verify them again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from masq_gossip.codec import Reader
from masq_gossip.record import RECORD_SIZE_MAX
from masq_gossip.statement import STATEMENT_SIZE_MAX
from masq_kernel.errors import MalformedError
from masq_kernel.identity.keys import NodeId

__all__ = [
    "DIGEST_COUNT_MAX",
    "PAYLOAD_SIZE_MAX",
    "REQUEST_COUNT_MAX",
    "STANDARD_RECORDS_MAX",
    "TRIED_MAX",
    "Debut",
    "Digest",
    "Failure",
    "FailureReason",
    "Farewell",
    "Introduction",
    "Message",
    "Pass",
    "Request",
    "Standard",
    "message_from_bytes",
    "message_to_bytes",
]

PAYLOAD_SIZE_MAX = 60_000
"""Fits a link frame of 64 KiB (protocol.md 3) with its header."""

STANDARD_RECORDS_MAX = 28
"""As many of the longest records as a payload holds, with a statement."""

DIGEST_COUNT_MAX = 1_400
REQUEST_COUNT_MAX = 512
TRIED_MAX = 32
"""NodeIds a newcomer may name as already tried, so that it is not sent back to them."""

assert 3 + STATEMENT_SIZE_MAX + STANDARD_RECORDS_MAX * (2 + RECORD_SIZE_MAX) < PAYLOAD_SIZE_MAX
assert 3 + DIGEST_COUNT_MAX * 40 < PAYLOAD_SIZE_MAX
assert 3 + REQUEST_COUNT_MAX * 32 < PAYLOAD_SIZE_MAX

_WHAT = "gossip message"


class FailureReason(IntEnum):
    """Why a node says no, or ends a neighborhood."""

    FULL = 1
    """Five neighbors, and none of them has room."""
    ADDRESS_TAKEN = 2
    """Another node holds this IP address: one node per public IP."""
    ADDRESS_MISMATCH = 3
    """The statement's addresses are not where the link comes from."""
    NO_INTRODUCTION = 4
    """There is nobody left to introduce."""
    NOT_NEEDED = 5
    """The debutant has found enough neighbors meanwhile."""
    HALF_LINK = 6
    """The other record did not list us in time, or stopped listing us."""
    DISPLACED = 7
    """The slot went to a node that would have been isolated."""
    MISCONDUCT = 8
    """Something that no honest node sends."""
    NOT_SERVING = 9
    """The node takes no neighbors now (starting, or its mode has none)."""


@dataclass(frozen=True, slots=True)
class Debut:
    """A newcomer presents itself; from a neighbor: a wish for one more introduction."""

    record: bytes
    statement: bytes | None  # None: the node takes no connections
    tried: tuple[NodeId, ...] = ()


@dataclass(frozen=True, slots=True)
class Introduction:
    """Here is one more node that has room; or the sender itself, where it is about to move."""

    statement: bytes


@dataclass(frozen=True, slots=True)
class Pass:
    """No room here; debut to this node instead."""

    statement: bytes


@dataclass(frozen=True, slots=True)
class Standard:
    """Records the other side may not have, and where the sender itself is."""

    records: tuple[bytes, ...]
    statement: bytes | None = None  # None: not told this time


@dataclass(frozen=True, slots=True)
class Digest:
    """The versions of what the sender holds and the receiver's horizon includes."""

    versions: tuple[tuple[NodeId, int], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """Send me these records."""

    node_ids: tuple[NodeId, ...]


@dataclass(frozen=True, slots=True)
class Farewell:
    """An orderly stop: drop the edge now."""


@dataclass(frozen=True, slots=True)
class Failure:
    """GOSSIP-FAILURE: no, and why."""

    reason: FailureReason


Message = Debut | Introduction | Pass | Standard | Digest | Request | Farewell | Failure


def message_to_bytes(message: Message) -> bytes:
    """Return the payload of a GOSSIP frame."""
    match message:
        case Debut(record, statement, tried):
            body = b"\1" + _block(record) + _block(statement or b"") + _ids(tried, 1)
        case Introduction(statement):
            body = b"\2" + _block(statement)
        case Pass(statement):
            body = b"\3" + _block(statement)
        case Standard(records, statement):
            blocks = b"".join(_block(record) for record in records)
            body = b"\4" + _block(statement or b"") + len(records).to_bytes(1, "big") + blocks
        case Digest(versions):
            pairs = (node_id.raw + version.to_bytes(8, "big") for node_id, version in versions)
            body = b"\5" + len(versions).to_bytes(2, "big") + b"".join(pairs)
        case Request(node_ids):
            body = b"\6" + _ids(node_ids, 2)
        case Farewell():
            body = b"\7"
        case Failure(reason):
            body = b"\x08" + reason.to_bytes(1, "big")
    assert len(body) <= PAYLOAD_SIZE_MAX
    return body


def message_from_bytes(payload: bytes) -> Message:
    """Read a GOSSIP frame's payload; records and statements in it are not verified yet.

    Raises:
        MalformedError: unknown type, a count above its bound, too short, or too long.
    """
    if len(payload) > PAYLOAD_SIZE_MAX:
        raise MalformedError(_WHAT, f"{len(payload)} bytes")
    reader = Reader(_WHAT, payload)
    read = _READERS.get(reader.number(1))
    if read is None:
        raise reader.refuse("unknown type")
    message = read(reader)
    reader.finish()
    return message


def _block(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def _ids(node_ids: tuple[NodeId, ...], count_size: int) -> bytes:
    return len(node_ids).to_bytes(count_size, "big") + b"".join(one.raw for one in node_ids)


def _read_debut(reader: Reader) -> Debut:
    record = reader.block(limit=RECORD_SIZE_MAX)
    statement = reader.block(limit=STATEMENT_SIZE_MAX) or None
    count = reader.count(1, limit=TRIED_MAX)
    return Debut(record, statement, tuple(reader.node_id() for _ in range(count)))


def _read_introduction(reader: Reader) -> Introduction:
    return Introduction(reader.block(limit=STATEMENT_SIZE_MAX))


def _read_pass(reader: Reader) -> Pass:
    return Pass(reader.block(limit=STATEMENT_SIZE_MAX))


def _read_standard(reader: Reader) -> Standard:
    statement = reader.block(limit=STATEMENT_SIZE_MAX) or None
    count = reader.count(1, limit=STANDARD_RECORDS_MAX)
    records = tuple(reader.block(limit=RECORD_SIZE_MAX) for _ in range(count))
    return Standard(records, statement)


def _read_digest(reader: Reader) -> Digest:
    count = reader.count(2, limit=DIGEST_COUNT_MAX)
    return Digest(tuple((reader.node_id(), reader.number(8)) for _ in range(count)))


def _read_request(reader: Reader) -> Request:
    count = reader.count(2, limit=REQUEST_COUNT_MAX)
    return Request(tuple(reader.node_id() for _ in range(count)))


def _read_farewell(_reader: Reader) -> Farewell:
    return Farewell()


def _read_failure(reader: Reader) -> Failure:
    code = reader.number(1)
    if code not in {reason.value for reason in FailureReason}:
        raise reader.refuse("unknown failure reason")
    return Failure(FailureReason(code))


_READERS: dict[int, Callable[[Reader], Message]] = {
    1: _read_debut,
    2: _read_introduction,
    3: _read_pass,
    4: _read_standard,
    5: _read_digest,
    6: _read_request,
    7: _read_farewell,
    8: _read_failure,
}

"""Frames between nodes: 3-byte length, 1-byte type, body of at most 64 KiB (protocol.md 3). Pure.

The length counts the body. HELLO carries the handshake, GOSSIP a gossip message, SETUP and DATA
CORES packages, TEARDOWN a link tag and a reason, PING and PONG an 8-byte token, PADDING nothing.
"""

from enum import IntEnum

from masq_router.errors import WireError
from masq_router.onion.geometry import LINK_TAG_SIZE, SETUP_SIZE

__all__ = [
    "BODY_SIZE_MAX",
    "HEADER_SIZE",
    "FrameType",
    "TeardownReason",
    "check_frame",
    "frame",
    "teardown_body",
    "teardown_fields",
]

HEADER_SIZE = 4
BODY_SIZE_MAX = 65_536


class FrameType(IntEnum):
    """The fourth byte of a frame."""

    HELLO = 1
    GOSSIP = 2
    SETUP = 3
    DATA = 4
    TEARDOWN = 5
    PING = 6
    PONG = 7
    PADDING = 8


class TeardownReason(IntEnum):
    """Why a session ends, as told hop by hop."""

    CLOSED = 0  # the originator is done
    EXPIRED = 1
    OVERLOAD = 2
    REFUSED_BANNED = 3
    REFUSED_PRICE = 4
    REFUSED_PROOF = 5
    REFUSED_CREDIT = 6
    NEXT_HOP_GONE = 7
    PROTOCOL_ERROR = 8
    OTHER_WAY_GONE = 9  # told by the exit: the opposite route of this round trip has ended
    OTHER_WAY_REFUSED = 10  # or was refused by one of its hops, as the payer can mend


_EXACT_SIZE: dict[int, int] = {
    FrameType.SETUP: SETUP_SIZE,
    FrameType.TEARDOWN: LINK_TAG_SIZE + 1,
    FrameType.PING: 8,
    FrameType.PONG: 8,
}
_KNOWN = frozenset(FrameType)


def check_frame(kind: int, size: int) -> None:
    """Refuse a frame by its header, before anything of it is buffered.

    Raises:
        WireError: unknown type, or a size that this type cannot have.
    """
    if kind not in _KNOWN:
        raise WireError(f"frame of unknown type {kind}")
    if size > BODY_SIZE_MAX or _EXACT_SIZE.get(kind, size) != size:
        raise WireError(f"{FrameType(kind).name} frame of {size} bytes")


def frame(kind: FrameType, body: bytes) -> bytes:
    """Return a whole frame."""
    check_frame(kind, len(body))
    return len(body).to_bytes(3, "big") + bytes([kind]) + body


def teardown_body(tag: bytes, reason: TeardownReason) -> bytes:
    """Return the body of a TEARDOWN."""
    assert len(tag) == LINK_TAG_SIZE
    return tag + bytes([reason])


def teardown_fields(body: bytes | memoryview) -> tuple[bytes, TeardownReason]:
    """Read a TEARDOWN's link tag and reason; one we do not know is a protocol error of theirs.

    Raises:
        WireError: of another size.
    """
    if len(body) != LINK_TAG_SIZE + 1:
        raise WireError("TEARDOWN of another size")
    code = body[LINK_TAG_SIZE]
    known = code in TeardownReason.__members__.values()
    reason = TeardownReason(code) if known else TeardownReason.PROTOCOL_ERROR
    return bytes(body[:LINK_TAG_SIZE]), reason

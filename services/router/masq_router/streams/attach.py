"""How an association takes up with its exit, at first and again after a change of route. Pure.

ATTACH (originator to exit, the first frame on every over route)
    type 0x01, epoch u32, flags u8 (bit 0: it must exist), association secret (32), back secret
    (32), first node of the back route (32), back SETUP (SETUP_SIZE), resume point
ATTACHED (exit to originator, the first frame on every back route)
    type 0x0c, epoch u32, verdict u8, resume point
resume point
    backlog u64, count u16, count x (stream u32, received u64)

Whoever shows the secret again, under a higher epoch, continues the same streams; each side tells
the other what it has, and the other sends the rest again. An originator that never heard ATTACHED
does not know whether its exit knows the association, so it lets the exit make it.
"""

import struct
from dataclasses import dataclass, field
from enum import IntEnum

from masq_kernel.identity.keys import NODE_ID_SIZE, NodeId
from masq_router.errors import StreamProtocolError
from masq_router.onion.geometry import SECRET_SIZE, SETUP_SIZE
from masq_router.onion.padding import padded_size
from masq_router.streams.frames import FrameType, unpack

__all__ = ["Attach", "Attached", "ResumePoint", "Verdict", "WayBack", "refusal_package"]

RESUME_MAX = 1024
"""As many streams as an association may hold."""

_MUST_EXIST = 0x01
_ATTACH = struct.Struct(f">BIB{SECRET_SIZE}s{SECRET_SIZE}s{NODE_ID_SIZE}s{SETUP_SIZE}s")
_ATTACHED = struct.Struct(">BIB")
_POINT = struct.Struct(">QH")
_RECEIVED = struct.Struct(">IQ")


class Verdict(IntEnum):
    """What an exit makes of an ATTACH."""

    ACCEPTED = 0
    UNKNOWN = 1  # it holds no such association, or not any more


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumePoint:
    """How far one end has come.

    Args:
        backlog: bytes received that its TCP sockets have not taken yet, all streams together.
        received: per live stream, the offset up to which it has everything.
    """

    backlog: int = 0
    received: tuple[tuple[int, int], ...] = ()

    def to_bytes(self) -> bytes:
        """Return the end of an ATTACH or ATTACHED."""
        assert len(self.received) <= RESUME_MAX
        offsets = (_RECEIVED.pack(stream, offset) for stream, offset in self.received)
        return b"".join((_POINT.pack(self.backlog, len(self.received)), *offsets))

    @classmethod
    def pop(cls, data: memoryview, at: int) -> tuple["ResumePoint", int]:
        """Read one that begins at `at`; return it and where the next frame begins.

        Raises:
            StreamProtocolError: cut off, or more offsets than an association has streams.
        """
        backlog, count = unpack(_POINT, data, at)
        begin = at + _POINT.size
        end = begin + count * _RECEIVED.size
        if count > RESUME_MAX or len(data) < end:
            raise StreamProtocolError("a resume point lists more streams than it holds")
        received = tuple(_RECEIVED.iter_unpack(data[begin:end]))
        return cls(backlog=backlog, received=received), end


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBack:
    """The back route as its exit needs to know it.

    Args:
        secret: 32 bytes; the end-to-end key of the way back is derived from it.
        first: the neighbor of the exit that begins it.
        setup: the SETUP for that neighbor, SETUP_SIZE bytes.
    """

    secret: bytes = field(repr=False)
    first: NodeId
    setup: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attach:
    """Names an association, gives the exit a way back and says what to continue.

    Args:
        secret: 32 bytes, known to originator and exit only.
        epoch: 1 for the first route of the association, higher for each later one.
        must_exist: refuse rather than begin a new association.
        way_back: where the answers go.
        point: what the originator has received.
    """

    secret: bytes = field(repr=False)
    epoch: int
    must_exist: bool
    way_back: WayBack
    point: ResumePoint = ResumePoint()

    def to_bytes(self) -> bytes:
        """Return the whole frame."""
        assert len(self.secret) == len(self.way_back.secret) == SECRET_SIZE
        assert len(self.way_back.setup) == SETUP_SIZE
        fixed = _ATTACH.pack(
            FrameType.ATTACH,
            self.epoch,
            _MUST_EXIST if self.must_exist else 0,
            self.secret,
            self.way_back.secret,
            self.way_back.first.raw,
            self.way_back.setup,
        )
        return fixed + self.point.to_bytes()

    @classmethod
    def pop(cls, data: memoryview, at: int) -> tuple["Attach", int]:
        """Read the frame whose type byte stands at `at`; return it and where the next begins.

        Raises:
            StreamProtocolError: another frame, cut off, or flags that are not known.
        """
        if len(data) < at + _ATTACH.size:
            raise StreamProtocolError("ATTACH is cut off")
        kind, epoch, flags, secret, back_secret, first, setup = _ATTACH.unpack_from(data, at)
        if kind != FrameType.ATTACH:
            raise StreamProtocolError("an originator that does not begin with ATTACH")
        if flags & ~_MUST_EXIST:
            raise StreamProtocolError("ATTACH with a flag of another version")
        point, end = ResumePoint.pop(data, at + _ATTACH.size)
        way_back = WayBack(secret=back_secret, first=NodeId(first), setup=setup)
        attach = cls(
            secret=secret,
            epoch=epoch,
            must_exist=bool(flags & _MUST_EXIST),
            way_back=way_back,
            point=point,
        )
        return attach, end


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """The exit's answer.

    Args:
        epoch: of the ATTACH that it answers.
        verdict: whether the streams go on.
        point: what the exit has received.
    """

    epoch: int
    verdict: Verdict = Verdict.ACCEPTED
    point: ResumePoint = ResumePoint()

    def to_bytes(self) -> bytes:
        """Return the whole frame."""
        head = _ATTACHED.pack(FrameType.ATTACHED, self.epoch, self.verdict)
        return head + self.point.to_bytes()

    @classmethod
    def pop(cls, data: memoryview, at: int) -> tuple["Attached", int]:
        """Read the frame whose type byte stands at `at`; return it and where the next begins.

        Raises:
            StreamProtocolError: another frame, cut off, or a verdict that is not known.
        """
        kind, epoch, verdict = unpack(_ATTACHED, data, at)
        if kind != FrameType.ATTACHED:
            raise StreamProtocolError("an exit that does not begin with ATTACHED")
        if verdict not in set(Verdict):
            raise StreamProtocolError(f"ATTACHED with the verdict {verdict}")
        point, end = ResumePoint.pop(data, at + _ATTACHED.size)
        return cls(epoch=epoch, verdict=Verdict(verdict), point=point), end


def refusal_package(epoch: int, *, hint: int) -> bytes:
    """Return the one package that tells an originator that its association is not known here."""
    answer = Attached(epoch=epoch, verdict=Verdict.UNKNOWN).to_bytes()
    return answer.ljust(padded_size(len(answer), hint), b"\0")

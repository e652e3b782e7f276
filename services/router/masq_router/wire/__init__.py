"""What travels over a link: frames and how they are cut out of the stream of bytes."""

from masq_router.wire.framer import Framer
from masq_router.wire.frames import FrameType, TeardownReason, check_frame, frame

__all__ = ["FrameType", "Framer", "TeardownReason", "check_frame", "frame"]

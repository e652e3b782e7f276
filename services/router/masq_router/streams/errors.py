"""Why a stream ended early, in the words that both ends share (protocol.md 4.3)."""

from enum import IntEnum

__all__ = ["ResetCode"]


class ResetCode(IntEnum):
    """The reason in a RESET; the originator turns it into a SOCKS reply or an HTTP status."""

    GENERAL = 1  # anything without a code of its own
    REFUSED_BY_POLICY = 2  # the exit does not carry this target
    NAME_NOT_RESOLVED = 3
    HOST_UNREACHABLE = 4
    CONNECTION_REFUSED = 5
    TIMED_OUT = 6
    NO_ROUTE = 7  # the neighborhood has no round trip now
    NO_WALLET = 8  # the originator cannot prove that it pays
    EXIT_GONE = 9
    OVERLOAD = 10
    CONNECTION_RESET = 11  # the server cut the connection
    NETWORK_UNREACHABLE = 12
    CLIENT_GONE = 13
    PROTOCOL_ERROR = 14
    SHUTTING_DOWN = 15

    @classmethod
    def from_wire(cls, code: int) -> "ResetCode":
        """Return the reason for a code; one we do not know yet is GENERAL."""
        try:
            return cls(code)
        except ValueError:
            return cls.GENERAL

"""What an exit may make its originator pay for: no more than it was asked for. Pure.

Every package is charged, by every hop of the way back. An exit that wants to raise the bill could
send packages larger than what is in them, or with nothing in them at all. So a package must be of
the smallest class that holds its frames, and packages without a byte for a client are counted:
there are never more of them than answers that are owed. Bytes are bounded by the windows, and
what an exit adds to a server's answer shows in the client's TLS.
"""

from masq_router.errors import StreamProtocolError
from masq_router.onion.padding import padded_size

__all__ = ["ANSWERS_OF_A_PACKAGE", "ANSWERS_OF_A_STREAM", "MudGuard"]

ANSWERS_OF_A_PACKAGE = 2
"""ACKs and PROBED that one package of ours can ask for, in packages of their own."""

ANSWERS_OF_A_STREAM = 4
"""It is connected, it has ended, our end was heard, it was reset."""

_AT_FIRST = 16
"""A new route says what the one before had said."""


class MudGuard:
    """Watches what comes from one exit."""

    def __init__(self) -> None:
        self._owed = 0

    def attached(self) -> None:
        """Another route begins."""
        self._owed += _AT_FIRST

    def asked(self, *, packages: int = 0, streams: int = 0) -> None:
        """We have sent packages, or opened streams."""
        self._owed += ANSWERS_OF_A_PACKAGE * packages + ANSWERS_OF_A_STREAM * streams

    def check(self, package_size: int, used: int, *, hint: int, has_payload: bool) -> None:
        """Judge a package whose frames took the first `used` bytes.

        Raises:
            StreamProtocolError: it is mud.
        """
        if used == 0 or package_size != padded_size(used, hint):
            raise StreamProtocolError("a package larger than what is in it")
        if has_payload:
            return
        self._owed -= 1
        if self._owed < 0:
            raise StreamProtocolError("more packages without payload than answers are owed")

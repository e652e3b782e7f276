"""Both proxy protocols on one port: the first byte tells which (protocol.md 4.4). Pure."""

from masq_router.errors import ProxyProtocolError
from masq_router.origin.http_connect import HEAD_SIZE_MAX, HttpConnect
from masq_router.origin.request import ConnectRequest
from masq_router.origin.socks5 import Socks5
from masq_router.streams.errors import ResetCode

__all__ = ["Greeting"]

_SOCKS5_FIRST = 0x05

EARLY_SIZE_MAX = 256 << 10
"""What a client may send before it was told that its connection stands."""


class Greeting:
    """What a client says before its bytes flow."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._protocol: Socks5 | HttpConnect | None = None

    @property
    def request(self) -> ConnectRequest | None:
        """What it asks for, once that is complete."""
        return self._protocol.request if self._protocol else None

    def receive(self, data: bytes) -> bytes:
        """Take bytes; return what to answer now.

        Raises:
            ProxyProtocolError: neither protocol, or more than a greeting may be.
        """
        self._buffer += data
        if not self._buffer or self.request is not None:
            self._refuse_floods()
            return b""
        if self._protocol is None:
            is_socks = self._buffer[0] == _SOCKS5_FIRST
            self._protocol = Socks5() if is_socks else HttpConnect()
        return self._protocol.advance(self._buffer)

    def leftover(self) -> bytes:
        """Return what the client has sent after its request."""
        return bytes(self._buffer)

    def accepted(self) -> bytes:
        """Return the answer of a connection that stands."""
        assert self._protocol is not None
        return self._protocol.accepted()

    def refused(self, code: ResetCode) -> bytes:
        """Return the answer of one that does not."""
        assert self._protocol is not None
        return self._protocol.refused(code)

    def _refuse_floods(self) -> None:
        if len(self._buffer) > EARLY_SIZE_MAX + HEAD_SIZE_MAX:
            raise ProxyProtocolError("too many bytes before the connection stood", answer=b"")

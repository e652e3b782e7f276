"""Both proxy protocols on one port: the first byte tells which (protocol.md 4.4). Pure."""

import string

from masq_router.errors import ProxyProtocolError
from masq_router.origin.http_connect import HttpConnect, no_http
from masq_router.origin.request import AssociateRequest, ConnectRequest
from masq_router.origin.socks5 import SOCKS4_REFUSED, Socks5
from masq_router.streams.errors import ResetCode

__all__ = ["Greeting"]

_SOCKS4_FIRST, _SOCKS5_FIRST = 0x04, 0x05
_METHOD_FIRST = frozenset(string.ascii_letters)
"""With what HTTP methods begin."""

EARLY_SIZE_MAX = 256 << 10
"""What a client may send before it was told that its connection stands."""


class Greeting:
    """What a client says before its bytes flow."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._protocol: Socks5 | HttpConnect | None = None

    @property
    def request(self) -> ConnectRequest | AssociateRequest | None:
        """What it asks for, once that is complete."""
        return self._protocol.request if self._protocol else None

    def receive(self, data: bytes) -> bytes:
        """Take bytes; return what to answer now.

        Raises:
            ProxyProtocolError: neither protocol, or more than a greeting may be.
        """
        self._buffer += data
        answer = b""
        if self._buffer and self.request is None:
            if self._protocol is None:
                self._protocol = _protocol_of(self._buffer[0])
            answer = self._protocol.advance(self._buffer)
        if self.request is not None and len(self._buffer) > EARLY_SIZE_MAX:
            raise ProxyProtocolError("too many bytes before the connection stood", answer=answer)
        return answer

    def leftover(self) -> bytes:
        """Return what the client has sent after its request."""
        return bytes(self._buffer)

    def accepted(self) -> bytes:
        """Return the answer of a connection that stands."""
        assert self._protocol is not None
        return self._protocol.accepted()

    def accepted_at(self, at: tuple[str, int]) -> bytes:
        """Return the answer to a client that wants to send datagrams: where they are taken."""
        assert isinstance(self._protocol, Socks5)
        return self._protocol.accepted(at)

    def refused(self, code: ResetCode) -> bytes:
        """Return the answer of one that does not."""
        assert self._protocol is not None
        return self._protocol.refused(code)


def _protocol_of(first: int) -> Socks5 | HttpConnect:
    if first == _SOCKS5_FIRST:
        return Socks5()
    if first == _SOCKS4_FIRST:
        raise ProxyProtocolError("SOCKS4 has no remote names", answer=SOCKS4_REFUSED)
    if chr(first) not in _METHOD_FIRST:
        raise no_http()
    return HttpConnect()

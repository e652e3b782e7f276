"""The server's side of SOCKS5 (RFC 1928, RFC 1929). Pure: bytes in, answers out.

    methods -> [user and password ->] request -> done

Any user and password are right: they do not authenticate, they isolate. The name goes to the exit
as it came, so nothing is resolved here.
"""

import ipaddress
from collections.abc import Callable

from masq_router.errors import ProxyProtocolError
from masq_router.origin.request import AssociateRequest, ConnectRequest, isolation_of
from masq_router.origin.socks5_udp import host_of
from masq_router.streams.errors import ResetCode

__all__ = ["SOCKS4_REFUSED", "Socks5"]

SOCKS4_REFUSED = b"\0\x5b" + bytes(6)
"""The whole answer to a client of the version before: rejected."""

_VERSION = 5
_AUTH_VERSION = 1
_NO_AUTH, _USER_PASSWORD, _NONE_ACCEPTABLE = 0x00, 0x02, 0xFF
_CONNECT, _UDP_ASSOCIATE = 1, 3
_IPV4, _NAME, _IPV6 = 1, 3, 4

_GENERAL, _COMMAND_UNKNOWN, _ADDRESS_UNKNOWN = 1, 7, 8
_REPLIES = {
    ResetCode.REFUSED_BY_POLICY: 2,
    ResetCode.NETWORK_UNREACHABLE: 3,
    ResetCode.NO_ROUTE: 3,
    ResetCode.HOST_UNREACHABLE: 4,
    ResetCode.NAME_NOT_RESOLVED: 4,
    ResetCode.CONNECTION_REFUSED: 5,
    ResetCode.TIMED_OUT: 6,
}


_NOWHERE = ("0.0.0.0", 0)  # noqa: S104 - what a reply says when there is nothing to say


def _reply(code: int, at: tuple[str, int] = _NOWHERE) -> bytes:
    address = ipaddress.ip_address(at[0])
    kind = _IPV4 if address.version == 4 else _IPV6
    return bytes([_VERSION, code, 0, kind]) + address.packed + at[1].to_bytes(2, "big")


class Socks5:
    """One client's greeting, whose bytes are taken from a buffer that the caller keeps."""

    def __init__(self) -> None:
        self._isolation = b""
        self._step: Callable[[bytearray], bytes | None] = self._methods
        self.request: ConnectRequest | AssociateRequest | None = None

    def advance(self, buffer: bytearray) -> bytes:
        """Take what is complete from the front of `buffer`; return what to answer.

        Raises:
            ProxyProtocolError: not SOCKS5, or not what we serve.
        """
        answers = bytearray()
        while self.request is None:
            try:
                answer = self._step(buffer)
            except ProxyProtocolError as error:  # what was answered before still comes first
                raise ProxyProtocolError(str(error), answer=answers + error.answer) from None
            if answer is None:
                break
            answers += answer
        return bytes(answers)

    def accepted(self, at: tuple[str, int] = _NOWHERE) -> bytes:
        """Return the reply of a connection that stands, or says where datagrams are taken."""
        return _reply(0, at)

    def refused(self, code: ResetCode) -> bytes:
        """Return the reply of one that does not (RFC 1928 section 6)."""
        return _reply(_REPLIES.get(code, _GENERAL))

    # Each step takes its message from the buffer, or returns None: not all of it is here yet.

    def _methods(self, buffer: bytearray) -> bytes | None:
        if len(buffer) < 2 or len(buffer) < 2 + buffer[1]:
            return None
        offered = buffer[2 : 2 + buffer[1]]
        del buffer[: 2 + buffer[1]]
        if _USER_PASSWORD in offered:
            self._step = self._credentials
            return bytes([_VERSION, _USER_PASSWORD])
        if _NO_AUTH in offered:
            self._step = self._target
            return bytes([_VERSION, _NO_AUTH])
        answer = bytes([_VERSION, _NONE_ACCEPTABLE])
        raise ProxyProtocolError("no method that we know", answer=answer)

    def _credentials(self, buffer: bytearray) -> bytes | None:
        if buffer and buffer[0] != _AUTH_VERSION:
            answer = bytes([_AUTH_VERSION, 1])
            raise ProxyProtocolError("another version of user and password", answer=answer)
        if len(buffer) < 2 or len(buffer) < 3 + buffer[1]:
            return None
        user_end = 2 + buffer[1]
        end = user_end + 1 + buffer[user_end]
        if len(buffer) < end:
            return None
        self._isolation = isolation_of(bytes(buffer[2:user_end]), bytes(buffer[user_end + 1 : end]))
        del buffer[:end]
        self._step = self._target
        return bytes([_AUTH_VERSION, 0])

    def _target(self, buffer: bytearray) -> bytes | None:
        if buffer and buffer[0] != _VERSION:
            raise ProxyProtocolError("a request of another version", answer=_reply(_GENERAL))
        if len(buffer) < 5:
            return None
        command = buffer[1]
        if command not in (_CONNECT, _UDP_ASSOCIATE):
            problem = "only CONNECT and UDP ASSOCIATE are served"
            raise ProxyProtocolError(problem, answer=_reply(_COMMAND_UNKNOWN))
        size = {_IPV4: 4, _IPV6: 16, _NAME: 1 + buffer[4]}.get(buffer[3])
        if size is None:
            raise ProxyProtocolError("an unknown address type", answer=_reply(_ADDRESS_UNKNOWN))
        end = 4 + size + 2
        if len(buffer) < end:
            return None
        host = host_of(buffer[3], bytes(buffer[4 : 4 + size]))
        port = int.from_bytes(buffer[end - 2 : end], "big")
        del buffer[:end]
        if command == _UDP_ASSOCIATE:
            self.request = AssociateRequest(port, self._isolation)
            return b""
        if host is None or port == 0:
            raise ProxyProtocolError("no usable target", answer=_reply(_GENERAL))
        self.request = ConnectRequest(host, port, self._isolation)
        return b""

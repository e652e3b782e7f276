"""The server's side of HTTP CONNECT (RFC 9110 section 9.3.6). Pure: bytes in, answers out."""

import base64
import binascii

from masq_router.errors import ProxyProtocolError
from masq_router.origin.request import ConnectRequest, isolation_of, usable_host
from masq_router.streams.errors import ResetCode

__all__ = ["HEAD_SIZE_MAX", "HttpConnect", "no_http"]

HEAD_SIZE_MAX = 8_192
"""Request line and headers together."""

_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"

# Status, Proxy-Status error (RFC 9209 section 2.3) and what the user can do.
_REFUSALS = {
    ResetCode.REFUSED_BY_POLICY: (
        "403 Forbidden",
        "destination_ip_prohibited",
        "The exit's policy does not carry this target. Another exit may.",
    ),
    ResetCode.NAME_NOT_RESOLVED: (
        "502 Bad Gateway",
        "dns_error",
        "The exit cannot resolve this name. Look for a typing error.",
    ),
    ResetCode.HOST_UNREACHABLE: (
        "502 Bad Gateway",
        "destination_ip_unroutable",
        "The exit cannot reach this host.",
    ),
    ResetCode.NETWORK_UNREACHABLE: (
        "502 Bad Gateway",
        "destination_ip_unroutable",
        "The exit cannot reach this network.",
    ),
    ResetCode.CONNECTION_REFUSED: (
        "502 Bad Gateway",
        "connection_refused",
        "The server refuses connections on this port.",
    ),
    ResetCode.TIMED_OUT: (
        "504 Gateway Timeout",
        "connection_timeout",
        "The server does not answer. Try again later.",
    ),
    ResetCode.NO_ROUTE: (
        "503 Service Unavailable",
        "destination_unavailable",
        "There is no route now. `masq status` shows what the node waits for.",
    ),
    ResetCode.NO_WALLET: (
        "503 Service Unavailable",
        "proxy_configuration_error",
        "This node has no consuming wallet, so it cannot pay. Set one.",
    ),
    ResetCode.OVERLOAD: (
        "503 Service Unavailable",
        "connection_limit_reached",
        "Too many connections. Close some, or try again later.",
    ),
}
_OTHERWISE = (
    "502 Bad Gateway",
    "proxy_internal_error",
    "The connection could not be made. Try again.",
)


def _answer(status: str, error: str, text: str) -> bytes:
    body = (text + "\n").encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nProxy-Status: masq; error={error}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode("ascii") + body


def _bad(
    reason: str, status: str = "400 Bad Request", text: str | None = None
) -> ProxyProtocolError:
    said = text or f"This is a proxy, and that is no request it understands: {reason}."
    return ProxyProtocolError(reason, answer=_answer(status, "http_request_error", said))


def no_http() -> ProxyProtocolError:
    """Return the refusal of a client whose first byte begins no HTTP request."""
    return _bad("it begins like no protocol that is served here")


class HttpConnect:
    """One client's greeting, whose bytes are taken from a buffer that the caller keeps."""

    def __init__(self) -> None:
        self.request: ConnectRequest | None = None

    def advance(self, buffer: bytearray) -> bytes:
        """Take the request from the front of `buffer` once it is complete; answers nothing.

        Raises:
            ProxyProtocolError: not HTTP, too long, or not CONNECT.
        """
        end = buffer.find(b"\r\n\r\n", 0, HEAD_SIZE_MAX)
        if end < 0:
            if len(buffer) >= HEAD_SIZE_MAX:
                status = "431 Request Header Fields Too Large"
                raise _bad("a head of more than 8192 bytes", status)
            return b""
        head = bytes(buffer[:end])
        del buffer[: end + 4]
        self.request = _parse(head)
        return b""

    def accepted(self) -> bytes:
        """Return the answer of a connection that stands."""
        return _ESTABLISHED

    def refused(self, code: ResetCode) -> bytes:
        """Return the answer of one that does not, with what to do next."""
        return _answer(*_REFUSALS.get(code, _OTHERWISE))


def _parse(head: bytes) -> ConnectRequest:
    try:
        first, *lines = head.decode("ascii").split("\r\n")
    except UnicodeDecodeError:
        raise _bad("a head that is not ASCII") from None
    method, _, rest = first.partition(" ")
    target, _, version = rest.partition(" ")
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        raise _bad("not HTTP/1.1")
    if method != "CONNECT":
        text = "This is a proxy that tunnels: use CONNECT (curl: --proxytunnel), or SOCKS5."
        raise _bad("a method other than CONNECT", "405 Method Not Allowed\r\nAllow: CONNECT", text)
    host_text, _, port_text = target.rpartition(":")
    host = usable_host(host_text)
    is_number = port_text.isascii() and port_text.isdigit() and len(port_text) <= 5
    if host is None or not is_number or not 0 < int(port_text) < 65_536:
        raise _bad("a target that is not HOST:PORT")
    return ConnectRequest(host, int(port_text), _isolation(lines))


def _isolation(lines: list[str]) -> bytes:
    isolation = b""
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip() or not name:
            raise _bad("a header line that is none")
        if name.lower() == "proxy-authorization":
            isolation = _credentials(value.strip())
    return isolation


def _credentials(value: str) -> bytes:
    scheme, _, encoded = value.partition(" ")
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).partition(b":")
    except (binascii.Error, ValueError):
        raise _bad("credentials that are not Basic") from None
    if scheme.lower() != "basic" or not colon:
        raise _bad("credentials that are not Basic")
    return isolation_of(user, password)

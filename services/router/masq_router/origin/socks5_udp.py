"""Datagrams as a SOCKS5 client wraps them (RFC 1928 section 7). Pure.

    reserved u16, fragment u8, address type u8, address, port u16, data

Fragments are not joined: RFC 1928 lets a relay drop them, and nobody sends any.
"""

import ipaddress

from masq_router.origin.request import usable_host

__all__ = ["unwrap", "wrap"]

_IPV4, _NAME, _IPV6 = 1, 3, 4
_HEAD_SIZE = 4


def unwrap(packet: bytes) -> tuple[str, int, memoryview] | None:
    """Return target host, port and data of a client's datagram; None: it is to be dropped."""
    if len(packet) < _HEAD_SIZE + 1 or packet[0:3] != b"\0\0\0":
        return None
    size = {_IPV4: 4, _IPV6: 16, _NAME: 1 + packet[4]}.get(packet[3])
    if size is None:
        return None
    end = _HEAD_SIZE + size + 2
    if len(packet) < end:
        return None
    host = host_of(packet[3], packet[_HEAD_SIZE : end - 2])
    port = int.from_bytes(packet[end - 2 : end], "big")
    return (host, port, memoryview(packet)[end:]) if host is not None and port else None


def wrap(host: str, port: int, data: bytes | memoryview) -> bytes | None:
    """Return a datagram from this source, an address literal; None: the exit named none."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    kind = _IPV4 if address.version == 4 else _IPV6
    return b"".join((b"\0\0\0", bytes([kind]), address.packed, port.to_bytes(2, "big"), data))


def host_of(kind: int, raw: bytes) -> str | None:
    """Return a host as it stands in a SOCKS5 message; None: it cannot be one.

    Args:
        kind: the address type.
        raw: an address, or a length and a name.
    """
    if kind != _NAME:
        return str(ipaddress.ip_address(raw))
    try:
        return usable_host(raw[1:].decode("utf-8"))
    except UnicodeDecodeError:
        return None

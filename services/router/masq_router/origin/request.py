"""What a client asks for, however it asked. Pure."""

import hashlib
import ipaddress
from dataclasses import dataclass, field

from masq_router.streams.frames import HOST_SIZE_MAX

__all__ = ["AssociateRequest", "ConnectRequest", "isolation_of", "usable_host"]


@dataclass(frozen=True, slots=True)
class ConnectRequest:
    """A target, and with whom it may share a circuit.

    Args:
        host: a lower-case ASCII name without a trailing dot, or an IP address literal.
        port: 1 to 65535.
        isolation: 32 bytes; requests share a circuit exactly when theirs are equal. b"": none.
    """

    host: str
    port: int
    isolation: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class AssociateRequest:
    """A client that wants to send datagrams.

    Args:
        client_port: from which they will come; 0: it does not know yet.
        isolation: as with a connection.
    """

    client_port: int
    isolation: bytes = field(default=b"", repr=False)


def usable_host(text: str) -> str | None:
    """Return a host in its one spelling; None: it cannot be one.

    International names become their ASCII form (IDNA 2003, as the standard library knows it).
    """
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return _usable_name(text)
    # A zone names an interface of the machine it was written on, and may hold any character.
    has_zone = isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None
    return None if has_zone else str(address)


def _usable_name(text: str) -> str | None:
    try:
        name = text.encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError:
        return None
    if len(name) > HOST_SIZE_MAX or not all(map(_is_host_character, name)):
        return None
    return name if all(name.split(".")) else None


def isolation_of(user: bytes, password: bytes) -> bytes:
    """Return what tells these credentials from others; each part's length keeps them apart."""
    parts = len(user).to_bytes(2, "big") + user + len(password).to_bytes(2, "big") + password
    return hashlib.sha256(b"masq isolation" + parts).digest()


def _is_host_character(character: str) -> bool:
    return character.isalnum() or character in "-._"

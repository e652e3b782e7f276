"""IP addresses as far as they say who somebody is, and where an address may lead. Pure."""

import ipaddress

__all__ = ["leads_inward", "site_of"]

_SITE_PREFIX_V6 = 64
"""What one household or one rented machine holds of IPv6 (RFC 6177): all of it is one place."""


def site_of(address: str) -> str:
    """Return what counts as one place: an IPv4 address itself, the /64 network of an IPv6 address.

    What is limited per address is limited per site, or 2^64 addresses would come at the price of
    one. Text that is no address is its own site.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _SITE_PREFIX_V6), strict=False).network_address)


def leads_inward(told: str, teller: str) -> bool:
    """Say whether a node at `teller` names an address that lies further inside than its own.

    Who is out on the Internet has no business in a private network, who is in the private network
    none on this machine; multicast and the like lead to no node at all.
    """
    return _depth(told) > _depth(teller)


def _depth(address: str) -> int:
    """Return 0 for the Internet, 1 for a private network, 2 for this machine, 3 for nowhere."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return 3
    if parsed.is_multicast or parsed.is_unspecified or parsed.is_reserved:
        return 3
    if parsed.is_loopback:
        return 2
    return 0 if parsed.is_global else 1

"""Which targets an exit carries: ordered accept and reject rules (protocol.md 4.5). Pure.

    accept 10.1.2.3:443        reject *:25        reject 192.0.2.0/24:*
    accept [2001:db8::]/32:80-90                   reject *4:*   reject *6:*

The grammar is that of Tor's exit policies. The first rule that fits decides. The operator's rules
come first, then the default ones: nothing that is private, local or our own, no mail, all else.
Checked after names are resolved, so that no name can point inside.
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from masq_kernel.errors import OperatorError

__all__ = ["ExitPolicy", "IpAddress", "Rule"]

IpAddress = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_PORT_MAX = 65_535
_MAIL_PORTS = (25, 465, 587)

_LOCAL = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network (RFC 791)
        "10.0.0.0/8",  # private (RFC 1918)
        "100.64.0.0/10",  # shared with a provider (RFC 6598)
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, and clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments (RFC 6890)
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 anycast (RFC 7526)
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks (RFC 2544)
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "::/96",  # unspecified, loopback, and IPv4 addresses as they were once written
        "64:ff9b:1::/48",  # local-use translation (RFC 8215)
        "100::/64",  # discard (RFC 6666)
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation (RFC 9637)
        "5f00::/16",  # segment routing (RFC 9602)
        "fc00::/7",  # unique local
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local, once
        "ff00::/8",  # multicast
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")
_RULE = re.compile(
    r"(?P<verb>accept|reject)\s+"
    r"(?P<where>\*[46]?|\[[0-9A-Fa-f:.]+\](?:/\d{1,3})?|[0-9.]+(?:/\d{1,2})?)"
    r":(?P<ports>\*|\d{1,5}(?:-\d{1,5})?)"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a policy.

    Args:
        accepts: what it decides.
        networks: where it holds.
        port_first, port_last: for which ports, both included.
    """

    accepts: bool
    networks: tuple[Network, ...]
    port_first: int = 0
    port_last: int = _PORT_MAX

    def fits(self, address: IpAddress, port: int) -> bool:
        """Whether this rule decides about a target."""
        if not self.port_first <= port <= self.port_last:
            return False
        return any(
            address.version == network.version and address in network for network in self.networks
        )


_EVERYWHERE: tuple[Network, ...] = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))


class ExitPolicy:
    """An ordered list of rules.

    Args:
        rules: the first that fits decides; where none fits, the target is refused.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)

    @classmethod
    def parse(cls, rules: Sequence[str], own: Iterable[IpAddress] = ()) -> "ExitPolicy":
        """Return the operator's rules followed by the default ones.

        Args:
            rules: in the operator's order.
            own: this machine's addresses.

        Raises:
            OperatorError: a rule that cannot be read; says which.
        """
        return cls([*map(_parse, rules), *_default_rules(own)])

    def permits(self, address: IpAddress, port: int) -> bool:
        """Say whether a target is carried.

        An IPv6 address that only wraps an IPv4 one is judged as both: a way in by either is none.
        """
        return port > 0 and all(self._permits(each, port) for each in _faces(address))

    def _permits(self, address: IpAddress, port: int) -> bool:
        for rule in self._rules:
            if rule.fits(address, port):
                return rule.accepts
        return False


def _default_rules(own: Iterable[IpAddress]) -> list[Rule]:
    own_networks = tuple(ipaddress.ip_network(address) for address in own)
    return [
        Rule(False, _LOCAL + own_networks),
        *(Rule(False, _EVERYWHERE, port, port) for port in _MAIL_PORTS),
        Rule(True, _EVERYWHERE, 1),
    ]


def _parse(text: str) -> Rule:
    match = _RULE.fullmatch(text.strip())
    remedy = "Write rules like `accept 10.1.2.3:443` or `reject *:25` in `exit_policy`, [router]."
    if match is None:
        problem = f"{text!r} is no exit policy rule."
        raise OperatorError(problem, remedy=remedy, exit_code=2)
    try:
        networks = _networks(match["where"])
        first, last = _ports(match["ports"])
    except ValueError as error:
        problem = f"{text!r} is no exit policy rule: {error}."
        raise OperatorError(problem, remedy=remedy, exit_code=2) from None
    return Rule(match["verb"] == "accept", networks, first, last)


def _networks(where: str) -> tuple[Network, ...]:
    match where:
        case "*":
            return _EVERYWHERE
        case "*4":
            return _EVERYWHERE[:1]
        case "*6":
            return _EVERYWHERE[1:]
    return (ipaddress.ip_network(where.replace("[", "").replace("]", "")),)


def _ports(text: str) -> tuple[int, int]:
    if text == "*":
        return 0, _PORT_MAX
    first, _, last = text.partition("-")
    span = int(first), int(last or first)
    if not 1 <= span[0] <= span[1] <= _PORT_MAX:
        raise ValueError("ports are 1 to 65535, the smaller first")
    return span


def _faces(address: IpAddress) -> list[IpAddress]:
    """Return an address, or the IPv4 one that it only wraps; both when it is also one itself."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    faces: list[IpAddress] = [address]
    if address.sixtofour is not None:
        faces.append(address.sixtofour)
    if address in _NAT64:
        faces.append(IPv4Address(int(address) & 0xFFFF_FFFF))
    return faces

"""Who may connect to us, and how often (protocol.md 3, 5.3). Pure.

A NodeId costs nothing, an address does: so connections are counted, and those that come to nothing
are held against, the *site* they come from (an IPv4 address, a /64 of IPv6). Each site has credit.
A connection costs some, one that does not prove itself costs more; without credit a site is not
heard, and one that uses up the last of it by failing is banned for a while.
"""

from collections import Counter
from dataclasses import dataclass

from masq_kernel.addresses import site_of
from masq_kernel.units import Seconds
from masq_router.links.pace import TokenBucket

__all__ = [
    "BAN_FIRST_S",
    "BAN_MAX_S",
    "CREDIT",
    "FAILURE_COST",
    "INBOUND_MAX",
    "PER_ADDRESS_MAX",
    "SITES_MAX",
    "UNPROVEN_MAX",
    "Admission",
]

UNPROVEN_MAX = 256
"""Connections that have not proven themselves, of everybody together, TLS handshakes included."""

INBOUND_MAX = 1024
"""Connections from others, of everybody together: a node with five neighbors needs few."""

PER_ADDRESS_MAX = 8
"""Connections from one site, proven ones included: a node needs one."""

CREDIT, CREDIT_PER_S = 40.0, 0.5
"""An honest node whose descriptor names somebody else, and so fails every time, tries eight times
in its first minute and once a minute afterwards: it never runs out."""

FAILURE_COST = 3.0
"""In addition to the 1 that every connection costs."""

BAN_FIRST_S, BAN_MAX_S = 600.0, 24 * 3600.0
"""As in gossip: doubled each time."""

SITES_MAX = 4096
"""Sites remembered; beyond it the one least recently heard of is forgotten."""


@dataclass(slots=True)
class _Standing:
    credit: TokenBucket
    bans: int = 0
    banned_until: Seconds = Seconds(float("-inf"))


class Admission:
    """Counts connections and remembers how the sites behind them behave.

    Args:
        unproven_max, inbound_max, per_address_max: the caps.
    """

    def __init__(
        self,
        *,
        unproven_max: int = UNPROVEN_MAX,
        inbound_max: int = INBOUND_MAX,
        per_address_max: int = PER_ADDRESS_MAX,
    ) -> None:
        self._unproven_max, self._per_address_max = unproven_max, per_address_max
        self._inbound_max = inbound_max
        self._by_site: Counter[str] = Counter()
        self._standings: dict[str, _Standing] = {}
        self._unproven = self._inbound = 0

    def enter(self, address: str, now: Seconds) -> bool:
        """Count a new connection; False: refuse it, and do not count it."""
        if self._unproven >= self._unproven_max or self._inbound >= self._inbound_max:
            return False
        site = site_of(address)
        if self._by_site[site] >= self._per_address_max:
            return False
        standing = self._standing(site, now)
        if now < standing.banned_until or not standing.credit.take(now):
            return False
        self._by_site[site] += 1
        self._unproven += 1
        self._inbound += 1
        return True

    def proven(self) -> None:
        """One of them has proven itself."""
        self._unproven -= 1

    def leave(self, address: str, *, was_proven: bool) -> None:
        """One of them is gone."""
        site = site_of(address)
        self._by_site[site] -= 1
        if self._by_site[site] <= 0:
            del self._by_site[site]
        self._inbound -= 1
        if not was_proven:
            self._unproven -= 1

    def failed(self, address: str, now: Seconds) -> None:
        """Hold it against a site that a connection did not prove itself, or broke the rules."""
        standing = self._standing(site_of(address), now)
        standing.credit.take(now, amount=FAILURE_COST)
        if standing.credit.left(now) >= 1.0 or now < standing.banned_until:
            return
        length = min(BAN_FIRST_S * 2.0 ** min(standing.bans, 16), BAN_MAX_S)
        standing.bans += 1
        standing.banned_until = Seconds(now + length)

    def is_banned(self, address: str, now: Seconds) -> bool:
        """Say whether a site is under a ban."""
        standing = self._standings.get(site_of(address))
        return standing is not None and now < standing.banned_until

    def _standing(self, site: str, now: Seconds) -> _Standing:
        standing = self._standings.pop(site, None)
        if standing is None:
            standing = _Standing(TokenBucket(rate=CREDIT_PER_S, burst=CREDIT, now=now))
        self._standings[site] = standing
        if len(self._standings) > SITES_MAX:
            del self._standings[next(iter(self._standings))]
        return standing

"""Every number of the gossip rules, with its unit and reason. Pure. Source: protocol.md 5."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Mode", "Parameters"]

Mode = Literal["standard", "originate-only", "consume-only", "zero-hop"]
"""How a node takes part (MASQ's words). standard: everything; originate-only: dials its neighbors
but takes no connections; consume-only: the same and routes nobody's data; zero-hop: no mesh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """What an operator sets (`hops_min`, `mode`, `country`) and the defaults of the rest.

    Durations are seconds. Tests shorten or lengthen them; operators do not see them.
    """

    hops_min: int = 3
    mode: Mode = "standard"
    country: str = ""

    seek_target: int = 3
    """Below this many neighbors a node looks for more; above, it only accepts (protocol.md 5.2)."""

    publish_interval_s: float = 0.1
    """Changes within this time become one record and one round of gossip."""
    publish_burst: int = 30
    """Records a node may publish at that pace; afterwards one per `publish_refill_s`."""
    publish_refill_s: float = 2.0

    retry_first_s: float = 0.3
    """First wait after a descriptor did not answer: a whole mesh may be starting right now."""
    retry_max_s: float = 60.0
    passes_max: int = 10
    """Longest chain of passes a newcomer follows."""
    tried_for_s: float = 30.0
    """How long a node that could not take us is named as tried in debuts."""

    bridge_interval_s: float = 60.0
    """How often a node that has enough neighbors tries one that it knows of but does not see: after
    a partition each part may have healed by itself, and nobody else would join them."""
    bridge_far_interval_s: float = 3600.0
    """The longest, when the mesh goes on beyond our horizon and the other is probably there."""

    dial_timeout_s: float = 8.0
    """The router gives up after 5 s (protocol.md 3); this covers a lost DialFailed."""
    debut_timeout_s: float = 5.0
    """A debut unanswered for so long has failed."""
    idle_link_timeout_s: float = 10.0
    """An inbound link that neither debuts nor becomes a neighbor is closed."""
    half_link_timeout_s: float = 10.0
    """A neighbor must list us within this time."""
    lingering_s: float = 2.0
    """Messages still on their way on a link we closed are ignored for so long."""

    digest_interval_s: float = 30.0
    republish_s: float = 3600.0
    record_ttl_s: int = 24 * 3600
    future_skew_s: int = 900
    """How far ahead another node's clock may be."""
    unreached_grace_s: float = 10.0
    """A record no live path reaches is kept so long: its path may arrive one message later."""

    view_records_max: int = 4096
    """Above any honest patch of horizon 4 (426 nodes) or 5; 8 MiB of records."""
    unreached_max: int = 256
    """Records without a path, at most: what a record bomb can fill."""

    introduction_memory_s: float = 5.0
    """A node introduced so recently counts as one neighbor fuller: spreads a rush of newcomers."""
    introductions_max: int = 8
    """Addresses of neighbors that one site (an IPv4 address, a /64 of IPv6) is told at once, in
    introductions and passes together; then one every `introductions_refill_s`. Bounds harvesting,
    whatever number of NodeIds is used for it."""
    introductions_refill_s: float = 30.0
    told_max: int = 30
    """Addresses told by others that we follow at once; then one every `told_refill_s`. Bounds the
    connections that a peer can make us open to addresses of its choice."""
    told_refill_s: float = 2.0
    anchors: int = 2
    """Places kept for nodes that we dial ourselves, as long as we know of any: whoever dials us,
    with however many addresses, gets the other three."""
    updates_max: int = 60
    """Newer records of one node that are taken at once, twice what an honest node may publish;
    then one every `updates_refill_s`, which is an honest node's pace."""
    updates_refill_s: float = 2.0
    answers_max: int = 4096
    """Records sent to one neighbor on request at once: a whole view; then 64 a second."""
    answers_refill_s: float = 1 / 64
    displace_interval_s: float = 1.0
    """A full node gives a neighbor's slot to an isolated newcomer at most this often."""

    def __post_init__(self) -> None:
        assert 1 <= self.hops_min <= 6

    @property
    def horizon(self) -> int:
        """Links from us within which records are kept."""
        return max(4, self.hops_min + 1)

    @property
    def accepts_connections(self) -> bool:
        """Whether other nodes may dial us."""
        return self.mode == "standard"

    @property
    def routes_data(self) -> bool:
        """Whether we relay and exit for others."""
        return self.mode in ("standard", "originate-only")

    @property
    def has_neighbors(self) -> bool:
        """Whether we take part in the mesh at all."""
        return self.mode != "zero-hop"

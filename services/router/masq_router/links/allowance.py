"""How much one peer may ask of this process, over all its links together. Pure."""

from masq_kernel.units import Seconds
from masq_router.links.cover import padding_allowance
from masq_router.links.pace import TokenBucket

__all__ = ["Allowance"]

GOSSIP_RATE, GOSSIP_BURST = 50.0, 400.0
"""GOSSIP and PING frames per second; a peer that sends more floods us, and its link ends."""

SETUP_RATE, SETUP_BURST = 100.0, 400.0
"""SETUPs per second; each costs us up to a millisecond, and one over the rate is refused."""


class Allowance:
    """What is left of it.

    Args:
        now: when it begins.
    """

    __slots__ = ("gossip", "padding", "setups")

    def __init__(self, now: Seconds) -> None:
        self.gossip = TokenBucket(rate=GOSSIP_RATE, burst=GOSSIP_BURST, now=now)
        self.setups = TokenBucket(rate=SETUP_RATE, burst=SETUP_BURST, now=now)
        self.padding = padding_allowance(now)

"""Who is who in a simulation: keys, addresses and what each node says about itself. Pure."""

from functools import cache, lru_cache

from masq_gossip.record import ONION_KEY_SIZE, SignedRecord
from masq_gossip.rules.events import Endpoint, SelfChanged
from masq_kernel.chains import chain_named
from masq_kernel.entropy import SeededEntropy
from masq_kernel.identity.keys import IdentityKey, WalletAddress
from masq_kernel.rates import DEFAULT_RATES, RatePack
from masq_kernel.units import UnixSeconds

__all__ = ["CHAIN", "START", "endpoint_of", "key_of", "read_record", "self_of"]

CHAIN = chain_named("dev")
START = 1_800_000_000
"""Unix seconds at which every simulation begins."""

PORT = 5000
HOSTS_PER_NET = 250
RECORDS_READ_MAX = 1 << 17
"""Verified records that are remembered, for all nodes of a simulation together."""


@cache
def key_of(index: int) -> IdentityKey:
    """Return the key of the node with this number, the same in every simulation."""
    return IdentityKey.generate(SeededEntropy(1_000 + index))


@lru_cache(maxsize=RECORDS_READ_MAX)
def read_record(raw: bytes) -> SignedRecord:
    """Verify a record once for all nodes of all simulations: it is the same bytes everywhere."""
    return SignedRecord.from_bytes(raw, CHAIN)


def endpoint_of(index: int) -> Endpoint:
    """Return where the node with this number listens."""
    net, host = divmod(index, HOSTS_PER_NET)
    return Endpoint(
        key_of(index).node_id,
        f"10.{net // HOSTS_PER_NET}.{1 + net % HOSTS_PER_NET}.{1 + host}",
        (PORT,),
    )


def self_of(
    index: int, rates: RatePack = DEFAULT_RATES, *, at: int = START, turn: int = 0
) -> SelfChanged:
    """Return what a node says about itself; another `turn` is another onion key."""
    entropy = SeededEntropy(index + 1_000_000 * turn)
    key, wallet = entropy.token(ONION_KEY_SIZE), WalletAddress(entropy.token(20))
    return SelfChanged(key, UnixSeconds(at + 86_400), wallet, rates)

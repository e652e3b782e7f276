"""Builders for routes: hops with keys, blocks that fit together, whole SETUPs."""

from dataclasses import dataclass, replace

from masq_kernel.chains import CHAINS
from masq_kernel.entropy import Entropy, SeededEntropy
from masq_kernel.identity.keys import IdentityKey, NodeId
from masq_kernel.identity.proofs import ProofClaim, sign_proof, wallet_of
from masq_kernel.rates import DEFAULT_RATES
from masq_kernel.units import UnixSeconds, Wei
from masq_router.onion import Direction, HopBlock, HopSpec, OnionKeyPair, Role
from masq_router.onion.layers import secret_hash
from masq_router.origin.plan import Proof

DEV = CHAINS["dev"]
EXPIRES_AT = UnixSeconds(1_800_000_600)


@dataclass(frozen=True)
class Hop:
    """A hop as both sides know it."""

    node_id: NodeId
    keys: OnionKeyPair
    secret: bytes
    tag: bytes
    wallet_key: bytes
    spec: HopSpec


def make_route(
    hop_count: int, *, seed: int = 1, key_pool: list[OnionKeyPair] | None = None, owed: int = 0
):
    """Return the hops of an over route: relays, then an exit."""
    entropy = SeededEntropy(seed)
    pool = key_pool or [OnionKeyPair.generate() for _ in range(hop_count)]
    hops = [_make_hop(entropy, pool[index]) for index in range(hop_count)]
    return [_plan(hops, index, owed) for index in range(hop_count)]


def _make_hop(entropy: Entropy, keys: OnionKeyPair) -> Hop:
    identity = IdentityKey.generate(entropy)
    return Hop(
        node_id=identity.node_id,
        keys=keys,
        secret=entropy.token(32),
        tag=entropy.token(8),
        wallet_key=entropy.token(32),
        spec=None,  # type: ignore[arg-type]
    )


def _plan(hops: list[Hop], index: int, owed: int) -> Hop:
    hop = hops[index]
    following = hops[index + 1] if index + 1 < len(hops) else None
    claim = ProofClaim(
        node_id=hop.node_id,
        secret_hash=secret_hash(hop.secret),
        rates=DEFAULT_RATES,
        expires_at=EXPIRES_AT,
        owed=Wei(owed),
    )
    block = HopBlock(
        role=Role.RELAY if following else Role.EXIT,
        direction=Direction.OVER,
        secret=hop.secret,
        expires_at=EXPIRES_AT,
        hint=7,
        rest_hash=bytes(32),
        next_node=following.node_id if following else None,
        next_tag=following.tag if following else None,
        rates=DEFAULT_RATES,
        wallet=wallet_of(hop.wallet_key),
        proof=sign_proof(hop.wallet_key, DEV, claim),
        owed=Wei(owed),
    )
    return replace(hop, spec=HopSpec(onion_key=hop.keys.public(), tag=hop.tag, block=block))


def signatures_of(draft, wallet_key: bytes, owed=0, sequence=1) -> list[Proof]:
    """Sign the proofs of a drafted round trip as an accountant would."""
    return [
        Proof(
            wallet_of(wallet_key),
            sign_proof(
                wallet_key,
                DEV,
                ProofClaim(
                    node_id=proof.node_id,
                    secret_hash=proof.secret_hash,
                    rates=proof.rates,
                    expires_at=proof.expires_at,
                    owed=owed,
                    sequence=sequence,
                ),
            ),
            owed,
            sequence,
        )
        for proof in draft.proofs()
    ]

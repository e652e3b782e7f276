"""Who may set up a session here: the checks of a SETUP, in their order (protocol.md 4.2). Pure.

    proof there -> proof good -> not expired -> price -> not banned, nor beyond its credit

The order is part of the protocol: a refusal tells a payer the first thing to mend. Replays and how
much one peer may make us verify are the business of whoever receives SETUPs from a link.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from masq_kernel.chains import Chain
from masq_kernel.identity.keys import NodeId, WalletAddress
from masq_kernel.identity.proofs import ProofClaim, verify_proof
from masq_kernel.rates import RatePack
from masq_kernel.units import UnixSeconds, Wei
from masq_router.onion.hops import HopBlock, Role
from masq_router.onion.layers import secret_hash
from masq_router.wire.frames import TeardownReason

__all__ = ["SESSION_LIFETIME_MAX_S", "Gate"]

SESSION_LIFETIME_MAX_S = 1_200
"""Twice the usual lifetime; a later expiry would make replay windows and tables grow."""


@dataclass(slots=True, kw_only=True)
class Gate:
    """The conditions under which this node serves others.

    Args:
        chain: proofs of another chain never verify.
        node_id: us; a proof made for another hop never verifies.
        rates: what we ask now.
        barred: wallets that are refused, and what their payers hear.
        owed_min: of some of them, the wei that a proof must own up to, and is good enough then.
    """

    chain: Chain
    node_id: NodeId
    rates: RatePack
    barred: Mapping[WalletAddress, TeardownReason]
    owed_min: Mapping[WalletAddress, Wei] = field(default_factory=dict)

    def refusal(self, block: HopBlock, now: UnixSeconds) -> TeardownReason | None:
        """Say why this block is refused, or None when it is welcome."""
        if block.role is Role.RETURN:
            return self._expiry_refusal(block, now)
        if block.wallet is None or block.proof is None or block.rates is None:
            return TeardownReason.REFUSED_PROOF
        claim = ProofClaim(
            node_id=self.node_id,
            secret_hash=secret_hash(block.secret),
            rates=block.rates,
            expires_at=block.expires_at,
            owed=block.owed,
            sequence=block.sequence,
        )
        if not verify_proof(self.chain, claim, block.wallet, block.proof):
            return TeardownReason.REFUSED_PROOF
        expiry_refusal = self._expiry_refusal(block, now)
        if expiry_refusal is not None:
            return expiry_refusal
        if not block.rates.covers(self.rates):
            return TeardownReason.REFUSED_PRICE
        owed_min = self.owed_min.get(block.wallet)
        if owed_min is not None and block.owed >= owed_min:
            return None
        return self.barred.get(block.wallet)

    def _expiry_refusal(self, block: HopBlock, now: UnixSeconds) -> TeardownReason | None:
        if not now < block.expires_at <= now + SESSION_LIFETIME_MAX_S:
            return TeardownReason.EXPIRED
        return None

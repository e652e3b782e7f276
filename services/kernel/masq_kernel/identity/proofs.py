"""Payer proofs: that the originator holds a wallet's key, for this hop, session and price. Pure.

A consuming wallet signs (EIP-191, version 0x45) over a context and everything the proof is for
(protocol.md 4.2), so that it is worth nothing to another hop, on another chain, at another price.

Each proof is a *voucher* too: it says what the wallet owes this node in all, by its own books, so
that no such figure can be taken back (accounting.md 5, docs/adr/0021).
"""

from dataclasses import dataclass

from masq_kernel.chains import Chain
from masq_kernel.errors import MalformedError
from masq_kernel.identity.eip191 import (
    WALLET_SIGNATURE_SIZE,
    recover_signer,
    sign_message,
    wallet_of,
)
from masq_kernel.identity.keys import NodeId, WalletAddress
from masq_kernel.rates import RatePack
from masq_kernel.units import UnixSeconds, Wei

__all__ = [
    "OWED_SIZE",
    "PROOF_SIZE",
    "SECRET_HASH_SIZE",
    "ProofClaim",
    "proof_message",
    "recover_payer",
    "sign_proof",
    "verify_proof",
    "wallet_of",
]

PROOF_SIZE = WALLET_SIGNATURE_SIZE

SECRET_HASH_SIZE = 32

OWED_SIZE = 32
"""Of a total, as a token counts."""

SEQUENCE_SIZE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofClaim:
    """What one payer proof is for.

    Args:
        node_id: the hop that will be paid.
        secret_hash: SHA-256 of the hop secret, 32 bytes; names the session.
        rates: the price agreed.
        expires_at: when the session ends.
        owed: what the wallet owes this node for all that it ever did, paid or not, in wei.
        sequence: of two proofs for one node the one with the larger is the later.
    """

    node_id: NodeId
    secret_hash: bytes
    rates: RatePack
    expires_at: UnixSeconds
    owed: Wei = Wei(0)
    sequence: int = 0

    def __post_init__(self) -> None:
        if len(self.secret_hash) != SECRET_HASH_SIZE:
            raise MalformedError("payer proof", "the secret hash is not 32 bytes")
        if not 0 <= self.expires_at < 1 << 64:
            raise MalformedError("payer proof", "the expiry is outside of 64 bits")
        if not 0 <= self.owed < 1 << 8 * OWED_SIZE or not 0 <= self.sequence < 1 << 64:
            raise MalformedError("payer proof", "a total or a sequence that no token has")


def proof_message(chain: Chain, claim: ProofClaim) -> bytes:
    """Return the bytes that the wallet signs, before EIP-191 wraps them."""
    return b"".join(
        (
            chain.context("payer-proof"),
            claim.node_id.raw,
            claim.secret_hash,
            claim.rates.to_bytes(),
            claim.expires_at.to_bytes(8, "big"),
            claim.owed.to_bytes(OWED_SIZE, "big"),
            claim.sequence.to_bytes(SEQUENCE_SIZE, "big"),
        )
    )


def sign_proof(private_key: bytes, chain: Chain, claim: ProofClaim) -> bytes:
    """Return the 65-byte signature by a 32-byte wallet key."""
    return sign_message(private_key, proof_message(chain, claim))


def recover_payer(chain: Chain, claim: ProofClaim, signature: bytes) -> WalletAddress:
    """Return the wallet that signed.

    Raises:
        MalformedError: not a signature, or not in its one form.
    """
    return recover_signer(proof_message(chain, claim), signature)


def verify_proof(chain: Chain, claim: ProofClaim, wallet: WalletAddress, signature: bytes) -> bool:
    """Say whether `wallet` signed this claim; never raises."""
    try:
        return recover_payer(chain, claim, signature) == wallet
    except MalformedError:
        return False

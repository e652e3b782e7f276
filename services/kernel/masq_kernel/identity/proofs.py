"""Payer proofs: that the originator holds a wallet's key, for this hop, session and price. Pure.

A consuming wallet signs (EIP-191, version 0x45) over a context and everything the proof is for
(protocol.md 4.2), so that it is worth nothing to another hop, on another chain, at another price.
"""

from dataclasses import dataclass

from eth_keys.datatypes import PrivateKey, Signature
from eth_keys.exceptions import BadSignature
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError

from masq_kernel.chains import Chain
from masq_kernel.errors import MalformedError
from masq_kernel.identity.keys import NodeId, WalletAddress
from masq_kernel.rates import RatePack
from masq_kernel.units import UnixSeconds

__all__ = [
    "PROOF_SIZE",
    "SECRET_HASH_SIZE",
    "ProofClaim",
    "proof_message",
    "recover_payer",
    "sign_proof",
    "verify_proof",
    "wallet_of",
]

PROOF_SIZE = 65
"""r (32), s (32), v (1), as Ethereum writes signatures; v is 27 or 28."""

SECRET_HASH_SIZE = 32

_V_OFFSET = 27
_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
"""Half the order of secp256k1: of the two valid s only the lower is taken (EIP-2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofClaim:
    """What one payer proof is for.

    Args:
        node_id: the hop that will be paid.
        secret_hash: SHA-256 of the hop secret, 32 bytes; names the session.
        rates: the price agreed.
        expires_at: when the session ends.
    """

    node_id: NodeId
    secret_hash: bytes
    rates: RatePack
    expires_at: UnixSeconds

    def __post_init__(self) -> None:
        if len(self.secret_hash) != SECRET_HASH_SIZE:
            raise MalformedError("payer proof", "the secret hash is not 32 bytes")
        if not 0 <= self.expires_at < 1 << 64:
            raise MalformedError("payer proof", "the expiry is outside of 64 bits")


def proof_message(chain: Chain, claim: ProofClaim) -> bytes:
    """Return the bytes that the wallet signs, before EIP-191 wraps them."""
    return b"".join(
        (
            chain.context("payer-proof"),
            claim.node_id.raw,
            claim.secret_hash,
            claim.rates.to_bytes(),
            claim.expires_at.to_bytes(8, "big"),
        )
    )


def sign_proof(private_key: bytes, chain: Chain, claim: ProofClaim) -> bytes:
    """Return the 65-byte signature by a 32-byte wallet key."""
    signature = PrivateKey(private_key).sign_msg_hash(_digest(chain, claim)).to_bytes()
    return signature[:64] + bytes([signature[64] + _V_OFFSET])


def recover_payer(chain: Chain, claim: ProofClaim, signature: bytes) -> WalletAddress:
    """Return the wallet that signed.

    Raises:
        MalformedError: not a signature, or not in its one form.
    """
    if len(signature) != PROOF_SIZE or signature[64] - _V_OFFSET not in (0, 1):
        raise MalformedError("payer proof", "not 65 bytes that end in 27 or 28")
    if int.from_bytes(signature[32:64], "big") > _HALF_ORDER:
        raise MalformedError("payer proof", "the higher of two equal signatures")
    try:
        parsed = Signature(signature[:64] + bytes([signature[64] - _V_OFFSET]))
        public_key = parsed.recover_public_key_from_msg_hash(_digest(chain, claim))
    except (BadSignature, ValidationError, ValueError):
        raise MalformedError("payer proof", "no key can have made this signature") from None
    return WalletAddress(public_key.to_canonical_address())


def verify_proof(chain: Chain, claim: ProofClaim, wallet: WalletAddress, signature: bytes) -> bool:
    """Say whether `wallet` signed this claim; never raises."""
    try:
        return recover_payer(chain, claim, signature) == wallet
    except MalformedError:
        return False


def wallet_of(private_key: bytes) -> WalletAddress:
    """Return the address of a 32-byte wallet key."""
    return WalletAddress(PrivateKey(private_key).public_key.to_canonical_address())


def _digest(chain: Chain, claim: ProofClaim) -> bytes:
    message = proof_message(chain, claim)
    prefix = b"\x19Ethereum Signed Message:\n" + str(len(message)).encode("ascii")
    return keccak(prefix + message)

"""Signatures of Ethereum wallets over messages of ours (EIP-191, version 0x45). Pure."""

from eth_keys.datatypes import PrivateKey, Signature
from eth_keys.exceptions import BadSignature
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError

from masq_kernel.errors import MalformedError
from masq_kernel.identity.keys import WalletAddress

__all__ = ["WALLET_SIGNATURE_SIZE", "recover_signer", "sign_message", "wallet_of"]

WALLET_SIGNATURE_SIZE = 65
"""r (32), s (32), v (1), as Ethereum writes signatures; v is 27 or 28."""

_V_OFFSET = 27
_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
"""Half the order of secp256k1: of the two valid s only the lower is taken (EIP-2)."""


def sign_message(private_key: bytes, message: bytes) -> bytes:
    """Return the 65-byte signature by a 32-byte wallet key."""
    signature = PrivateKey(private_key).sign_msg_hash(_digest(message)).to_bytes()
    return signature[:64] + bytes([signature[64] + _V_OFFSET])


def recover_signer(message: bytes, signature: bytes) -> WalletAddress:
    """Return the wallet that signed.

    Raises:
        MalformedError: not a signature, or not in its one form.
    """
    if len(signature) != WALLET_SIGNATURE_SIZE or signature[64] - _V_OFFSET not in (0, 1):
        raise MalformedError("wallet signature", "not 65 bytes that end in 27 or 28")
    if int.from_bytes(signature[32:64], "big") > _HALF_ORDER:
        raise MalformedError("wallet signature", "the higher of two equal signatures")
    try:
        parsed = Signature(signature[:64] + bytes([signature[64] - _V_OFFSET]))
        public_key = parsed.recover_public_key_from_msg_hash(_digest(message))
    except (BadSignature, ValidationError, ValueError):
        raise MalformedError("wallet signature", "no key can have made it") from None
    return WalletAddress(public_key.to_canonical_address())


def wallet_of(private_key: bytes) -> WalletAddress:
    """Return the address of a 32-byte wallet key."""
    return WalletAddress(PrivateKey(private_key).public_key.to_canonical_address())


def _digest(message: bytes) -> bytes:
    prefix = b"\x19Ethereum Signed Message:\n" + str(len(message)).encode("ascii")
    return keccak(prefix + message)

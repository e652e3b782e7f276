"""Who signs transactions: this process's key, or one day a device or another program.

A signer is asked for one transfer at a time and shows only its address, so Clef, a hardware wallet
or a signing service can take its place.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from masq_accountant.settlement import Fees
from masq_kernel.chains import Chain
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.identity.proofs import wallet_of
from masq_kernel.units import Wei

__all__ = ["KeySigner", "Signed", "Signer", "transfer_data", "transfer_transaction"]

_TRANSFER = bytes.fromhex("a9059cbb")
"""ERC-20: transfer(address,uint256)."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A transaction that can be sent.

    Args:
        raw: its bytes.
        hash: its name on the chain, 32 bytes.
    """

    raw: bytes
    hash: bytes


class Signer(Protocol):
    """Signs for one wallet."""

    @property
    def wallet(self) -> WalletAddress:
        """Whose transactions."""
        ...

    async def sign_transfer(
        self, to: WalletAddress, amount: Wei, *, nonce: int, gas: int, fees: Fees
    ) -> Signed:
        """Sign a transfer of MASQ.

        Args:
            to: who gets it.
            amount: wei.
            nonce: its place among the wallet's transactions.
            gas: how much it may use.
            fees: what it offers for that.
        """
        ...


class KeySigner:
    """Signs with a key in this process.

    Args:
        chain: whose transactions.
        key: secp256k1, 32 bytes; never printed.
    """

    def __init__(self, chain: Chain, key: bytes) -> None:
        self._chain, self._key = chain, key
        self._wallet = wallet_of(key)

    @property
    def wallet(self) -> WalletAddress:
        """Whose transactions."""
        return self._wallet

    async def sign_transfer(
        self, to: WalletAddress, amount: Wei, *, nonce: int, gas: int, fees: Fees
    ) -> Signed:
        """Sign at once."""
        # Importing takes a third of a second, and a node without a chain never needs it.
        from eth_account import Account

        wanted = transfer_transaction(self._chain, to, amount, nonce=nonce, gas=gas, fees=fees)
        signed = Account.sign_transaction(wanted, self._key)
        return Signed(bytes(signed.raw_transaction), bytes(signed.hash))


def transfer_data(to: WalletAddress, amount: Wei) -> bytes:
    """Return the call of the token contract, 68 bytes."""
    return _TRANSFER + to.raw.rjust(32, b"\0") + amount.to_bytes(32, "big")


def transfer_transaction(
    chain: Chain, to: WalletAddress, amount: Wei, *, nonce: int, gas: int, fees: Fees
) -> dict[str, Any]:
    """Return an unsigned transfer: EIP-1559, or EIP-155 where the chain has no base fee."""
    if fees.tip is None:
        offer: dict[str, Any] = {"gasPrice": fees.price}
    else:
        offer = {"type": 2, "maxFeePerGas": fees.price, "maxPriorityFeePerGas": fees.tip}
    return {
        "chainId": chain.chain_id,
        "nonce": nonce,
        "gas": gas,
        "to": chain.token,
        "value": 0,
        "data": transfer_data(to, amount),
        **offer,
    }

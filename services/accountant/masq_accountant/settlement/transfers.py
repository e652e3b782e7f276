"""Payments that others have made to us, as a chain's log tells them. Pure."""

from dataclasses import dataclass

from masq_kernel.identity.keys import WalletAddress
from masq_kernel.units import Wei

__all__ = ["Transfer"]


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Transfer:
    """Tokens that came.

    Args:
        block: its number.
        log_index: its place among all logs of that block.
        transaction: its hash, 32 bytes.
        block_hash: 32 bytes.
        payer: whose tokens.
        amount: wei, more than 0.
    """

    block: int
    log_index: int
    transaction: bytes
    block_hash: bytes
    payer: WalletAddress
    amount: Wei

    @property
    def cause(self) -> str:
        """What its booking is named after; no two transfers of a chain share it."""
        return f"received:{self.transaction.hex()}/{self.log_index}"

"""One payment of a debt, from the moment it is signed (accounting.md section 6). Pure.

    in flight  signed and written down; sent again until the chain has it
    mined      in a block that is not yet deep enough
    confirmed  deep enough: the debt is paid; looked at for some time still
    failed     it can never be paid by this transaction: the debt is free again

All attempts of a payment have one nonce, one recipient and one amount, so that whichever of them is
mined, the debt is paid once.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from masq_accountant.settlement.fees import Fees
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.units import UnixSeconds, Wei

__all__ = ["Attempt", "Payment", "Phase"]


class Phase(StrEnum):
    """Where a payment is."""

    IN_FLIGHT = "in_flight"
    MINED = "mined"
    CONFIRMED = "confirmed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One signed transaction.

    Args:
        raw: what is sent, each time the same bytes.
        hash: its name on the chain, 32 bytes.
        fees: what it offers.
        at: when it was signed.
    """

    raw: bytes
    hash: bytes
    fees: Fees
    at: UnixSeconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A payment.

    Args:
        number: its own, from 1.
        payer: which of our wallets pays.
        wallet: who is paid.
        amount: wei.
        nonce: its place in the order of all that its payer sends.
        attempts: at least one, the dearest last.
        created_at, updated_at: when.
        phase: where it is.
        mined: hash of the attempt that was mined; None: none is, as far as we know.
        block, block_hash: where; None like `mined`.
        gas_cost: what that cost, wei of the chain's own coin; None like `mined`.
        reason: why it failed.
        is_final: nothing that happens on the chain is looked for any more.
    """

    number: int
    payer: WalletAddress
    wallet: WalletAddress
    amount: Wei
    nonce: int
    attempts: tuple[Attempt, ...]
    created_at: UnixSeconds
    updated_at: UnixSeconds
    phase: Phase = Phase.IN_FLIGHT
    mined: bytes | None = None
    block: int | None = None
    block_hash: bytes | None = None
    gas_cost: int | None = None
    reason: str = ""
    is_final: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the chain has not had the last word."""
        return self.phase in (Phase.IN_FLIGHT, Phase.MINED)

    @property
    def hash(self) -> bytes:
        """The transaction by which to know it: the one that was mined, or else the dearest."""
        return self.mined or self.attempts[-1].hash

    @property
    def cause(self) -> str:
        """What its bookings are named after."""
        return f"payment:{self.attempts[0].hash.hex()}"

    def with_attempt(self, attempt: Attempt) -> "Payment":
        """Return it with a dearer transaction."""
        return replace(self, attempts=(*self.attempts, attempt), updated_at=attempt.at)

    def failed(self, reason: str, at: UnixSeconds) -> "Payment":
        """Return it as one that can never be."""
        return replace(self, phase=Phase.FAILED, reason=reason, updated_at=at, is_final=True)

    def unmined(self, at: UnixSeconds) -> "Payment":
        """Return it after its block has left the chain."""
        return replace(
            self,
            phase=Phase.IN_FLIGHT,
            mined=None,
            block=None,
            block_hash=None,
            gas_cost=None,
            updated_at=at,
        )

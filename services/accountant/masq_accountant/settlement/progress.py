"""What to do about a payment, from what the chain shows of it. Pure.

sight                                    step
-----                                    ----
in a block, deep enough, succeeded       Confirm
in a block, deep enough, reverted        Fail
in a block, not deep enough              Mine (once), then Wait
was in a block and is not any more       Return
nowhere, its nonce taken, deep enough    Fail
nowhere, its nonce taken                 Wait
nowhere                                  Resend; dearer when it has waited too long

A payment that is confirmed is looked at until it is WATCH times as deep: a chain that loses more
blocks than anybody expected must not leave the books saying that it is paid.
"""

from dataclasses import dataclass

from masq_accountant.settlement.payment import Payment
from masq_kernel.units import UnixSeconds

__all__ = [
    "Bury",
    "Confirm",
    "Fail",
    "Mine",
    "Receipt",
    "Resend",
    "Return",
    "Sight",
    "Step",
    "Wait",
    "next_step",
    "step_after",
]

WATCH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a chain says of a transaction in a block.

    Args:
        hash: of the transaction.
        block, block_hash: where it is.
        succeeded: whether the tokens moved.
        gas_cost: wei of the chain's own coin.
    """

    hash: bytes
    block: int
    block_hash: bytes
    succeeded: bool
    gas_cost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What a chain shows of a payment.

    Args:
        head: the newest block's number.
        receipt: of the attempt that is in a block of this chain; None: no attempt is.
        nonce_next: how many transactions our wallet has in blocks, the newest one included.
        nonce_deep: how many of those are deep enough.
    """

    head: int
    receipt: Receipt | None
    nonce_next: int
    nonce_deep: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do."""


@dataclass(frozen=True, slots=True)
class Mine:
    """Note the block."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Confirm:
    """Book it as paid."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Fail:
    """Let the debt be paid by another payment."""

    reason: str
    receipt: Receipt | None = None


@dataclass(frozen=True, slots=True)
class Return:
    """Its block has left the chain: it is in flight again."""


@dataclass(frozen=True, slots=True)
class Resend:
    """Send it again, the same bytes; or sign a dearer one, if that is within the limits."""

    dearer: bool


@dataclass(frozen=True, slots=True)
class Bury:
    """It is so deep that nobody looks at it again."""


Step = Bury | Wait | Mine | Confirm | Fail | Return | Resend


def next_step(
    payment: Payment, sight: Sight, *, now: UnixSeconds, confirmations: int, stuck_s: int
) -> Step:
    """Return what to do about an open payment.

    Args:
        payment: in flight, or mined.
        sight: what the chain shows.
        now: the time.
        confirmations: how many blocks, its own included, make a transaction final.
        stuck_s: how long an attempt may wait before a dearer one is made.
    """
    receipt = sight.receipt
    if receipt is not None:
        if sight.head - receipt.block + 1 >= confirmations:
            return Confirm(receipt) if receipt.succeeded else Fail("it reverted", receipt)
        is_noted = (payment.mined, payment.block_hash) == (receipt.hash, receipt.block_hash)
        return Wait() if is_noted else Mine(receipt)
    if payment.mined is not None:
        return Return()
    if sight.nonce_deep > payment.nonce:
        return Fail("another transaction of this wallet took its nonce")
    if sight.nonce_next > payment.nonce:
        return Wait()  # by one that may still vanish
    return Resend(dearer=now - payment.attempts[-1].at >= stuck_s)


def step_after(payment: Payment, sight: Sight, *, confirmations: int) -> Step:
    """Return what to do about a payment that is confirmed.

    Args:
        payment: confirmed, and not final.
        sight: what the chain shows.
        confirmations: how many blocks made it so.
    """
    receipt = sight.receipt
    if receipt is None or not receipt.succeeded:
        return Return()
    if receipt.block_hash != payment.block_hash:
        return Mine(receipt)
    is_buried = sight.head - receipt.block + 1 >= WATCH * confirmations
    return Bury() if is_buried else Wait()

"""Payments, and how far the chain was read, as they are written."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import msgspec

from masq_accountant.ledger import Fault
from masq_accountant.settlement import Attempt, Fees, Payment, Phase
from masq_accountant.store.drawer import Drawer
from masq_accountant.store.ledger import Ledger
from masq_accountant.store.roll import Write
from masq_accountant.store.tables import CHAIN_MARKS, PAYMENTS
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.units import UnixSeconds, Wei

__all__ = ["ChainMark", "PaymentStore"]

_READ_UP_TO = b"read up to"


class _Attempt(msgspec.Struct, array_like=True):
    raw: bytes
    hash: bytes
    price: str
    tip: str | None
    at: int


class _Payment(msgspec.Struct):
    number: int
    payer: bytes
    wallet: bytes
    amount: str
    nonce: int
    attempts: list[_Attempt]
    created_at: int
    updated_at: int
    phase: str
    mined: bytes | None
    block: int | None
    block_hash: bytes | None
    gas_cost: str | None
    reason: str
    is_final: bool = False


class PaymentStore:
    """All payments, in memory and on disk; an open one with its signed transactions.

    Args:
        ledger: beside whose books they are kept.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._drawer = Drawer(ledger.roll(PAYMENTS), ledger.keys.vault, _to_bytes, _from_bytes)
        self.payments: dict[int, Payment] = {}

    async def load(self) -> Fault | None:
        """Read all; return what is wrong with them."""
        kept, fault = await self._drawer.load()
        self.payments = {each.number: each for each in kept.values()}
        return fault

    @property
    def next_number(self) -> int:
        """The number of the next payment."""
        return max(self.payments, default=0) + 1

    def open(self, payer: WalletAddress | None = None) -> list[Payment]:
        """Return those (of one wallet) that are not finished, in the order of their nonces."""
        waiting = (
            each for each in self.payments.values() if each.is_open and payer in (None, each.payer)
        )
        return sorted(waiting, key=lambda each: each.nonce)

    def watched(self) -> list[Payment]:
        """Return those that are confirmed, and not yet so deep that nobody looks again."""
        return [
            each
            for each in self.payments.values()
            if each.phase is Phase.CONFIRMED and not each.is_final
        ]

    async def save(self, payment: Payment) -> None:
        """Keep a payment's newest state."""
        await self._drawer.save(_named(payment))
        self.note(payment)

    def saving(self, payment: Payment) -> AbstractAsyncContextManager[Write]:
        """Keep it within a transaction that ends before this context; `note` it afterwards."""
        return self._drawer.saving(_named(payment))

    def note(self, payment: Payment) -> None:
        """Take what is stored."""
        self.payments[payment.number] = _slim(payment)


class ChainMark:
    """How far the chain was read for payments to us.

    Args:
        ledger: beside whose books it is kept.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._drawer = Drawer(
            ledger.roll(CHAIN_MARKS), ledger.keys.vault, _number_bytes, _number_from
        )
        self.next_block: int | None = None

    async def load(self) -> Fault | None:
        """Read it; None as `next_block`: nothing was read yet."""
        kept, fault = await self._drawer.load()
        self.next_block = kept.get(_READ_UP_TO)
        return fault

    async def save(self, next_block: int) -> None:
        """Keep which block is to be read next."""
        await self._drawer.save({_READ_UP_TO: next_block})
        self.next_block = next_block


def _named(payment: Payment) -> Mapping[bytes, Payment]:
    return {payment.number.to_bytes(8, "big"): _slim(payment)}


def _slim(payment: Payment) -> Payment:
    """Forget the signed bytes of a payment that is never sent again."""
    if not payment.is_final:
        return payment
    return replace(payment, attempts=tuple(_without_raw(payment.attempts)))


def _without_raw(attempts: Iterable[Attempt]) -> Iterable[Attempt]:
    return (replace(each, raw=b"") for each in attempts)


def _to_bytes(payment: Payment) -> bytes:
    cell = _Payment(
        number=payment.number,
        payer=payment.payer.raw,
        wallet=payment.wallet.raw,
        amount=str(payment.amount),
        nonce=payment.nonce,
        attempts=[
            _Attempt(
                each.raw,
                each.hash,
                str(each.fees.price),
                None if each.fees.tip is None else str(each.fees.tip),
                each.at,
            )
            for each in payment.attempts
        ],
        created_at=payment.created_at,
        updated_at=payment.updated_at,
        phase=payment.phase,
        mined=payment.mined,
        block=payment.block,
        block_hash=payment.block_hash,
        gas_cost=None if payment.gas_cost is None else str(payment.gas_cost),
        reason=payment.reason,
        is_final=payment.is_final,
    )
    return msgspec.msgpack.encode(cell)


def _from_bytes(data: bytes) -> Payment:
    cell = msgspec.msgpack.decode(data, type=_Payment)
    return Payment(
        number=cell.number,
        payer=WalletAddress(cell.payer),
        wallet=WalletAddress(cell.wallet),
        amount=Wei(int(cell.amount)),
        nonce=cell.nonce,
        attempts=tuple(
            Attempt(
                raw=each.raw,
                hash=each.hash,
                fees=Fees(int(each.price), None if each.tip is None else int(each.tip)),
                at=UnixSeconds(each.at),
            )
            for each in cell.attempts
        ),
        created_at=UnixSeconds(cell.created_at),
        updated_at=UnixSeconds(cell.updated_at),
        phase=Phase(cell.phase),
        mined=cell.mined,
        block=cell.block,
        block_hash=cell.block_hash,
        gas_cost=None if cell.gas_cost is None else int(cell.gas_cost),
        reason=cell.reason,
        is_final=cell.is_final,
    )


def _number_bytes(number: int) -> bytes:
    return number.to_bytes(8, "big")


def _number_from(data: bytes) -> int:
    return int.from_bytes(data, "big")

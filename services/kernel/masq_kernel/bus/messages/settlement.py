"""Payments on a chain: what was paid, what came, what a wallet has, and when it was looked at."""

from typing import Literal

from masq_kernel.bus.messages.base import BusMessage
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.units import UnixSeconds

__all__ = [
    "BalancesRequested",
    "BalancesShown",
    "ChainServer",
    "PaymentChanged",
    "PaymentPhase",
    "PaymentState",
    "PaymentsListed",
    "PaymentsRequested",
    "ScanIntervalsRequested",
    "ScanIntervalsShown",
    "ScanIntervalsToSet",
    "ScanKind",
    "ScanState",
    "ScansListed",
    "ScansRequested",
    "WalletBalance",
]

PaymentPhase = Literal["in_flight", "mined", "confirmed", "failed"]

ScanKind = Literal["payables", "pending", "receivables", "delinquency", "reconciliation"]


class PaymentState(BusMessage, frozen=True):
    """One payment of ours; amounts are wei in decimal, `gas_cost` of the chain's own coin."""

    number: int
    payer: WalletAddress  # which of ours
    wallet: WalletAddress  # who is paid
    amount: str
    phase: PaymentPhase
    transaction: str  # 0x and 64 hex digits; the one in a block, or else the dearest
    attempts: int
    nonce: int
    price_max: str  # for a unit of gas, wei
    created_at: UnixSeconds
    updated_at: UnixSeconds
    block: int | None = None
    gas_cost: str | None = None
    reason: str = ""  # why it failed


class PaymentsRequested(BusMessage, frozen=True):
    """What did we pay? The newest first."""

    phase: PaymentPhase | None = None
    wallet: WalletAddress | None = None
    number: int | None = None  # only this one
    before: int | None = None  # cursor: the last number of the page before
    limit: int = 100


class PaymentsListed(BusMessage, frozen=True):
    """One page of payments."""

    payments: tuple[PaymentState, ...]
    more: bool


class PaymentChanged(BusMessage, frozen=True):
    """A payment has come further."""

    payment: PaymentState


class BalancesRequested(BusMessage, frozen=True):
    """What do our wallets have, and how is the chain?"""


class WalletBalance(BusMessage, frozen=True):
    """One wallet. None: not known now, `reason` says why."""

    wallet: WalletAddress
    role: Literal["consuming", "earning"]
    tokens: str | None = None  # wei of MASQ
    coin: str | None = None  # wei of the chain's own coin
    reason: str = ""


class ChainServer(BusMessage, frozen=True):
    """One RPC server."""

    name: str
    head: int | None
    trouble: str


class BalancesShown(BusMessage, frozen=True):
    """Wallets, and the chain behind them."""

    wallets: tuple[WalletBalance, ...]
    chain: str
    is_configured: bool
    servers: tuple[ChainServer, ...] = ()
    quorum: int = 0
    confirmations: int = 0
    read_up_to: int | None = None  # the last block that was read for payments to us
    in_flight: str = "0"  # wei of MASQ
    paid: str = "0"  # for all time
    received: str = "0"
    in_suspense: str = "0"  # from wallets that never owed us anything
    gas_spent: str = "0"  # wei of the chain's own coin


class ScansRequested(BusMessage, frozen=True):
    """How are the scans? `start`: begin one of this kind now."""

    start: ScanKind | None = None


class ScanState(BusMessage, frozen=True):
    """One kind of scan."""

    kind: ScanKind
    is_running: bool
    interval_s: float  # 0: only by hand
    runs: int
    outcome: str  # of the last one; "": there was none
    is_well: bool
    changed: int
    started_at: UnixSeconds | None
    finished_at: UnixSeconds | None
    took_ms: float
    next_at: UnixSeconds | None


class ScansListed(BusMessage, frozen=True):
    """All kinds that this node has."""

    scans: tuple[ScanState, ...]


class ScanIntervalsRequested(BusMessage, frozen=True):
    """How often is each scan done?"""


class ScanIntervalsToSet(BusMessage, frozen=True):
    """Do these so often, if nobody has changed that since `revision`."""

    seconds: dict[ScanKind, float]  # 0: only by hand; kinds that are left out stay
    revision: int


class ScanIntervalsShown(BusMessage, frozen=True):
    """What is in force, for the kinds that this node has."""

    seconds: dict[ScanKind, float]
    revision: int

"""Payments, wallets and scans."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from masq_api.views.values import Masq, WalletText, WeiText, masq, moment
from masq_kernel.bus.messages.settlement import (
    BalancesShown,
    ChainServer,
    PaymentPhase,
    PaymentState,
    ScanIntervalsShown,
    ScanIntervalsToSet,
    ScanKind,
    ScanState,
    WalletBalance,
)

__all__ = [
    "ScanIntervalsView",
    "ScanStateView",
    "ScanToRun",
    "Scans",
    "SettlementView",
    "Settlements",
    "WalletsView",
]


class SettlementView(BaseModel):
    """One payment of a debt."""

    number: int = Field(examples=[12])
    payer: WalletText = Field(description="Which consuming wallet of this node pays")
    wallet: WalletText = Field(description="Who is paid")
    amount: WeiText
    amount_masq: Masq
    phase: PaymentPhase = Field(
        description="in_flight: signed and sent; mined: in a block that is not deep enough yet; "
        "confirmed: the debt is paid; failed: the debt is free again"
    )
    transaction: str = Field(description="Its hash on the chain", examples=["0x" + "5e" * 32])
    attempts: int = Field(description="How often it was signed, each time at a higher price")
    nonce: int
    gas_price_max: str = Field(description="Offered for a unit of gas, wei of the chain's own coin")
    gas_cost: str | None = Field(description="Wei of the chain's own coin; null: in no block yet")
    block: int | None
    created_at: datetime
    updated_at: datetime
    reason: str = Field(description="Why it failed")

    @classmethod
    def of(cls, state: PaymentState) -> "SettlementView":
        """Show a payment."""
        return cls(
            number=state.number,
            payer=state.payer.text,
            wallet=state.wallet.text,
            amount=state.amount,
            amount_masq=masq(state.amount),
            phase=state.phase,
            transaction=state.transaction,
            attempts=state.attempts,
            nonce=state.nonce,
            gas_price_max=state.price_max,
            gas_cost=state.gas_cost,
            block=state.block,
            created_at=moment(state.created_at),
            updated_at=moment(state.updated_at),
            reason=state.reason,
        )


class Settlements(BaseModel):
    """One page, the newest first."""

    items: list[SettlementView]
    next: str | None = Field(description="`cursor` of the next page; null: this is the last")


class WalletView(BaseModel):
    """One wallet of this node; never its key."""

    wallet: WalletText
    role: Literal["consuming", "earning"] = Field(
        description="consuming: pays for this node's own traffic; earning: is paid"
    )
    tokens: WeiText | None = Field(description="null: not known now")
    tokens_masq: Masq | None
    coin: str | None = Field(description="Wei of the chain's own coin, for fees")
    reason: str = Field(description="Why the balances are not known")

    @classmethod
    def of(cls, balance: WalletBalance) -> "WalletView":
        """Show a wallet."""
        return cls(
            wallet=balance.wallet.text,
            role=balance.role,
            tokens=balance.tokens,
            tokens_masq=None if balance.tokens is None else masq(balance.tokens),
            coin=balance.coin,
            reason=balance.reason,
        )


class ServerView(BaseModel):
    """One RPC server."""

    name: str = Field(description="Host and port; the rest of its URL may be a secret")
    head: int | None = Field(description="The newest block it knows; null: it does not answer")
    trouble: str

    @classmethod
    def of(cls, server: ChainServer) -> "ServerView":
        """Show a server."""
        return cls(name=server.name, head=server.head, trouble=server.trouble)


class WalletsView(BaseModel):
    """Wallets, the chain behind them, and what has moved."""

    wallets: list[WalletView]
    chain: str = Field(examples=["base-mainnet"])
    is_configured: bool = Field(description="False: no RPC server is set, and nothing is paid")
    servers: list[ServerView]
    quorum: int = Field(description="How many must tell the same before money is booked")
    confirmations: int = Field(description="How many blocks make a payment final")
    read_up_to: int | None = Field(description="Block up to which payments to us were looked for")
    in_flight: WeiText = Field(description="In payments under way")
    paid: WeiText = Field(description="Confirmed, for all time")
    received: WeiText = Field(description="For all time")
    in_suspense: WeiText = Field(description="Of that, from wallets that never owed us anything")
    gas_spent: str = Field(description="Wei of the chain's own coin")

    @classmethod
    def of(cls, shown: BalancesShown) -> "WalletsView":
        """Show all."""
        return cls(
            wallets=[WalletView.of(each) for each in shown.wallets],
            chain=shown.chain,
            is_configured=shown.is_configured,
            servers=[ServerView.of(each) for each in shown.servers],
            quorum=shown.quorum,
            confirmations=shown.confirmations,
            read_up_to=shown.read_up_to,
            in_flight=shown.in_flight,
            paid=shown.paid,
            received=shown.received,
            in_suspense=shown.in_suspense,
            gas_spent=shown.gas_spent,
        )


class ScanToRun(BaseModel):
    """Which scan to begin."""

    kind: ScanKind


class ScanStateView(BaseModel):
    """One kind of scan, and what the last one did."""

    kind: ScanKind
    is_running: bool
    interval_s: float = Field(description="From one to the next; 0: only by hand")
    runs: int = Field(description="Since the accountant started")
    outcome: str = Field(description='Of the last one, in words; "": there was none yet')
    is_well: bool = Field(description="Whether the last one did all there was to do")
    changed: int = Field(description="How many things it changed")
    started_at: datetime | None
    finished_at: datetime | None
    took_ms: float
    next_at: datetime | None = Field(description="When the next one begins by itself")

    @classmethod
    def of(cls, state: ScanState) -> "ScanStateView":
        """Show a scan."""
        return cls(
            kind=state.kind,
            is_running=state.is_running,
            interval_s=state.interval_s,
            runs=state.runs,
            outcome=state.outcome,
            is_well=state.is_well,
            changed=state.changed,
            started_at=_moment(state.started_at),
            finished_at=_moment(state.finished_at),
            took_ms=state.took_ms,
            next_at=_moment(state.next_at),
        )


Interval = Annotated[float, Field(ge=0, le=7 * 86_400, strict=True)]


class ScanIntervalsView(BaseModel):
    """Seconds from one scan to the next of its kind; 0: only by hand; null: this node has none."""

    model_config = ConfigDict(extra="forbid")

    payables: Interval | None = None
    pending: Interval | None = None
    receivables: Interval | None = None
    delinquency: Interval | None = None
    reconciliation: Interval | None = None

    @classmethod
    def of(cls, shown: ScanIntervalsShown) -> "ScanIntervalsView":
        """Show what is in force."""
        return cls(**{str(kind): seconds for kind, seconds in shown.seconds.items()})

    def to_message(self, revision: int) -> ScanIntervalsToSet:
        """Return what the accountant is asked for; what is null stays."""
        found = {kind: value for kind, value in self.model_dump().items() if value is not None}
        return ScanIntervalsToSet(seconds=found, revision=revision)  # type: ignore[arg-type]  # the kinds are the fields


class Scans(BaseModel):
    """All kinds that this node has."""

    items: list[ScanStateView]
    next: None = None


def _moment(unix: int | None) -> datetime | None:
    return None if unix is None else moment(unix)

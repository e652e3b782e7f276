"""What the API answers, for type checkers: the parts that scripts use most.

The whole description is docs/openapi.json; a field that is not here is there all the same.
"""

from typing import Literal, TypedDict

__all__ = [
    "Account",
    "Ban",
    "Dispute",
    "Event",
    "Neighbor",
    "NodeState",
    "Scan",
    "Settlement",
    "Summary",
    "Thresholds",
    "Wallets",
]


class NodeState(TypedDict):
    """`/v1/node`."""

    node_id: str
    descriptor: str
    chain: str
    stage: str
    stage_reason: str
    version: str
    uptime_s: float
    neighbors: int
    sessions: int
    refusing: str
    services: dict[str, dict[str, object]]


class Neighbor(TypedDict):
    """One of `/v1/neighbors`."""

    node_id: str
    address: str
    edge: str
    link_up: bool
    rtt_ms: float | None
    bytes_in: int
    bytes_out: int


class Account(TypedDict):
    """One of `/v1/ledger/payables` or `receivables`; `balance` is wei, in decimal."""

    wallet: str
    balance: str
    balance_masq: str
    age_s: int
    place: Literal["settled", "owing", "over"]
    charged: str


class Summary(TypedDict):
    """`/v1/ledger/summary`; wei, in decimal."""

    payable: str
    payable_masq: str
    payable_over: str
    receivable: str
    receivable_masq: str
    receivable_over: str
    transactions: int


class Ban(TypedDict, total=False):
    """One of `/v1/bans`: a node (`node_id`) or a wallet (`wallet`)."""

    kind: Literal["misconduct", "financial"]
    node_id: str
    wallet: str
    cause: str | None
    decision: str | None
    note: str
    since: str


class Dispute(TypedDict):
    """One of `/v1/disputes`."""

    node_id: str
    wallet: str
    side: Literal["debtor", "creditor"]
    ours: str
    theirs: str
    since: str
    closed_at: str | None


class Settlement(TypedDict):
    """One of `/v1/settlements`."""

    number: int
    wallet: str
    amount: str
    phase: Literal["in_flight", "mined", "confirmed", "failed"]
    transaction: str
    reason: str


class Scan(TypedDict):
    """One of `/v1/scans`."""

    kind: str
    is_running: bool
    outcome: str
    is_well: bool


class Wallets(TypedDict):
    """`/v1/wallets`."""

    is_configured: bool
    chain: str
    in_flight: str
    paid: str
    received: str


class Thresholds(TypedDict, total=False):
    """`/v1/thresholds`; gwei as text, seconds as numbers."""

    debt_threshold_gwei: str
    maturity_threshold_sec: int
    payment_grace_period_sec: int
    permanent_debt_allowed_gwei: str
    threshold_interval_sec: int
    unban_below_gwei: str
    credit_limit_gwei: str | None
    newcomer_limit_gwei: str | None


class Event(TypedDict):
    """One of `/v1/events`."""

    id: str
    type: str
    data: dict[str, object]

"""Which columns each resource of the API is shown with. Pure.

A key that an answer lacks shows as "-", so that a newer or older node can be looked at too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from masq_cli.show.values import amount, latency, plain, short_id, size, success, yes_no

__all__ = [
    "BANS",
    "DISPUTES",
    "FINDINGS",
    "NEIGHBORHOOD",
    "NEIGHBORS",
    "PAYABLES",
    "RECEIVABLES",
    "SCANS",
    "SERVERS",
    "SESSIONS",
    "SETTLEMENTS",
    "STAGES",
    "WALLETS",
    "Column",
    "View",
]


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Args:
        heading: over it.
        key: of the item.
        show: makes the value text.
        is_number: flush right.
    """

    heading: str
    key: str
    show: Callable[[Any], str] = plain
    is_number: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How a list is shown.

    Args:
        path: of the resource.
        title: over the table.
        columns: in order.
        empty: said when there is nothing.
    """

    path: str
    title: str
    columns: tuple[Column, ...]
    empty: str


NEIGHBORS = View(
    path="/v1/neighbors",
    title="Neighbors",
    columns=(
        Column("node", "node_id", short_id),
        Column("address", "address"),
        Column("ports", "ports"),
        Column("edge", "edge"),
        Column("link up", "link_up", yes_no),
        Column("inbound", "inbound", yes_no),
        Column("degree", "degree", is_number=True),
        Column("since", "since"),
    ),
    empty="This node has no neighbors yet.",
)

NEIGHBORHOOD = View(
    path="/v1/neighborhood",
    title="Neighborhood",
    columns=(
        Column("node", "node_id", short_id),
        Column("hops", "hops_away", is_number=True),
        Column("country", "country"),
        Column("takes links", "accepts_connections", yes_no),
        Column("routes", "routes_data", yes_no),
        Column("success", "reputation", success, is_number=True),
        Column("ms per link", "reputation", latency, is_number=True),
        Column("preference", "preference"),
        Column("this node", "is_self", yes_no),
    ),
    empty="This node knows no other node yet.",
)

SESSIONS = View(
    path="/v1/sessions",
    title="Sessions",
    columns=(
        Column("session", "session_id", short_id),
        Column("role", "role"),
        Column("direction", "direction"),
        Column("age s", "age_s", is_number=True),
        Column("packages", "packages", is_number=True),
        Column("bytes", "size", size, is_number=True),
        Column("wei", "amount", amount, is_number=True),
        Column("hops", "hops", short_id),
    ),
    empty="No session is open.",
)

STAGES = View(
    path="/v1/node/stages",
    title="How the connection stage changed, the newest first",
    columns=(
        Column("at", "at"),
        Column("before", "before"),
        Column("stage", "stage"),
        Column("reason", "reason"),
    ),
    empty="The stage has not changed since gossip began.",
)

BANS = View(
    path="/v1/bans",
    title="Bans: whom this node refuses",
    columns=(
        Column("node", "node_id", short_id),
        Column("kind", "kind"),
        Column("reason", "reason"),
        Column("offences", "offences", is_number=True),
        Column("until", "until"),
        Column("wallet", "wallet"),
        Column("cause", "cause"),
        Column("decision", "decision"),
        Column("owes MASQ", "owed_masq", is_number=True),
    ),
    empty="Nobody is banned.",
)

_ACCOUNT_COLUMNS = (
    Column("wallet", "wallet"),
    Column("wei", "balance", amount, is_number=True),
    Column("packages", "packages", is_number=True),
    Column("bytes", "size", size, is_number=True),
    Column("oldest unpaid", "oldest_unpaid_at"),
)

PAYABLES = View(
    path="/v1/ledger/payables",
    title="Payables: what this node owes",
    columns=_ACCOUNT_COLUMNS,
    empty="This node owes nothing.",
)

RECEIVABLES = View(
    path="/v1/ledger/receivables",
    title="Receivables: what this node is owed",
    columns=_ACCOUNT_COLUMNS,
    empty="Nobody owes this node anything.",
)

DISPUTES = View(
    path="/v1/disputes",
    title="Disputes",
    columns=(
        Column("creditor", "node_id", short_id),
        Column("debtor", "wallet"),
        Column("we are the", "side"),
        Column("our books", "ours", amount, is_number=True),
        Column("their word", "theirs", amount, is_number=True),
        Column("since", "since"),
        Column("closed", "closed_at"),
    ),
    empty="Nobody's word contradicts our books.",
)

FINDINGS = View(
    path="/v1/ledger/reconciliation",
    title="What our creditors say",
    columns=(
        Column("creditor", "node_id", short_id),
        Column("finding", "finding"),
        Column("our books", "ours", amount, is_number=True),
        Column("its word", "theirs", amount, is_number=True),
        Column("", "reason"),
    ),
    empty="This node has never owed anything to anybody.",
)

SETTLEMENTS = View(
    path="/v1/settlements",
    title="Settlements: what this node has paid",
    columns=(
        Column("no.", "number", is_number=True),
        Column("to", "wallet"),
        Column("MASQ", "amount_masq", is_number=True),
        Column("phase", "phase"),
        Column("block", "block", is_number=True),
        Column("fee", "gas_cost", amount, is_number=True),
        Column("since", "created_at"),
        Column("reason", "reason"),
    ),
    empty="This node has paid nothing yet.",
)

WALLETS = View(
    path="/v1/wallets",
    title="Wallets",
    columns=(
        Column("wallet", "wallet"),
        Column("", "role"),
        Column("MASQ", "tokens_masq", is_number=True),
        Column("for fees, wei", "coin", amount, is_number=True),
        Column("", "reason"),
    ),
    empty="This node has no wallets.",
)

SERVERS = View(
    path="/v1/wallets",
    title="Servers of the chain",
    columns=(
        Column("server", "name"),
        Column("newest block", "head", is_number=True),
        Column("trouble", "trouble"),
    ),
    empty="No RPC server is set, so nothing is paid: set `rpc_urls` in the section [accountant].",
)

SCANS = View(
    path="/v1/scans",
    title="Scans",
    columns=(
        Column("kind", "kind"),
        Column("every, s", "interval_s", is_number=True),
        Column("runs", "runs", is_number=True),
        Column("well", "is_well", yes_no),
        Column("last", "finished_at"),
        Column("what it did", "outcome"),
        Column("next", "next_at"),
    ),
    empty="This node has no scans.",
)

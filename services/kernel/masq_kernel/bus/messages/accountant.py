"""What the accountant says and is asked: signatures, wallets, the books."""

from typing import Literal

from masq_kernel.bus.messages.base import BusMessage
from masq_kernel.identity.keys import NodeId, WalletAddress
from masq_kernel.rates import RatePack
from masq_kernel.units import ByteCount, UnixSeconds

__all__ = [
    "AccountState",
    "AccountsListed",
    "AccountsRequested",
    "BackupRequested",
    "BackupState",
    "BanCause",
    "DecisionKind",
    "DecisionToMake",
    "EntriesListed",
    "EntriesRequested",
    "LedgerEntry",
    "LedgerSummary",
    "LedgerSummaryRequested",
    "ProofToSign",
    "ProofsSigned",
    "ScanDone",
    "ScanRequested",
    "SignProofsRequested",
    "ThresholdValues",
    "ThresholdsChange",
    "ThresholdsHistory",
    "ThresholdsHistoryRequested",
    "ThresholdsPreviewed",
    "ThresholdsRequested",
    "ThresholdsShown",
    "ThresholdsToPreview",
    "ThresholdsToSet",
    "TurnoverRequested",
    "TurnoverShown",
    "TurnoverSum",
    "VerificationRequested",
    "VerificationState",
    "WalletBansListed",
    "WalletBansRequested",
    "WalletRefused",
    "WalletStance",
    "WalletStanceChanged",
    "WalletsRequested",
    "WalletsShown",
]


class ProofToSign(BusMessage, frozen=True):
    """One hop of a route: what its payer proof covers (protocol.md 4.2)."""

    node_id: NodeId
    earning: WalletAddress  # where it is paid
    secret_hash: bytes  # SHA-256 of the hop secret
    rates: RatePack
    expires_at: UnixSeconds


class SignProofsRequested(BusMessage, frozen=True):
    """Sign the payer proofs of a route in one batch."""

    proofs: tuple[ProofToSign, ...]


class ProofsSigned(BusMessage, frozen=True):
    """EIP-191 signatures, 65 bytes each, in the order asked, each by one of `wallets`.

    Each also says what that wallet owes that hop for all time, in wei, in decimal.
    """

    wallets: tuple[WalletAddress, ...]
    signatures: tuple[bytes, ...]
    owed: tuple[str, ...]
    sequence: int


class WalletsRequested(BusMessage, frozen=True):
    """Which wallets does this node use?"""


class WalletsShown(BusMessage, frozen=True):
    """Addresses only; private keys never leave the accountant."""

    consuming: WalletAddress | None  # None: not set; the node cannot originate
    earning: WalletAddress


Book = Literal["payable", "receivable"]


Place = Literal["settled", "owing", "over"]
"""Nothing owed; something; more than the curve allows at its age (due, or delinquent)."""


class AccountsRequested(BusMessage, frozen=True):
    """List one book, or what of it is asked for."""

    book: Book
    by: Literal["balance", "age"] = "balance"  # the largest, or the oldest first
    balance_min: str | None = None  # wei
    age_min_s: int = 0
    place: Place | None = None
    wallet: WalletAddress | None = None  # None: all
    after: WalletAddress | None = None  # cursor: the last wallet of the page before
    limit: int = 100


class AccountState(BusMessage, frozen=True):
    """What we owe a wallet, or a wallet owes us. Amounts are wei in decimal."""

    wallet: WalletAddress
    balance: str
    packages: int
    size: ByteCount
    oldest_unpaid_at: UnixSeconds | None  # None: nothing is owed
    updated_at: UnixSeconds
    place: Place = "owing"
    allowed: str | None = None  # wei at this age; None: any amount yet
    charged: str = "0"  # wei, for all time


class AccountsListed(BusMessage, frozen=True):
    """One page of a book."""

    accounts: tuple[AccountState, ...]
    more: bool


class EntriesRequested(BusMessage, frozen=True):
    """The history of one wallet in one book, newest first."""

    book: Book
    wallet: WalletAddress
    before: int | None = None  # cursor: the last transaction number of the page before
    limit: int = 100


class LedgerEntry(BusMessage, frozen=True):
    """One posting to an account; `amount` is wei in decimal, positive raises the debt."""

    transaction: int
    at: UnixSeconds
    service: str
    packages: int
    size: ByteCount
    amount: str


class EntriesListed(BusMessage, frozen=True):
    """One page of a history."""

    entries: tuple[LedgerEntry, ...]
    more: bool


class LedgerSummaryRequested(BusMessage, frozen=True):
    """How do the books stand?"""


class LedgerSummary(BusMessage, frozen=True):
    """Totals in wei, in decimal."""

    payable: str
    receivable: str
    payable_accounts: int
    receivable_accounts: int
    transactions: int
    usage_events: int
    payable_over: str = "0"  # due
    receivable_over: str = "0"  # delinquent
    payable_accounts_over: int = 0
    receivable_accounts_over: int = 0
    payable_charged: str = "0"  # for all time
    receivable_charged: str = "0"
    payable_since: UnixSeconds | None = None  # the oldest unpaid charge; None: nothing is owed
    receivable_since: UnixSeconds | None = None


class TurnoverRequested(BusMessage, frozen=True):
    """What was earned and spent from `begin` on and before `end`? A page of it."""

    begin: UnixSeconds
    end: UnixSeconds
    after: int = 0  # cursor: `next` of the page before


class TurnoverSum(BusMessage, frozen=True):
    """Of one kind; `amount` is wei in decimal, positive for income and for expense."""

    kind: str  # income:routing, income:exit, expense:routing, expense:exit
    amount: str
    packages: int
    size: ByteCount


class TurnoverShown(BusMessage, frozen=True):
    """The sums of one page; whoever asked adds up the pages."""

    sums: tuple[TurnoverSum, ...]
    next: int | None  # None: this was the last page


class CheckpointsRequested(BusMessage, frozen=True):
    """Which checkpoints are there? The newest first."""

    before: int | None = None  # cursor: the last number of the page before
    limit: int = 100


class LedgerCheckpoint(BusMessage, frozen=True):
    """The books at one moment, signed by the node's identity key."""

    number: int  # the last transaction that it covers
    at: UnixSeconds
    hash: bytes
    balances: bytes
    signature: bytes


class CheckpointsListed(BusMessage, frozen=True):
    """One page of them."""

    checkpoints: tuple[LedgerCheckpoint, ...]
    more: bool


# -- who is refused ------------------------------------------------------------------------------

RefusalKind = Literal["banned", "credit"]
BanCause = Literal["delinquent", "credit", "unvouchered", "manual"]
DecisionKind = Literal["ban", "pardon", "whitelist"]


class WalletRefused(BusMessage, frozen=True):
    """Refuse this wallet, whose address in hexadecimal is the key: no new session, no old one.

    With `owed_min`, wei in decimal, a proof that says that at least so much is owed is good enough.
    """

    reason: RefusalKind
    owed_min: str = ""


class WalletStanceChanged(BusMessage, frozen=True):
    """A wallet was banned, pardoned, or is served again. `cause` None: it is served."""

    wallet: WalletAddress
    cause: BanCause | None
    at: UnixSeconds


class WalletBansRequested(BusMessage, frozen=True):
    """Which wallets are refused, or have been decided upon? By wallet."""

    wallet: WalletAddress | None = None  # None: all
    after: WalletAddress | None = None  # cursor: the last wallet of the page before
    limit: int = 100


class WalletStance(BusMessage, frozen=True):
    """What is held against one wallet, or decided in its favour. Amounts are wei in decimal."""

    wallet: WalletAddress
    cause: BanCause | None  # None: it is served
    since: UnixSeconds
    owed: str
    owed_max: str  # the ban lifts at or below; "" when only a decision lifts it
    decision: DecisionKind | None  # what an operator decided
    decided_by: str  # who; a token's id
    note: str


class WalletBansListed(BusMessage, frozen=True):
    """One page of wallets."""

    wallets: tuple[WalletStance, ...]
    more: bool


class DecisionToMake(BusMessage, frozen=True):
    """Ban, pardon or whitelist a wallet; `decision` None withdraws what was decided."""

    wallet: WalletAddress
    decision: DecisionKind | None
    by: str
    note: str = ""


# -- thresholds ----------------------------------------------------------------------------------


class ThresholdValues(BusMessage, frozen=True):
    """MASQ's six values, and the credit limit (None: 1.5 times the debt threshold)."""

    debt_threshold_gwei: int
    maturity_threshold_sec: int
    payment_grace_period_sec: int
    permanent_debt_allowed_gwei: int
    threshold_interval_sec: int
    unban_below_gwei: int
    credit_limit_gwei: int | None
    newcomer_limit_gwei: int | None = None


class ThresholdsRequested(BusMessage, frozen=True):
    """Which thresholds are in force?"""


class ThresholdsShown(BusMessage, frozen=True):
    """What is in force; `revision` counts the changes."""

    values: ThresholdValues
    revision: int
    changed_at: UnixSeconds | None  # None: never


class ThresholdsToSet(BusMessage, frozen=True):
    """Put these in force, if `revision` is still the one in force."""

    values: ThresholdValues
    revision: int
    by: str


class ThresholdsToPreview(BusMessage, frozen=True):
    """What would these do now?"""

    values: ThresholdValues


class ThresholdsPreviewed(BusMessage, frozen=True):
    """Counts, and the first of the wallets in question."""

    bans: int
    unbans: int
    payments: int
    would_ban: tuple[WalletAddress, ...]
    would_unban: tuple[WalletAddress, ...]


class ThresholdsHistoryRequested(BusMessage, frozen=True):
    """Who changed what? Newest first."""

    before: int | None = None  # cursor: the last revision of the page before
    limit: int = 100


class ThresholdsChange(BusMessage, frozen=True):
    """One change."""

    revision: int
    at: UnixSeconds
    by: str
    before: ThresholdValues
    after: ThresholdValues


class ThresholdsHistory(BusMessage, frozen=True):
    """One page of changes."""

    changes: tuple[ThresholdsChange, ...]
    more: bool


# -- scans and verification ----------------------------------------------------------------------


class ScanRequested(BusMessage, frozen=True):
    """Judge all receivables now."""


class ScanDone(BusMessage, frozen=True):
    """What a scan of the receivables did."""

    at: UnixSeconds
    accounts: int
    banned: int
    unbanned: int
    took_ms: float


class VerificationRequested(BusMessage, frozen=True):
    """How far is the verification of the books? `start`: read everything again."""

    start: bool = False


class VerificationState(BusMessage, frozen=True):
    """What is known of the books. A faulty row makes them read-only."""

    is_running: bool
    is_read_only: bool
    row: str  # the first that is not what was written; "" when there is none
    reason: str
    transactions: int  # booked
    verified: int  # of them, by the run that goes on or was the last
    finished_at: UnixSeconds | None  # None: no full verification since the start
    checkpoint: int  # the last transaction a checkpoint covers; 0: there is none


class BackupRequested(BusMessage, frozen=True):
    """How far is the copy of the books? `start`: make one."""

    start: bool = False


class BackupState(BusMessage, frozen=True):
    """The copy that is made, or was made last. It is verified before it counts as made."""

    is_running: bool = False
    folder: str = ""  # on the accountant's machine; "": there is none
    transactions: int = 0
    problem: str = ""  # why there is none
    finished_at: UnixSeconds | None = None  # None: none since the start

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
    "EntriesListed",
    "EntriesRequested",
    "LedgerEntry",
    "LedgerSummary",
    "LedgerSummaryRequested",
    "ProofToSign",
    "ProofsSigned",
    "SignProofsRequested",
    "WalletsRequested",
    "WalletsShown",
]


class ProofToSign(BusMessage, frozen=True):
    """One hop of a route: what its payer proof covers (protocol.md 4.2)."""

    node_id: NodeId
    secret_hash: bytes  # SHA-256 of the hop secret
    rates: RatePack
    expires_at: UnixSeconds


class SignProofsRequested(BusMessage, frozen=True):
    """Sign the payer proofs of a route in one batch."""

    proofs: tuple[ProofToSign, ...]


class ProofsSigned(BusMessage, frozen=True):
    """EIP-191 signatures, 65 bytes each, in the order asked, by `wallet`."""

    wallet: WalletAddress
    signatures: tuple[bytes, ...]


class WalletsRequested(BusMessage, frozen=True):
    """Which wallets does this node use?"""


class WalletsShown(BusMessage, frozen=True):
    """Addresses only; private keys never leave the accountant."""

    consuming: WalletAddress | None  # None: not set; the node cannot originate
    earning: WalletAddress


Book = Literal["payable", "receivable"]


class AccountsRequested(BusMessage, frozen=True):
    """List one book, largest balance first."""

    book: Book
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

"""Compare what the client owes with what the others are owed. Pure.

payables of the originator, wallet by wallet  =  receivables of the node that earns there
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Account", "Books", "HopShare", "read_accounts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One line of a book.

    Args:
        wallet: the other side.
        wei: balance.
        size: bytes.
        packages: onion packages.
    """

    wallet: str
    wei: int
    size: int
    packages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HopShare:
    """What one node did for the client, in both books.

    Args:
        node_id: who.
        owed: in the client's payables, wei.
        earned: in its own receivables, wei.
        size: bytes, by its own book.
        packages: onion packages, by its own book.
    """

    node_id: str
    owed: int
    earned: int
    size: int
    packages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Both sides at one moment.

    Args:
        shares: of each node that is owed something, by either book.
        unknown: wei the client owes to wallets of no node of this mesh.
    """

    shares: tuple[HopShare, ...]
    unknown: int = 0

    @property
    def owed(self) -> int:
        """The client's payables, in wei."""
        return sum(share.owed for share in self.shares) + self.unknown

    @property
    def earned(self) -> int:
        """The receivables of all nodes, in wei."""
        return sum(share.earned for share in self.shares)

    @property
    def agree(self) -> bool:
        """Whether both sides say the same of each hop, to the wei, and it is not nothing."""
        each = all(share.owed == share.earned for share in self.shares)
        return each and not self.unknown and self.earned > 0

    @classmethod
    def compare(
        cls,
        payables: Sequence[Account],
        receivables: Mapping[str, Sequence[Account]],
        wallets: Mapping[str, str],
    ) -> "Books":
        """Put both sides next to each other.

        Args:
            payables: the client's.
            receivables: of each node, by NodeId.
            wallets: where each node earns, by NodeId.
        """
        owed_to = {account.wallet: account.wei for account in payables}
        shares = []
        for node_id, accounts in receivables.items():
            share = _share(node_id, owed_to.pop(wallets[node_id], 0), accounts)
            if share.owed or share.earned:
                shares.append(share)
        return cls(shares=tuple(shares), unknown=sum(owed_to.values()))


def _share(node_id: str, owed: int, accounts: Sequence[Account]) -> HopShare:
    return HopShare(
        node_id=node_id,
        owed=owed,
        earned=sum(account.wei for account in accounts),
        size=sum(account.size for account in accounts),
        packages=sum(account.packages for account in accounts),
    )


def read_accounts(items: Sequence[Mapping[str, Any]]) -> list[Account]:
    """Return a page of `/v1/ledger/payables` or `receivables` as accounts."""
    return [
        Account(
            wallet=str(item["wallet"]),
            wei=int(item["balance"]),
            size=int(item.get("size", 0)),
            packages=int(item.get("packages", 0)),
        )
        for item in items
    ]

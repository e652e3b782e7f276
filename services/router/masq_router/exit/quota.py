"""How many streams this exit serves, in all and for each payer (protocol.md 4.5). Pure."""

from collections import Counter

from masq_kernel.identity.keys import WalletAddress

__all__ = ["STREAMS_MAX", "STREAMS_PER_WALLET_MAX", "NoQuota", "Quota", "StreamCounts"]

STREAMS_MAX = 8_192
"""Sockets of everybody together."""

STREAMS_PER_WALLET_MAX = 2_048
"""Two full associations."""


class StreamCounts:
    """Streams by the wallet that pays for them.

    Args:
        streams_max, per_wallet_max: the caps.
    """

    def __init__(
        self, *, streams_max: int = STREAMS_MAX, per_wallet_max: int = STREAMS_PER_WALLET_MAX
    ) -> None:
        self._streams_max, self._per_wallet_max = streams_max, per_wallet_max
        self._by_wallet: Counter[WalletAddress] = Counter()

    def __len__(self) -> int:
        return self._by_wallet.total()

    def take(self, wallet: WalletAddress) -> bool:
        """Count one more stream; False: over a cap, not counted."""
        if len(self) >= self._streams_max or self._by_wallet[wallet] >= self._per_wallet_max:
            return False
        self._by_wallet[wallet] += 1
        return True

    def give_back(self, wallet: WalletAddress) -> None:
        """One of them is gone."""
        self._by_wallet[wallet] -= 1
        if self._by_wallet[wallet] <= 0:
            del self._by_wallet[wallet]


class Quota:
    """One payer's share.

    Args:
        counts: of all payers.
        wallet: this one's.
    """

    def __init__(self, counts: StreamCounts, wallet: WalletAddress) -> None:
        self._counts, self.wallet = counts, wallet

    def take(self) -> bool:
        """Count one more stream; False: refuse it."""
        return self._counts.take(self.wallet)

    def give_back(self) -> None:
        """One of them is gone."""
        self._counts.give_back(self.wallet)


class NoQuota:
    """The share of a payer who is refused: none.

    Args:
        wallet: whose.
    """

    def __init__(self, wallet: WalletAddress) -> None:
        self.wallet = wallet

    def take(self) -> bool:
        """Refuse every stream."""
        return False

    def give_back(self) -> None:
        """None was taken."""

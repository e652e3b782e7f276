"""What the accountant asks of a chain, whoever answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from masq_accountant.settlement import Market, Sight, Transfer
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.units import Wei

__all__ = ["ChainPort", "ServerState", "TransferPage"]


@dataclass(frozen=True, slots=True)
class ServerState:
    """How one RPC server is.

    Args:
        name: its host and port; the rest of its URL may be a secret.
        head: the newest block that it knows; None: it does not answer.
        trouble: what is wrong with it; "" when nothing is.
    """

    name: str
    head: int | None
    trouble: str


@dataclass(frozen=True, slots=True)
class TransferPage:
    """Transfers of a stretch of blocks.

    Args:
        transfers: in the order of the chain.
        last: the last block that was read.
        is_all: whether no deep enough block is left to read.
    """

    transfers: tuple[Transfer, ...]
    last: int
    is_all: bool


class ChainPort(Protocol):
    """A chain.

    Every method may raise `ChainUnavailable` (nobody answers), `ServersDisagree` (they tell
    different stories) or `ChainRefused` (they answer, and say no).
    """

    @property
    def failures(self) -> Mapping[str, int]:
        """How many questions failed, by server."""
        ...

    async def check(self) -> Sequence[ServerState]:
        """Ask every server how it is."""
        ...

    async def balances(self, wallet: WalletAddress) -> tuple[Wei, int]:
        """Return wei of MASQ, and wei of the chain's own coin."""
        ...

    async def market(self) -> Market:
        """Return what gas costs now."""
        ...

    async def nonce(self, wallet: WalletAddress) -> int:
        """Return the next nonce, waiting transactions that a server knows included."""
        ...

    async def gas(self, payer: WalletAddress, to: WalletAddress, amount: Wei) -> int:
        """Return how much gas a transfer needs."""
        ...

    async def send(self, raw: bytes) -> None:
        """Offer a signed transaction; one that is known already is no error."""
        ...

    async def sight(self, wallet: WalletAddress, hashes: Sequence[bytes]) -> Sight:
        """Return what the chain shows of a payment, as enough servers agree."""
        ...

    async def safe_head(self) -> int:
        """Return the newest block that is deep enough on enough servers."""
        ...

    async def transfers(self, to: WalletAddress, first: int) -> TransferPage:
        """Return the next transfers to a wallet from a block on, as enough servers agree."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...

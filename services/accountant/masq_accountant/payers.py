"""Which of our consuming wallets pays which creditor: always the same one.

Whoever carries for us sees the wallet that pays it. With one wallet for everything all relays of a
route can tell that they serve the same payer; with several, each creditor is given one by chance
and keeps it, because what it is owed, what it was told and what it is paid must have one name.
"""

from collections.abc import Iterable

from masq_accountant.ledger import Account, Fault, Kind
from masq_accountant.store import Ledger
from masq_accountant.store.drawer import Drawer
from masq_accountant.store.tables import PAYERS
from masq_accountant.wallets import Wallets
from masq_kernel.entropy import Entropy
from masq_kernel.identity.keys import WalletAddress

__all__ = ["Payers"]

_NOBODY = WalletAddress(bytes(20))
"""Pays where no consuming wallet is set: nobody has its key."""


class Payers:
    """Knows who pays whom.

    Args:
        ledger: beside whose books it is kept; who is owed something there already is paid by the
            first wallet, which was the only one once.
        wallets: ours.
        entropy: chooses.
    """

    def __init__(self, ledger: Ledger, wallets: Wallets, entropy: Entropy) -> None:
        self._ledger, self._entropy = ledger, entropy
        self._payers = wallets.payers
        self._drawer: Drawer[WalletAddress] = Drawer(
            ledger.roll(PAYERS), ledger.keys.vault, lambda payer: payer.raw, WalletAddress
        )
        self._chosen: dict[WalletAddress, WalletAddress] = {}

    async def load(self) -> Fault | None:
        """Read what was chosen; return what is wrong with that."""
        kept, fault = await self._drawer.load()
        self._chosen = {WalletAddress(name): payer for name, payer in kept.items()}
        return fault

    def of(self, creditor: WalletAddress) -> WalletAddress:
        """Return who pays this earning wallet; who it would be, as long as nobody has."""
        return self._chosen.get(creditor, self._payers[0] if self._payers else _NOBODY)

    async def choose(self, creditors: Iterable[WalletAddress]) -> None:
        """Choose for those that have no payer yet, and keep that before anything is signed."""
        if len(self._payers) <= 1 or self._ledger.fault is not None:
            return
        standings = self._ledger.standings()
        fresh = {
            creditor: self._payers[self._entropy.below(len(self._payers))]
            for creditor in creditors
            if creditor not in self._chosen and Account(Kind.PAYABLE, creditor) not in standings
        }
        if fresh:
            await self._drawer.save({each.raw: payer for each, payer in fresh.items()})
            self._chosen.update(fresh)

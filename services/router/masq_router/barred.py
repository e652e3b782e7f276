"""Wallets that the accountant has us refuse, each with the reason its payer hears. Pure.

    accountant --bucket--> learn   from then on the gate refuses new sessions
                           take_new   now and then: whose live sessions must end

Newly refused wallets are collected, because many can be told at once and each look at all live
sessions costs the same for one wallet as for a thousand.
"""

from collections.abc import Mapping

from masq_kernel.bus.messages.accountant import WalletRefused
from masq_kernel.errors import MalformedError
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.units import Wei
from masq_router.wire.frames import TeardownReason

__all__ = ["BarredWallets"]

_REASONS = {
    "banned": TeardownReason.REFUSED_BANNED,
    "credit": TeardownReason.REFUSED_CREDIT,
}


class BarredWallets:
    """Who is refused as far as this router knows; what was known stays when the bus is away."""

    def __init__(self) -> None:
        self.reasons: dict[WalletAddress, TeardownReason] = {}
        self.owed_min: dict[WalletAddress, Wei] = {}
        self._new: set[WalletAddress] = set()

    def learn(self, kept: Mapping[str, WalletRefused | None], *, is_whole: bool) -> None:
        """Take what the bus keeps.

        Args:
            kept: by wallet address in hexadecimal; None: it is served again.
            is_whole: these are all there are.
        """
        told = {wallet: kept[key] for key in kept if (wallet := _wallet(key)) is not None}
        if is_whole:
            for wallet in self.reasons.keys() - told.keys():
                self._forget(wallet)
        for wallet, refused in told.items():
            if refused is None:
                self._forget(wallet)
                continue
            if wallet not in self.reasons:
                self._new.add(wallet)
            self.reasons[wallet] = _REASONS[refused.reason]
            self.owed_min.pop(wallet, None)
            if refused.owed_min:
                self.owed_min[wallet] = Wei(int(refused.owed_min))

    def _forget(self, wallet: WalletAddress) -> None:
        self.reasons.pop(wallet, None)
        self.owed_min.pop(wallet, None)

    def take_new(self) -> dict[WalletAddress, TeardownReason]:
        """Return whose sessions must end, once; those served again meanwhile are left alone."""
        new = {wallet: self.reasons[wallet] for wallet in self._new if wallet in self.reasons}
        self._new.clear()
        return new


def _wallet(key: str) -> WalletAddress | None:
    """Read a key; None: it names no wallet, and cannot concern a session."""
    try:
        return WalletAddress(bytes.fromhex(key))
    except (ValueError, MalformedError):
        return None

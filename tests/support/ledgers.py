"""Ledgers in tests: real files, sealed with keys that are always the same."""

import asyncio
from pathlib import Path

from masq_accountant.bookkeeper import Bookkeeper
from masq_accountant.notary import Notary
from masq_accountant.store import Anchor, Ledger, LedgerKeys, open_engine
from masq_accountant.store.vault import Vault
from masq_kernel.chains import chain_named
from masq_kernel.clock import ManualClock
from masq_kernel.entropy import OsEntropy
from masq_kernel.identity.keys import IdentityKey, WalletAddress

DATA_KEY = bytes(range(32))
IDENTITY = IdentityKey.from_seed(bytes(31) + b"\x09")


def make_keys():
    return LedgerKeys(Vault(DATA_KEY, OsEntropy()), IDENTITY, chain_named("dev"))


async def open_ledger(folder: Path, url=None):
    keys = make_keys()
    engine = await open_engine(url or folder / "ledger.db")
    return await Ledger.open(engine, keys, Anchor(folder / "ledger.anchor", keys.vault))


async def nobody_cares(_accounts):
    """Stands in where no bans are wanted."""


def nobody_pays(_creditor):
    """Stands in where this node owes nothing."""
    return WalletAddress(bytes(20))


def make_notary(ledger, clock=None, *, unvouchered_size=4 << 30, payer_of=nobody_pays):
    return Notary(ledger, unvouchered_size, clock or ManualClock(), payer_of)


def make_bookkeeper(
    ledger, own=(), on_booked=nobody_cares, *, notary=None, on_vouchers=nobody_cares
):
    return Bookkeeper(
        ledger,
        frozenset(own),
        ManualClock(),
        on_booked,
        notary or make_notary(ledger),
        on_vouchers,
        asyncio.Event(),
    )

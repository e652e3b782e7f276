"""A dishonest operator, who has every key of its own node and writes what it likes into its books.

The chain, the seals and the checkpoints of such books are whole: nothing but the other side's word
speaks against them.
"""

from masq_accountant.ledger import Entry
from masq_accountant.store import Anchor, Ledger, LedgerKeys, open_engine
from masq_kernel.chains import chain_named
from masq_kernel.clock import SystemClock
from masq_kernel.entropy import OsEntropy
from masq_kernel.identity.keystore import KeyStore

__all__ = ["forge"]


async def forge(folder, passphrase, entries_of):
    """Book what `entries_of(standings)` returns in the ledger of a node that is stopped."""
    entropy = OsEntropy()
    store = KeyStore.open(folder / "keystore.json", passphrase, entropy)
    keys = LedgerKeys.from_keystore(store, chain_named("dev"), entropy, may_make=False)
    engine = await open_engine(folder / "ledger.db")
    ledger = await Ledger.open(engine, keys, Anchor(folder / "ledger.anchor", keys.vault))
    assert ledger.fault is None
    entries = [
        Entry(account=account, amount=amount)
        for account, amount in entries_of(ledger.standings()).items()
    ]
    assert await ledger.book("usage:forged", entries, SystemClock().unix())
    await ledger.make_checkpoint(SystemClock().unix())
    await ledger.close()

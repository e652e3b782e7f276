"""The books on disk: sealed tables, engine, and the ledger that keeps memory and disk in step."""

from masq_accountant.store.anchor import Anchor
from masq_accountant.store.engine import is_empty, open_engine
from masq_accountant.store.keys import LedgerKeys
from masq_accountant.store.ledger import Ledger

__all__ = ["Anchor", "Ledger", "LedgerKeys", "is_empty", "open_engine"]

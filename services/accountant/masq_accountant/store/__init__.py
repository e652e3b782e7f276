"""The books on disk: tables, engine, and the ledger that keeps memory and disk in step."""

from masq_accountant.store.engine import open_engine
from masq_accountant.store.ledger import Ledger

__all__ = ["Ledger", "open_engine"]

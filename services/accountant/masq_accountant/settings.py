"""What an operator sets in the section `[accountant]`, or as `MASQ_ACCOUNTANT_*`."""

from pathlib import Path

from masq_kernel.runtime.settings import SectionSettings

__all__ = ["AccountantSettings"]


class AccountantSettings(SectionSettings):
    """The accountant process's settings.

    Args:
        ledger_file: the books; None: `ledger.db` in the node's data directory.
    """

    ledger_file: Path | None = None

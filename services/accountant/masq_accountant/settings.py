"""What an operator sets in the section `[accountant]`, or as `MASQ_ACCOUNTANT_*`."""

from pathlib import Path

from pydantic import Field

from masq_kernel.runtime.settings import SectionSettings

__all__ = ["AccountantSettings"]


class AccountantSettings(SectionSettings):
    """The accountant process's settings.

    Args:
        ledger_file: the books; None: `ledger.db` in the node's data directory.
        ledger_url: a PostgreSQL database instead, `postgresql+asyncpg://user:password@host/name`.
        scan_interval_s: how often all receivables are judged.
        reconcile_interval_s: how often all creditors are asked what we owe them; 0: never.
        unvouchered_limit_mib: what a wallet may be charged for beyond what it has owned up to, at
            the prices that it has paid so far.
    """

    ledger_file: Path | None = None
    ledger_url: str | None = Field(default=None, pattern=r"^postgresql\+asyncpg://")
    scan_interval_s: float = Field(default=60.0, ge=0.1, le=86_400)
    reconcile_interval_s: float = Field(default=3_600.0, ge=0, le=7 * 86_400)
    unvouchered_limit_mib: int = Field(default=4_096, ge=1, le=1 << 30)

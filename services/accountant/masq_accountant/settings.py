"""What an operator sets in the section `[accountant]`, or as `MASQ_ACCOUNTANT_*`."""

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from masq_kernel.chains import Chain
from masq_kernel.runtime.settings import SectionSettings

__all__ = ["AccountantSettings"]


class AccountantSettings(SectionSettings):
    """The accountant process's settings.

    Args:
        ledger_file: the books; None: `ledger.db` in the node's data directory.
        ledger_url: a PostgreSQL database instead, `postgresql+asyncpg://user:password@host/name`.
        scan_interval_s: how often all receivables are judged.
        reconcile_interval_s: how often all creditors are asked what we owe them; 0: never.
        rpc_urls: JSON-RPC servers of the chain, the preferred one first; none: the node accrues
            debts and pays nothing. They may hold keys, so they are never shown.
        rpc_quorum: how many servers must tell the same before money is booked; no more than there
            are.
        rpc_timeout_s: for one question to one server.
        rpc_first_block: where a new node begins to look for payments to it; None: at the head.
        confirmations: how many blocks make a payment final; None: what suits the chain.
        scans: whether scans begin by themselves; otherwise only by hand.
        payables_interval_s, pending_interval_s, receivables_interval_s: how often debts are paid,
            payments under way looked after, and payments to us looked for.
        gas_price_max_gwei: the most that a unit of gas may cost; debts wait while it costs more.
        stuck_after_s: how long a payment may wait for a block before more is offered.
        unvouchered_limit_mib: what a wallet may be charged for beyond what it has owned up to, at
            the prices that it has paid so far.
    """

    ledger_file: Path | None = None
    ledger_url: str | None = Field(default=None, pattern=r"^postgresql\+asyncpg://")
    scan_interval_s: float = Field(default=60.0, ge=0.1, le=86_400)
    reconcile_interval_s: float = Field(default=3_600.0, ge=0, le=7 * 86_400)
    rpc_urls: list[SecretStr] = Field(default_factory=list)
    rpc_quorum: int = Field(default=2, ge=1, le=16)
    rpc_timeout_s: float = Field(default=10.0, ge=0.1, le=300)
    rpc_first_block: int | None = Field(default=None, ge=0)
    confirmations: int | None = Field(default=None, ge=1, le=10_000)
    scans: bool = True
    payables_interval_s: float = Field(default=600.0, ge=0.1, le=7 * 86_400)
    pending_interval_s: float = Field(default=60.0, ge=0.1, le=86_400)
    receivables_interval_s: float = Field(default=120.0, ge=0.1, le=86_400)
    gas_price_max_gwei: float = Field(default=500.0, gt=0, le=1_000_000)
    stuck_after_s: int = Field(default=600, ge=1, le=86_400)
    unvouchered_limit_mib: int = Field(default=4_096, ge=1, le=1 << 30)

    @field_validator("rpc_urls")
    @classmethod
    def _are_urls(cls, urls: list[SecretStr]) -> list[SecretStr]:
        for url in urls:
            parts = urlsplit(url.get_secret_value())
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError("an RPC server is a URL such as https://example.org/v2/KEY")
        return urls

    def confirmations_on(self, chain: Chain) -> int:
        """Return how many blocks, its own included, make a transaction final."""
        return self.confirmations or chain.confirmations

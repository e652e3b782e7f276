"""What the accountant counts: read from its parts whenever somebody asks, so nothing can drift."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from masq_accountant.bookkeeper import Bookkeeper
from masq_accountant.ledger import Kind
from masq_accountant.ledger.bans import Cause
from masq_accountant.store import Ledger
from masq_accountant.warden import Warden
from masq_kernel.units import WEI_PER_MASQ

__all__ = ["AccountantCollector", "register_metrics"]


class AccountantCollector(Collector):
    """Shows the sizes of the books."""

    def __init__(self, ledger: Ledger, bookkeeper: Bookkeeper, warden: Warden) -> None:
        self._ledger, self._bookkeeper, self._warden = ledger, bookkeeper, warden

    def collect(self) -> Iterator[Metric]:
        """Return the metrics of this moment."""
        accounts = GaugeMetricFamily(
            "masq_accountant_accounts", "Accounts by book", labels=["book"]
        )
        balance = GaugeMetricFamily(
            "masq_accountant_balance_masq", "Sum of a book, in MASQ", labels=["book"]
        )
        for kind in (Kind.PAYABLE, Kind.RECEIVABLE):
            balances = [
                abs(standing.balance)
                for account, standing in self._ledger.standings().items()
                if account.kind is kind
            ]
            accounts.add_metric([kind.value], len(balances))
            balance.add_metric([kind.value], sum(balances) / WEI_PER_MASQ)
        yield accounts
        yield balance
        refused = GaugeMetricFamily(
            "masq_accountant_wallets_refused", "Wallets that are refused", labels=["cause"]
        )
        causes = Counter(self._warden.refused().values())
        for cause in Cause:
            refused.add_metric([cause.value], causes[cause])
        yield refused
        trusted = float(self._ledger.fault is None)
        yield GaugeMetricFamily(
            "masq_accountant_ledger_trusted", "1 while the books verify", value=trusted
        )
        yield _counter("scans", "Scans of the receivables", self._warden.scans)
        yield _counter("transactions", "Transactions booked", self._ledger.count)
        yield _counter("usage_repeated", "Reports told again", self._bookkeeper.repeated)
        yield _counter("usage_refused", "Reports that cannot be", self._ledger.refused)


def register_metrics(registry: CollectorRegistry, collector: AccountantCollector) -> None:
    """Show them in this process's registry."""
    registry.register(collector)


def _counter(name: str, help_text: str, value: float) -> Metric:
    return CounterMetricFamily(f"masq_accountant_{name}", help_text, value=value)

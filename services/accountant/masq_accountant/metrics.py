"""What the accountant counts: read from its parts whenever somebody asks, so nothing can drift."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from masq_accountant.bookkeeper import Bookkeeper
from masq_accountant.cashier import Cashier
from masq_accountant.ledger import Kind
from masq_accountant.ledger.bans import Cause
from masq_accountant.settlement import Phase
from masq_accountant.settlement_desk import gas_spent
from masq_accountant.store import Ledger
from masq_accountant.warden import Warden
from masq_kernel.units import WEI_PER_MASQ

__all__ = ["AccountantCollector", "register_metrics"]


class AccountantCollector(Collector):
    """Shows the sizes of the books."""

    def __init__(
        self, ledger: Ledger, bookkeeper: Bookkeeper, warden: Warden, cashier: Cashier
    ) -> None:
        self._ledger, self._bookkeeper, self._warden = ledger, bookkeeper, warden
        self._cashier = cashier

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
        yield from self._payments()
        yield _counter("usage_refused", "Reports that cannot be", self._ledger.refused)

    def _payments(self) -> Iterator[Metric]:
        """Return what is counted of payments and of the chain."""
        sums = Counter[Kind]()
        for account, standing in self._ledger.standings().items():
            if account.kind in _MOVED:
                sums[account.kind] += abs(standing.balance)
        for kind, (name, help_text) in _MOVED.items():
            yield _gauge(name, help_text, sums[kind] / WEI_PER_MASQ)
        phases = Counter(each.phase for each in self._cashier.store.payments.values())
        payments = GaugeMetricFamily(
            "masq_accountant_payments", "Payments by how far they are", labels=["phase"]
        )
        for phase in Phase:
            payments.add_metric([phase.value], phases[phase])
        yield payments
        yield _counter(
            "gas_spent_coins",
            "What payments have cost, in the chain's own coin",
            gas_spent(self._cashier.store) / WEI_PER_MASQ,
        )
        failures = CounterMetricFamily(
            "masq_accountant_rpc_failures", "Questions that failed, by server", labels=["server"]
        )
        for server, count in self._cashier.rpc_failures().items():
            failures.add_metric([server], count)
        yield failures
        scans = CounterMetricFamily(
            "masq_accountant_scan_runs", "Scans that have ended", labels=["kind"]
        )
        well = GaugeMetricFamily(
            "masq_accountant_scan_well", "1 while the last scan did all it had to", labels=["kind"]
        )
        for scan in self._cashier.scans.by_kind.values():
            scans.add_metric([scan.kind], scan.runs)
            well.add_metric([scan.kind], float(scan.failures == 0))
        yield scans
        yield well


def register_metrics(registry: CollectorRegistry, collector: AccountantCollector) -> None:
    """Show them in this process's registry."""
    registry.register(collector)


_MOVED = {
    Kind.TOKENS_SPENT: ("paid_masq", "MASQ paid to others, confirmed"),
    Kind.TOKENS_RECEIVED: ("received_masq", "MASQ that others have paid to this node"),
    Kind.IN_FLIGHTS: ("in_flight_masq", "MASQ in payments under way"),
    Kind.SUSPENSE: ("suspense_masq", "MASQ from wallets that never owed anything"),
}


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"masq_accountant_{name}", help_text, value=value)


def _counter(name: str, help_text: str, value: float) -> Metric:
    return CounterMetricFamily(f"masq_accountant_{name}", help_text, value=value)

"""One answer for all router processes of a node. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from masq_kernel.bus.messages.router import WorkerState

__all__ = ["merged_metrics", "troubles"]


def merged_metrics(texts: Iterable[str]) -> str:
    """Return Prometheus texts of several processes as one, each sample the sum of theirs."""
    registry = CollectorRegistry()
    registry.register(_Sums(texts))
    return generate_latest(registry).decode("utf-8")


def troubles(states: Sequence[WorkerState], wanted: int) -> dict[str, str]:
    """Return what is wrong with a node's processes, as dependencies of its health.

    Args:
        states: of all that run, the one that answers too.
        wanted: how many the settings name.
    """
    found = {"workers": "ok"}
    if len(states) < wanted:
        found["workers"] = f"{len(states)} of {wanted} run"
    for state in states:
        if state.trouble:
            found[f"worker {state.worker.hex()}"] = state.trouble
    return found


class _Sums(Collector):
    """Adds up what all processes count; every metric of a router is an amount."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._families: dict[str, Metric] = {}
        self._values: dict[tuple[str, str, tuple[tuple[str, str], ...]], float] = {}
        for text in texts:
            for family in text_string_to_metric_families(text):
                self._add(family)

    def collect(self) -> Iterator[Metric]:
        """Return the sums."""
        for name, known in self._families.items():
            family = Metric(name, known.documentation, known.type)
            for (owner, sample, labels), value in self._values.items():
                if owner == name:
                    family.add_sample(sample, dict(labels), value)
            yield family

    def _add(self, family: Metric) -> None:
        self._families.setdefault(family.name, family)
        for sample in family.samples:
            key = family.name, sample.name, tuple(sorted(sample.labels.items()))
            self._values[key] = self._values.get(key, 0.0) + sample.value

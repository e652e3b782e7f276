"""What the router counts: read from its parts whenever somebody asks, so nothing can drift."""

import asyncio
from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from masq_router.exit.side import ExitSide
from masq_router.lifecycle import LiveSessions
from masq_router.mesh import Mesh
from masq_router.origin.refusals import Refusals
from masq_router.origin.side import OriginSide
from masq_router.relay.setups import SetupCounts

__all__ = ["RouterCollector", "register_metrics"]


class RouterCollector(Collector):
    """Shows the router's tables and counts."""

    def __init__(
        self,
        *,
        mesh: Mesh,
        live: LiveSessions,
        setups: SetupCounts,
        exit_side: ExitSide,
        origin: OriginSide,
        refusals: Refusals,
    ) -> None:
        self._mesh, self._live, self._setups = mesh, live, setups
        self._exit_side, self._origin, self._refusals = exit_side, origin, refusals

    def collect(self) -> Iterator[Metric]:
        """Return the metrics of this moment."""
        yield _gauge("tasks", "Tasks of this process's event loop", len(asyncio.all_tasks()))
        yield _gauge("links", "Proven links", len(self._mesh.pool))
        yield _gauge("sessions", "Live route sessions", len(self._live.table))
        yield _gauge("circuits", "Round trips of our own clients", self._origin.circuit_count)
        yield _gauge(
            "client_streams",
            "Streams of our own clients, their UDP sockets included",
            self._origin.stream_count,
        )
        yield _gauge(
            "exit_streams",
            "Streams served as an exit, UDP flows included",
            self._exit_side.stream_count,
        )
        yield _gauge(
            "detached_associations",
            "Associations at this exit that have lost their route",
            self._exit_side.associations.detached_count,
        )
        yield _gauge(
            "queued_bytes",
            "Bytes that wait for congested links",
            sum(link.egress.queued_size for link in self._mesh.pool),
        )
        yield _gauge(
            "exit_held_bytes",
            "Bytes in memory for streams served as an exit",
            self._exit_side.associations.held_size,
        )
        yield _gauge(
            "window_growth_bytes",
            "What stream windows have grown by",
            self._origin.memory.budget.used + self._exit_side.memory.budget.used,
        )
        yield self._setup_outcomes()
        yield _counts(
            "circuits_changed", "Our circuits by change of route", self._origin.healer.outcomes
        )
        yield _counts(
            "associations",
            "ATTACHs at this exit by what became of them",
            self._exit_side.associations.outcomes,
        )
        yield _counter(
            "resent_bytes", "Sent again after a change of route", self._origin.resent_size
        )
        yield _counts("clients_refused", "Clients turned away, by reason", self._refusals.counts)
        yield _counter(
            "sessions_broken", "Sessions that broke the rules", self._mesh.broken_sessions
        )
        yield _counter("sessions_shed", "Sessions torn down for overload", self._mesh.shed_sessions)
        cover = self._mesh.cover
        yield _counter("padding_sent_bytes", "Cover traffic sent", cover.sent)
        yield _counter("padding_received_bytes", "Cover traffic received", cover.received)
        refused = self._mesh.refused_connections
        yield _counter("connections_refused", "Connections not let in", refused)

    def _setup_outcomes(self) -> Metric:
        family = CounterMetricFamily(
            "masq_router_setups", "SETUPs by what became of them", labels=["outcome"]
        )
        family.add_metric(["accepted"], self._setups.accepted)
        family.add_metric(["unreadable"], self._setups.unreadable)
        family.add_metric(["replayed"], self._setups.replayed)
        for reason, count in self._setups.refused.items():
            family.add_metric([reason], count)
        return family


def _counts(name: str, help_text: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(f"masq_router_{name}", help_text, labels=["outcome"])
    for outcome, count in counts.items():
        family.add_metric([outcome], count)
    return family


def register_metrics(registry: CollectorRegistry, collector: RouterCollector) -> None:
    """Show them in this process's registry."""
    registry.register(collector)


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"masq_router_{name}", help_text, value=value)


def _counter(name: str, help_text: str, value: float) -> Metric:
    return CounterMetricFamily(f"masq_router_{name}", help_text, value=value)

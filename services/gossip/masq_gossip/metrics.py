"""What gossip counts: read from the core whenever somebody asks, so nothing can drift."""

from prometheus_client import CollectorRegistry, Gauge

from masq_gossip.rules.neighborhood import Neighborhood

__all__ = ["register_metrics"]


def register_metrics(registry: CollectorRegistry, neighborhood: Neighborhood) -> None:
    """Show the sizes of the neighborhood in this process's registry."""
    state = neighborhood.state

    def full() -> float:
        return sum(1 for peer in state.peers.neighbors() if peer.is_full)

    def gauge(name: str, help_text: str) -> Gauge:
        return Gauge(f"masq_gossip_{name}", help_text, registry=registry)

    gauge("neighbors", "Nodes our record lists").set_function(lambda: len(state.peers.neighbors()))
    gauge("full_neighbors", "Neighbors that list us too").set_function(full)
    gauge("links", "Open links, neighbors or not").set_function(lambda: len(state.peers.all()))
    gauge("records", "Records held").set_function(lambda: len(state.view))
    gauge("routable", "1 while a round trip of the minimum hops exists").set_function(
        lambda: neighborhood.stage == "routable"
    )

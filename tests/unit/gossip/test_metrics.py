"""The gauges follow the core."""

from prometheus_client import CollectorRegistry

from masq_gossip.metrics import register_metrics
from masq_gossip.simulation import Mesh


def test_the_gauges_show_what_the_core_holds_now():
    mesh, registry = Mesh(count=6, seed=1), CollectorRegistry()
    register_metrics(registry, mesh.nodes[0].core)
    assert registry.get_sample_value("masq_gossip_records") == 0
    mesh.run(10.0)
    assert registry.get_sample_value("masq_gossip_records") == 6
    assert registry.get_sample_value("masq_gossip_neighbors") == mesh.degree(mesh.nodes[0])
    assert registry.get_sample_value("masq_gossip_full_neighbors") == mesh.degree(mesh.nodes[0])

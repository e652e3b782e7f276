from masq_gossip.simulation import Mesh, SimulatedNode

__all__ = ["Mesh", "SimulatedNode"]

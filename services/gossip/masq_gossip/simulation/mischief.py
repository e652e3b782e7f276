"""A random history of misfortunes for a mesh: one seed, one history. Pure.

Nodes are killed, stopped and started again, links are cut, the network is parted and joined; all
the while messages get lost, arrive twice or too late, clocks are wrong, and some nodes may lie.
Then all is mended, and the mesh must be whole again.
"""

from dataclasses import replace

from masq_gossip.simulation.liars import Lie
from masq_gossip.simulation.mesh import Mesh
from masq_gossip.simulation.network import Conditions
from masq_kernel.entropy import SeededEntropy

__all__ = ["Mischief"]

NODES = 12
STEPS = 12
MEND_S = 240.0
"""Virtual seconds within which the mesh must be whole after everything is mended."""


class Mischief:
    """One history.

    Args:
        seed: decides everything.
        liars: how many nodes lie.
    """

    def __init__(self, seed: int, *, liars: int = 0) -> None:
        self.seed = seed
        self.entropy = entropy = SeededEntropy(seed)
        conditions = Conditions(
            delay_s=0.01 + 0.1 * entropy.fraction(),
            loss=entropy.choice((0.0, 0.0, 0.02, 0.1)),
            duplicates=entropy.choice((0.0, 0.05)),
            reorder=entropy.choice((0.0, 0.0, 0.05)),
        )
        skew_max_s = entropy.choice((0, 5, 300))
        self.mesh = Mesh(count=NODES, seed=seed, conditions=conditions, skew_max_s=skew_max_s)
        for node in self.mesh.nodes[NODES - liars :]:
            self.mesh.make_liar(node, entropy.choice(tuple(Lie)))

    def run(self) -> None:
        """Let it all happen, mend it, and wait until the mesh is whole.

        Raises:
            AssertionError: something that must hold did not; the message names the seed.
        """
        self.mesh.run(10.0)
        for _ in range(STEPS):
            self._step()
            self.mesh.run(8.0 * self.entropy.fraction())
        self._mend()
        self.mesh.run_until(self.is_whole, MEND_S)

    def is_whole(self) -> bool:
        """Whether every honest node is routable and its view is the true graph of honest nodes."""
        honest = [node for node in self.mesh.nodes if not node.is_liar]
        if len(honest) < len(self.mesh.nodes):  # liars come and go, so views are never quiet
            return all(self.mesh.degree(node) >= 2 for node in honest)
        return all(node.stage == "routable" and self.mesh.is_converged(node) for node in honest)

    def _step(self) -> None:
        mesh, entropy = self.mesh, self.entropy
        alive = mesh.alive()
        dead = [node for node in mesh.nodes if not node.is_alive]
        match entropy.below(6):
            case 0 if len(alive) > NODES // 2:
                mesh.kill(entropy.choice(alive))
            case 1 if len(alive) > NODES // 2:
                mesh.stop(entropy.choice(alive))
            case 2 if dead:
                mesh.start_again(entropy.choice(dead))
            case 3:
                node = entropy.choice(alive)
                if node.links:
                    mesh.cut(node, mesh.by_id[entropy.choice(sorted(node.links))])
            case 4:
                mesh.split({node.node_id: entropy.below(2) for node in mesh.nodes})
            case _:
                mesh.split({})

    def _mend(self) -> None:
        mesh = self.mesh
        mesh.split({})
        mesh.network.conditions = replace(
            mesh.network.conditions, loss=0.0, duplicates=0.0, reorder=0.0
        )
        mesh.run(3.0)  # stops that are under way come to their end
        for node in mesh.nodes:
            if not node.is_alive:
                mesh.start_again(node)

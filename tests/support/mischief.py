"""A random history of misfortunes for a simulated mesh: one seed, one history.

Nodes are killed, stopped and started again, links are cut, the network is parted and joined; all
the while messages get lost or arrive twice, clocks are wrong, and some nodes may lie. Then all is
mended, and the mesh must be whole again.
"""

from masq_kernel.entropy import SeededEntropy
from support.mesh import Mesh

NODES = 12
STEPS = 12
MEND_S = 240.0
"""Virtual seconds within which the mesh must be whole after everything is mended."""


class Mischief:
    """One history.

    Args:
        seed: decides everything.
        liars: how many nodes change bytes of what they send.
    """

    def __init__(self, seed: int, *, liars: int = 0) -> None:
        self.seed = seed
        self.entropy = SeededEntropy(seed)
        self.mesh = Mesh(
            count=NODES,
            seed=seed,
            delay_s=0.01 + 0.1 * self.entropy.fraction(),
            loss=self.entropy.choice((0.0, 0.0, 0.02, 0.1)),
            duplicates=self.entropy.choice((0.0, 0.05)),
            skew_max_s=self.entropy.choice((0, 5, 300)),
        )
        for node in self.mesh.nodes[NODES - liars :]:
            node.is_liar = True

    def run(self) -> None:
        """Let it all happen, mend it, and wait until the mesh is whole."""
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
        self.mesh.split({})
        self.mesh.loss = 0.0
        self.mesh.run(3.0)  # stops that are under way come to their end
        for node in self.mesh.nodes:
            if not node.is_alive:
                self.mesh.start_again(node)

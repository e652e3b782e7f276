"""What a mesh of some size costs, and how fast it learns. Pure but for the virtual clock's mesh.

A study grows a mesh node by node and then asks, in this order:

    grow        do all find their neighbors and routes; what does it cost
    rest        what does a quiet hour cost
    rate        how long until a changed rate is known in the whole patch
    join        how long until a newcomer is; leave: until a node that stopped in order is forgotten
    churn       what do a tenth of the nodes that leave and as many that come do, each minute
    partition   do two halves find each other again
    lies        what do one tenth liars do

*The patch* of a node is every node within the horizon of it: those whose views should tell of it.
"""

import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from masq_gossip.messages import Debut, Introduction, Message, Pass, Standard
from masq_gossip.rules.parameters import Parameters
from masq_gossip.simulation.identities import read_record, self_of
from masq_gossip.simulation.liars import Lie
from masq_gossip.simulation.mesh import Mesh
from masq_gossip.simulation.network import Conditions
from masq_gossip.simulation.node import SimulatedNode
from masq_kernel.identity.keys import NodeId
from masq_kernel.rates import DEFAULT_RATES
from masq_kernel.units import Wei

__all__ = ["QUESTIONS", "Finding", "Study"]

LINK_DELAY_S = 0.05
"""Mean one-way delay: the links of a continent (architecture.md 6)."""

JOINS_PER_S_MAX = 50.0
SETTLE_S = 60.0
REST_S = 300.0
SAMPLES = 10
"""Changes of each kind whose spreading is measured; medians and worst are told."""

CHURN_S = 60.0
CHURN_SHARE = 0.1
PARTITION_S = 120.0
HEAL_LIMIT_S = 1200.0
LIARS_SHARE = 0.1
KNOWN_LIMIT_S = 120.0
LOOK_S = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One figure of a study: a name with its unit at the end, and the value.

    Args:
        value: None: it did not happen within the time that was given.
    """

    name: str
    value: float | None


class Study:
    """Asks one mesh after the other.

    Args:
        nodes: how many.
        seed: decides everything.
        tell: hears what is going on, in a sentence.
        conditions: of the network.
    """

    def __init__(
        self,
        nodes: int,
        seed: int,
        tell: Callable[[str], None],
        *,
        conditions: Conditions | None = None,
        parameters: Parameters | None = None,
    ) -> None:
        self.nodes, self.seed, self._tell = nodes, seed, tell
        self._conditions = conditions or Conditions(delay_s=LINK_DELAY_S)
        self._parameters = parameters or Parameters()

    def run(self, questions: Sequence[str]) -> Iterator[Finding]:
        """Yield the findings, in the order of the questions."""
        mesh: Mesh | None = None
        for question in questions:
            if question == "lies":
                mesh = None  # the honest mesh is no longer needed; two would need twice the memory
                yield from self._lies()
            else:
                if mesh is None:
                    mesh = self._grown()
                yield from QUESTIONS[question](self, mesh)

    # A mesh to ask

    def _grown(self, prepare: Callable[[Mesh], None] = lambda _: None) -> Mesh:
        gap_s = 1.0 / min(JOINS_PER_S_MAX, max(2.0, self.nodes / 100))
        mesh = Mesh(
            count=self.nodes,
            seed=self.seed,
            conditions=self._conditions,
            join_gap_s=gap_s,
            parameters=self._parameters,
            keeps_history=False,
        )
        prepare(mesh)
        end_s = self.nodes * gap_s + SETTLE_S
        while mesh.time < end_s:
            mesh.run(min(LOOK_S, end_s - mesh.time))
            self._tell(f"{len(mesh.alive())} nodes have started, {mesh.time:.0f} virtual seconds")
        return mesh

    # Questions

    def _grow(self, mesh: Mesh) -> Iterator[Finding]:
        nodes = mesh.alive()
        degrees = Counter(mesh.degree(node) for node in nodes)
        views = sorted(len(node.core.state.view) for node in nodes)
        yield Finding("grow_routable_share", _routable(nodes))
        for degree in range(6):
            yield Finding(f"grow_degree_{degree}_share", degrees[degree] / len(nodes))
        yield Finding("grow_view_mean_records", statistics.mean(views))
        yield Finding("grow_view_max_records", views[-1])
        yield Finding("grow_messages_per_node", sum(mesh.messages.values()) / len(nodes))
        yield Finding("grow_per_node_kib", mesh.bytes_sent / len(nodes) / 1024)

    def _rest(self, mesh: Mesh) -> Iterator[Finding]:
        self._tell("a quiet time")
        messages, size, began = sum(mesh.messages.values()), mesh.bytes_sent, mesh.time
        mesh.run(REST_S)
        minutes = (mesh.time - began) / 60 * len(mesh.alive())
        said = sum(mesh.messages.values()) - messages
        yield Finding("rest_messages_per_node_minute", said / minutes)
        yield Finding("rest_per_node_minute_kib", (mesh.bytes_sent - size) / minutes / 1024)

    def _rate(self, mesh: Mesh) -> Iterator[Finding]:
        def change(node: SimulatedNode) -> set[NodeId]:
            rates = replace(DEFAULT_RATES, exit_byte=Wei(DEFAULT_RATES.exit_byte + 1))
            mesh.feed(node, self_of(node.index, rates, at=mesh.now_of(node).unix))
            return {node.node_id}

        yield from self._spread(
            "rate", mesh, self._some(mesh, SAMPLES), change, partial(self._is_told, mesh)
        )

    def _join(self, mesh: Mesh) -> Iterator[Finding]:
        def settled(node: SimulatedNode) -> bool:
            is_in = mesh.degree(node) >= mesh.parameters.seek_target
            return is_in and self._is_told(mesh, node)

        def begin(node: SimulatedNode) -> set[NodeId]:
            return {node.node_id}

        newcomers = (mesh.join() for _ in range(SAMPLES))
        yield from self._spread("join", mesh, newcomers, begin, settled)

    def _leave(self, mesh: Mesh) -> Iterator[Finding]:
        patch: list[SimulatedNode] = []

        def begin(node: SimulatedNode) -> set[NodeId]:
            patch[:] = [mesh.by_id[one] for one in mesh.patch_of(node) if one != node.node_id]
            involved = {node.node_id, *mesh.edges_of(node.node_id)}
            mesh.stop(node)
            return involved

        def forgotten(node: SimulatedNode) -> bool:
            views = [one.core.state.view for one in patch if one.is_alive]
            return not any(node.node_id in view.distances() for view in views)

        yield from self._spread("leave", mesh, self._some(mesh, SAMPLES), begin, forgotten)

    def _churn(self, mesh: Mesh) -> Iterator[Finding]:
        count = int(len(mesh.alive()) * CHURN_SHARE * CHURN_S / 60)
        self._tell(f"{count} nodes leave and {count} come within {CHURN_S:.0f} s")
        shares: list[float] = []
        old = mesh.alive()
        size = mesh.bytes_sent
        for turn in range(count):
            mesh.kill(mesh.entropy.choice([one for one in old if one.is_alive]))
            mesh.join()
            mesh.run(CHURN_S / count)
            if turn % max(1, count // 30) == 0:
                shares.append(_routable([one for one in old if one.is_alive]))
        yield Finding("churn_routable_share_worst", min(shares, default=1.0))
        per_node = (mesh.bytes_sent - size) / len(mesh.alive()) / (CHURN_S / 60) / 1024
        yield Finding("churn_per_node_minute_kib", per_node)
        yield from self._mended("churn", mesh)

    def _partition(self, mesh: Mesh) -> Iterator[Finding]:
        self._tell(f"half of the nodes cannot reach the other half for {PARTITION_S:.0f} s")
        mesh.split({node.node_id: mesh.entropy.below(2) for node in mesh.nodes})
        mesh.run(PARTITION_S)
        yield Finding("partition_routable_share", _routable(mesh.alive()))
        mesh.split({})
        yield from self._mended("partition", mesh)

    def _lies(self) -> Iterator[Finding]:
        def prepare(mesh: Mesh) -> None:
            for node in mesh.nodes:
                if node.index >= 10 and mesh.entropy.fraction() < LIARS_SHARE:
                    mesh.make_liar(node, mesh.entropy.choice(tuple(Lie)))

        self._tell("a mesh in which one node in ten lies")
        mesh = self._grown(prepare)
        honest = [node for node in mesh.alive() if not node.is_liar]
        banned = {ban.node_id for node in honest for ban in node.core.state.misconduct.all()}
        garblers = [one for one in mesh.nodes if one.liar and one.liar.lie is Lie.GARBLE]
        caught = sum(one.node_id in banned for one in garblers)
        yield Finding("lies_honest_routable_share", _routable(honest))
        yield Finding("lies_honest_banned", sum(not mesh.by_id[one].is_liar for one in banned))
        yield Finding("lies_garblers_banned_share", caught / max(1, len(garblers)))

    # Measuring

    def _some(self, mesh: Mesh, count: int) -> list[SimulatedNode]:
        alive = [node for node in mesh.alive() if node.stage == "routable"]
        return [alive[mesh.entropy.below(len(alive))] for _ in range(min(count, len(alive)))]

    def _spread(
        self,
        kind: str,
        mesh: Mesh,
        nodes: Iterator[SimulatedNode] | list[SimulatedNode],
        begin: Callable[[SimulatedNode], set[NodeId]],
        is_known: Callable[[SimulatedNode], bool],
    ) -> Iterator[Finding]:
        """Measure, one change after the other, how long it takes to be known and what it costs."""
        self._tell(f"how a {kind} spreads")
        took: list[float] = []
        messages: list[float] = []
        sizes: list[float] = []
        for node in nodes:
            if not node.is_alive and node.stage != "starting":
                continue
            began, tally = mesh.time, _Tally()
            patch = len(mesh.patch_of(node))
            tally.of = begin(node)
            mesh.watcher = tally
            known_at = mesh.timeline.wait_for(partial(is_known, node), KNOWN_LIMIT_S)
            took.append((known_at if known_at is not None else float("inf")) - began)
            mesh.run(2.0)  # what is still said of it
            mesh.watcher = None
            patch = max(patch, len(mesh.patch_of(node)))  # a leaver had one, a newcomer has one now
            messages.append(tally.messages / patch)
            sizes.append(tally.size / patch / 1024)
        yield Finding(f"{kind}_known_s", _finite(statistics.median(took)))
        yield Finding(f"{kind}_known_worst_s", _finite(max(took)))
        yield Finding(f"{kind}_messages_per_node", statistics.median(messages))
        yield Finding(f"{kind}_per_node_kib", statistics.median(sizes))

    def _is_told(self, mesh: Mesh, node: SimulatedNode) -> bool:
        """Say whether the whole patch holds the newest record of a node."""
        signed = node.core.state.own.signed
        if signed is None or node.core.state.own.wants_publishing(
            node.core.state.edges(), mesh.time
        ):
            return False
        patch = mesh.patch_of(node)
        held = (mesh.by_id[one].core.state.view.signed(node.node_id) for one in patch)
        return all(one is not None and one.version >= signed.version for one in held)

    def _mended(self, kind: str, mesh: Mesh) -> Iterator[Finding]:
        """Wait until the mesh is one, everybody has routes and every view is true."""
        began = mesh.time
        limit = began + HEAL_LIMIT_S
        joined_s = whole_s = float("inf")
        while mesh.time < limit:
            alive = mesh.alive()
            if joined_s == float("inf") and _islands(mesh) == 1:
                joined_s = mesh.time - began
            quiet = sum(mesh.is_converged(node) for node in alive)
            self._tell(f"{quiet} of {len(alive)} views are true after {mesh.time - began:.0f} s")
            if joined_s < float("inf") and quiet == len(alive):
                whole_s = mesh.time - began
                break
            mesh.run(LOOK_S)
        yield Finding(f"{kind}_one_mesh_again_s", _finite(joined_s))
        yield Finding(f"{kind}_all_views_true_s", _finite(whole_s))
        yield Finding(f"{kind}_routable_share_after", _routable(mesh.alive()))


class _Tally:
    """Counts what is said about certain nodes."""

    def __init__(self) -> None:
        self.of: set[NodeId] = set()
        self.messages = 0
        self.size = 0

    def __call__(self, node: SimulatedNode, message: Message, size: int) -> None:
        match message:
            case Standard(records):
                about = [raw for raw in records if read_record(raw).node_id in self.of]
                self.messages += bool(about)
                self.size += sum(len(raw) for raw in about)
            case Debut() | Introduction() | Pass():
                if node.node_id in self.of:
                    self.messages += 1
                    self.size += size
            case _:
                pass


def _finite(seconds: float) -> float | None:
    return seconds if seconds < float("inf") else None


def _routable(nodes: list[SimulatedNode]) -> float:
    return sum(node.stage == "routable" for node in nodes) / max(1, len(nodes))


def _islands(mesh: Mesh) -> int:
    """Return how many parts the mesh has that no chain of links joins."""
    unseen = {node.node_id for node in mesh.alive()}
    parts = 0
    while unseen:
        parts += 1
        edge = {unseen.pop()}
        while edge:
            edge = {other for one in edge for other in mesh.edges_of(one)} & unseen
            unseen -= edge
    return parts


QUESTIONS: dict[str, Callable[[Study, Mesh], Iterator[Finding]]] = {
    "grow": Study._grow,
    "rest": Study._rest,
    "rate": Study._rate,
    "join": Study._join,
    "leave": Study._leave,
    "churn": Study._churn,
    "partition": Study._partition,
    "lies": lambda study, _: study._lies(),
}
"""What can be asked, in the order in which it makes sense."""

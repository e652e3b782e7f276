"""Whole gossip cores on one virtual clock and one played network. Pure.

The mesh stands in for the routers: it opens and closes links, delivers messages as the network
allows, and tells of a dead node's links after the link timeout. After every event of a node what
must hold is checked (checks.py).
"""

from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import assert_never

from masq_gossip.messages import Message, message_to_bytes
from masq_gossip.rules.events import (
    CloseLink,
    Command,
    Dial,
    DialFailed,
    Endpoint,
    Event,
    LinkClosed,
    LinkOpened,
    MoveStage,
    Now,
    PayloadArrived,
    Remember,
    Send,
    Stopping,
    Tick,
)
from masq_gossip.rules.neighborhood import Neighborhood
from masq_gossip.rules.parameters import Parameters
from masq_gossip.rules.routing import RouteWish
from masq_gossip.rules.state import Origin
from masq_gossip.simulation.checks import Checks
from masq_gossip.simulation.identities import (
    CHAIN,
    START,
    endpoint_of,
    key_of,
    read_record,
    self_of,
)
from masq_gossip.simulation.liars import Liar, Lie
from masq_gossip.simulation.network import Conditions, Network
from masq_gossip.simulation.node import SimulatedNode
from masq_gossip.simulation.timeline import Timeline
from masq_kernel.entropy import SeededEntropy
from masq_kernel.identity.keys import IdentityKey, NodeId
from masq_kernel.units import UnixSeconds

__all__ = ["Mesh"]

Watcher = Callable[[SimulatedNode, Message, int], None]
"""Told of each message with its size in bytes, when it is sent."""


class Mesh:
    """Nodes that find each other.

    Args:
        count: nodes to begin with.
        seed: decides everything that is left to chance.
        conditions: of the network; the default is a good one.
        start_spread_s: the first nodes start at random within so many seconds.
        join_gap_s: instead of that, one after another with this gap; each knows two earlier ones.
        parameters: of every node.
        skew_max_s: each node's wall clock is wrong by up to so much, either way.
        keeps_history: whether everything said is noted in `history`.
    """

    def __init__(
        self,
        *,
        count: int,
        seed: int,
        conditions: Conditions | None = None,
        start_spread_s: float = 0.5,
        join_gap_s: float | None = None,
        parameters: Parameters | None = None,
        skew_max_s: int = 0,
        keeps_history: bool = True,
    ) -> None:
        self.seed, self.entropy = seed, SeededEntropy(seed)
        self.parameters = parameters or Parameters()
        self.timeline = Timeline()
        self.network = Network(self.timeline, self.entropy, conditions or Conditions())
        self.nodes: list[SimulatedNode] = []
        self.by_id: dict[NodeId, SimulatedNode] = {}
        self.checks = Checks(self.by_id, self.parameters, f"seed {seed}")
        self.history: list[tuple[object, ...]] = []
        self.messages: Counter[str] = Counter()
        self.bytes_sent = 0
        self._links_made = 0
        self.watcher: Watcher | None = None
        self._skew_max_s, self._keeps_history = skew_max_s, keeps_history
        for index in range(count):
            if join_gap_s is None:
                known = [0] if index else []
                start_in_s = self.entropy.fraction() * start_spread_s
            else:
                known, start_in_s = self._some_of(index), index * join_gap_s
            self.join(known=known, start_in_s=start_in_s)

    # Running

    @property
    def time(self) -> float:
        """Virtual seconds since the beginning."""
        return self.timeline.time

    def run(self, seconds: float) -> None:
        """Let virtual time pass."""
        self.timeline.run(seconds)

    def run_until(self, condition: Callable[[], bool], limit_s: float) -> float:
        """Let time pass until the condition holds and return when.

        Raises:
            AssertionError: it did not hold within the limit; the message names the seed.
        """
        at = self.timeline.wait_for(condition, limit_s)
        assert at is not None, f"seed {self.seed}: not within {limit_s} s"
        return at

    def converge(self, limit_s: float = 60.0) -> float:
        """Wait until every view is the true graph and stays so for half a second; return when."""
        self.run(10.0)
        while True:
            at = self.run_until(self.is_quiet, limit_s)
            self.run(0.5)
            if self.is_quiet():
                return at

    # What may happen

    def join(self, *, known: Iterable[int] | None = None, start_in_s: float = 0.0) -> SimulatedNode:
        """Add a node that knows the descriptors of these nodes; None: of two living ones."""
        index = len(self.nodes)
        if known is None:
            known = sorted({self.entropy.choice(self.alive()).index for _ in range(2)})
        key = key_of(index)
        descriptors = tuple(self.nodes[one].endpoint for one in known)
        endpoint = endpoint_of(index)
        core = self._core(index, key, endpoint, boot=1, descriptors=descriptors, past=())
        node = SimulatedNode(index, key, endpoint, core)
        node.known.update(one.node_id for one in descriptors)
        if self._skew_max_s:
            node.skew_s = self.entropy.below(2 * self._skew_max_s) - self._skew_max_s
        self.nodes.append(node)
        self.by_id[key.node_id] = node
        self.timeline.later(start_in_s, partial(self._start, node))
        return node

    def kill(self, node: SimulatedNode) -> None:
        """End a process without a word; the others' routers notice after the link timeout."""
        node.is_alive = False
        for peer_id, link in node.links.items():
            cut = partial(self._cut, self.by_id[peer_id], node, link)
            self.timeline.later(self._link_timeout_s, cut)
        node.links.clear()

    def stop(self, node: SimulatedNode) -> None:
        """End a process in order."""
        self.feed(node, Stopping())
        self.timeline.later(2 * self.network.conditions.delay_s, lambda: self.kill(node))

    def start_again(self, node: SimulatedNode) -> None:
        """Start a dead node under the same key, with what it remembered."""
        origin, remembered = node.core.state.origin, node.remembered
        node.core = self._core(
            node.index,
            node.key,
            node.endpoint,
            boot=node.core.state.own.boot + 1,
            descriptors=origin.descriptors,
            past=remembered.neighbors if remembered else (),
        )
        node.versions_seen = {}  # it has forgotten what it saw
        self._start(node)

    def cut(self, one: SimulatedNode, other: SimulatedNode) -> None:
        """Cut the link between two nodes."""
        link = one.links.get(other.node_id, 0)
        self._cut(one, other, link)
        self._cut(other, one, link)

    def split(self, islands: dict[NodeId, int]) -> None:
        """Part the network; an empty dictionary joins it again."""
        self.network.part(islands)
        for node in self.alive():
            for peer_id, link in node.links.items():
                if not self.network.can_reach(node.node_id, peer_id):
                    cut = partial(self._cut, node, self.by_id[peer_id], link)
                    self.timeline.later(self._link_timeout_s, cut)

    def make_liar(self, node: SimulatedNode, lie: Lie) -> None:
        """Let a node lie from now on."""
        entropy = SeededEntropy(self.seed * 7_919 + node.index)
        node.liar = Liar(lie, node.key, entropy, [one.node_id for one in self.nodes])

    def feed(self, node: SimulatedNode, event: Event) -> None:
        """Give one event to a node and carry out what it wants."""
        if not node.is_alive:
            return
        for command in node.core.handle(event, self.now_of(node)):
            self._obey(node, command)
        self.checks.after_event(node)
        self._schedule(node)

    # Questions

    def now_of(self, node: SimulatedNode) -> Now:
        """Return the time as this node's clocks show it."""
        return Now(UnixSeconds(START + int(self.time) + node.skew_s), self.time)

    def alive(self) -> list[SimulatedNode]:
        """Return the nodes that run."""
        return [node for node in self.nodes if node.is_alive]

    def degree(self, node: SimulatedNode) -> int:
        """Return how many neighbors a node has."""
        return len(node.core.state.edges())

    def graph(self) -> dict[NodeId, tuple[NodeId, ...]]:
        """Return the true graph: what each living node would publish now."""
        return {node.node_id: node.core.state.edges() for node in self.alive()}

    def patch_of(self, node: SimulatedNode) -> set[NodeId]:
        """Return the living nodes that are truly within a node's horizon."""
        near, edge = {node.node_id}, {node.node_id}
        for _ in range(self.parameters.horizon):
            edge = {other for one in edge for other in self.edges_of(one)} - near
            near |= edge
        return {one for one in near if self.by_id[one].is_alive}

    def edges_of(self, node_id: NodeId) -> tuple[NodeId, ...]:
        """Return the neighbors a node would publish now; none for a dead one."""
        node = self.by_id[node_id]
        return node.core.state.edges() if node.is_alive else ()

    def is_converged(self, node: SimulatedNode) -> bool:
        """Say whether the node's view equals the true graph within its horizon."""
        held = {record.node_id: record.neighbors for record in node.core.state.view.records()}
        near = self.patch_of(node)
        return held.keys() == near and all(held[one] == self.edges_of(one) for one in near)

    def is_quiet(self) -> bool:
        """Say whether every living node's view is the true graph."""
        return all(self.is_converged(node) for node in self.alive())

    def has_route(self, node: SimulatedNode) -> bool:
        """Say whether the node finds a round trip."""
        wish = RouteWish(hops=self.parameters.hops_min)
        return node.core.find_route(wish, self.now_of(node)) is not None

    # The played routers

    @property
    def _link_timeout_s(self) -> float:
        return self.network.conditions.link_timeout_s

    def _some_of(self, index: int) -> list[int]:
        return sorted({self.entropy.below(index) for _ in range(2)}) if index else []

    def _start(self, node: SimulatedNode) -> None:
        node.is_alive = True
        self.feed(node, self_of(node.index, at=self.now_of(node).unix))

    def _core(
        self,
        index: int,
        key: IdentityKey,
        endpoint: Endpoint,
        *,
        boot: int,
        descriptors: tuple[Endpoint, ...],
        past: tuple[Endpoint, ...],
    ) -> Neighborhood:
        origin = Origin(
            identity=key,
            chain=CHAIN,
            boot=boot,
            address=endpoint,
            descriptors=descriptors,
            past=past,
        )
        entropy = SeededEntropy(self.seed * 1_000_003 + index)
        return Neighborhood(origin, self.parameters, entropy, read_record)

    def _obey(self, node: SimulatedNode, command: Command) -> None:
        match command:
            case Dial(endpoint):
                self.timeline.later(self.network.delay(), lambda: self._dial(node, endpoint))
            case Send(peer, message):
                self._send(node, self.by_id[peer], message)
            case CloseLink(peer, reason):
                self._close(node, self.by_id[peer], reason)
            case MoveStage(stage, reason):
                self._note(node, "stage", None, stage, reason)
                node.stages.append((self.time, stage))
            case Remember():
                node.remembered = command
            case _:
                assert_never(command)

    def _dial(self, node: SimulatedNode, endpoint: Endpoint) -> None:
        other = self.by_id[endpoint.node_id]
        is_there = other.is_alive and other.endpoint.address == endpoint.address
        is_up = is_there and other.core.state.own.content is not None
        if not is_up or not node.is_alive or not self._can_reach(node, other):
            self.feed(node, DialFailed(endpoint.node_id))
        elif endpoint.node_id not in node.links:
            self._links_made += 1
            node.links[other.node_id] = other.links[node.node_id] = self._links_made
            self.feed(node, LinkOpened(other.node_id, endpoint.address, inbound=False))
            self.feed(other, LinkOpened(node.node_id, node.endpoint.address, inbound=True))

    def _send(self, node: SimulatedNode, other: SimulatedNode, message: Message) -> None:
        self.checks.on_send(node, other, message)
        payload = node.liar.say(message) if node.liar else message_to_bytes(message)
        if payload is None:
            return
        self._note(node, "send", other.index, type(message).__name__, len(payload))
        self.messages[type(message).__name__] += 1
        self.bytes_sent += len(payload)
        if self.watcher is not None:
            self.watcher(node, message, len(payload))
        if other.node_id in node.links:
            arrive = partial(self._arrive, node, other, payload)
            self.network.carry(node.node_id, other.node_id, arrive)

    def _arrive(self, node: SimulatedNode, other: SimulatedNode, payload: bytes) -> None:
        if node.node_id in other.links and self._can_reach(node, other):
            self.feed(other, PayloadArrived(node.node_id, node.endpoint.address, payload))

    def _close(self, node: SimulatedNode, other: SimulatedNode, reason: str) -> None:
        self._note(node, "close", other.index, reason)
        link = node.links.pop(other.node_id, None)
        if link is not None:
            cut = partial(self._cut, other, node, link)
            self.network.in_order(node.node_id, other.node_id, cut)
        closed = LinkClosed(other.node_id)
        self.timeline.later(0.001, lambda: self.feed(node, closed))

    def _cut(self, node: SimulatedNode, other: SimulatedNode, link: int) -> None:
        """End one link at one end; a newer one between the two stays."""
        if node.links.get(other.node_id) == link:
            del node.links[other.node_id]
            self.feed(node, LinkClosed(other.node_id))

    def _can_reach(self, node: SimulatedNode, other: SimulatedNode) -> bool:
        return self.network.can_reach(node.node_id, other.node_id)

    def _schedule(self, node: SimulatedNode) -> None:
        node.generation += 1
        wait = max(0.001, node.core.next_wake_up(self.now_of(node)) - self.time)
        self.timeline.later(wait, partial(self._wake, node, node.generation))

    def _wake(self, node: SimulatedNode, generation: int) -> None:
        if node.generation == generation:
            self.feed(node, Tick())

    def _note(self, node: SimulatedNode, *what: object) -> None:
        if self._keeps_history:
            self.history.append((round(self.time, 6), node.index, *what))

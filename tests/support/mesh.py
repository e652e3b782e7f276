"""Whole gossip cores on one virtual clock and one fake network: one seed, one history.

The network stands in for the routers: it opens and closes links, keeps the order of messages on a
link, delays them, and tells of a dead node's links after the link timeout. After every event of a
node `check` looks at what must hold at all times.
"""

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from masq_gossip.messages import message_to_bytes
from masq_gossip.record import MAX_DEGREE, SignedRecord
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
from masq_kernel.entropy import SeededEntropy
from masq_kernel.identity.keys import IdentityKey, NodeId
from support.gossip_builders import CHAIN, START, endpoint_of, make_self

POLL_S = 0.05
"""Virtual seconds between two looks at a condition."""


@dataclass
class SimulatedNode:
    index: int
    key: IdentityKey
    endpoint: Endpoint
    core: Neighborhood
    is_alive: bool = True
    links: dict[NodeId, bool] = field(default_factory=dict)  # peer: inbound
    stages: list[tuple[float, str]] = field(default_factory=list)
    versions_seen: dict[NodeId, int] = field(default_factory=dict)
    remembered: Remember | None = None
    generation: int = 0
    is_liar: bool = False
    skew_s: int = 0

    @property
    def node_id(self) -> NodeId:
        return self.key.node_id

    @property
    def stage(self) -> str:
        return self.core.stage


class Mesh:
    """Nodes with one descriptor, that of node 0, starting within `start_spread_s`."""

    def __init__(
        self,
        *,
        count: int,
        seed: int,
        delay_s: float = 0.02,
        start_spread_s: float = 0.5,
        link_timeout_s: float = 1.0,
        parameters: Parameters | None = None,
        loss: float = 0.0,
        duplicates: float = 0.0,
        skew_max_s: int = 0,
    ) -> None:
        self.entropy = SeededEntropy(seed)
        self.loss, self.duplicates, self.skew_max_s = loss, duplicates, skew_max_s
        self.islands: dict[NodeId, int] = {}  # nodes of different islands cannot reach each other
        self.seed, self.delay_s, self.link_timeout_s = seed, delay_s, link_timeout_s
        self.parameters = parameters or Parameters()
        self.time = 0.0
        self.history: list[tuple] = []
        self.messages: Counter[str] = Counter()
        self.bytes_sent = 0
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._sequence = 0
        self._order: dict[tuple[NodeId, NodeId], float] = {}
        self.nodes: list[SimulatedNode] = []
        self.by_id: dict[NodeId, SimulatedNode] = {}
        for index in range(count):
            self._add(index, start_at=self.entropy.fraction() * start_spread_s)

    # Running

    def run(self, seconds: float) -> None:
        """Let virtual time pass."""
        end = self.time + seconds
        while self._queue and self._queue[0][0] <= end:
            self.time, _, action = heapq.heappop(self._queue)
            action()
        self.time = end

    def run_until(self, condition: Callable[[], bool], limit_s: float) -> float:
        """Let time pass until the condition holds; return when, or fail with the seed."""
        end = self.time + limit_s
        while not condition():
            assert self.time <= end, f"seed {self.seed}: not within {limit_s} s"
            self.run(POLL_S)
        return self.time

    def kill(self, node: SimulatedNode) -> None:
        """End a process without a word; the others' routers notice after the link timeout."""
        node.is_alive = False
        for peer_id in list(node.links):
            other = self.by_id[peer_id]
            node.links.pop(peer_id)
            self._later(self.link_timeout_s, lambda other=other: self._cut(other, node))

    def stop(self, node: SimulatedNode) -> None:
        """End a process in order."""
        self.feed(node, Stopping())
        self._later(2 * self.delay_s, lambda: self.kill(node))

    def cut(self, one: SimulatedNode, other: SimulatedNode) -> None:
        """Cut the link between two nodes."""
        self._cut(one, other)
        self._cut(other, one)

    def start_again(self, node: SimulatedNode) -> None:
        """Start a killed node under the same key, with what it remembered."""
        past = node.remembered.neighbors if node.remembered else ()
        boot = (node.core.state.own.boot) + 1
        node.core = self._core(node.index, node.key, node.endpoint, boot=boot, past=past)
        node.is_alive, node.versions_seen = True, {}  # it has forgotten what it saw
        self.feed(node, make_self(node.index))

    def split(self, islands: dict[NodeId, int]) -> None:
        """Part the network; an empty dictionary joins it again."""
        self.islands = islands
        for node in self.alive():
            for peer_id in list(node.links):
                other = self.by_id[peer_id]
                if not self._can_reach(node, other):
                    self._later(self.link_timeout_s, lambda a=node, b=other: self._cut(a, b))

    def _can_reach(self, node: SimulatedNode, other: SimulatedNode) -> bool:
        return self.islands.get(node.node_id) == self.islands.get(other.node_id)

    def feed(self, node: SimulatedNode, event: Event) -> None:
        """Give one event to a node and carry out what it wants."""
        if not node.is_alive:
            return
        for command in node.core.handle(event, self.now_of(node)):
            self._obey(node, command)
        self.check(node)
        self._schedule(node)

    def now(self) -> Now:
        return Now(START + int(self.time), self.time)

    def now_of(self, node: SimulatedNode) -> Now:
        """Return the time as this node's clock shows it."""
        return Now(START + int(self.time) + node.skew_s, self.time)

    # Questions

    def alive(self) -> list[SimulatedNode]:
        return [node for node in self.nodes if node.is_alive]

    def degree(self, node: SimulatedNode) -> int:
        return len(node.core.state.edges())

    def graph(self) -> dict[NodeId, tuple[NodeId, ...]]:
        """Return the true graph: what each living node would publish now."""
        return {node.node_id: node.core.state.edges() for node in self.alive()}

    def is_converged(self, node: SimulatedNode) -> bool:
        """Say whether the node's view equals the true graph within its horizon."""
        graph = self.graph()
        near = _within(graph, node.node_id, self.parameters.horizon)
        held = {record.node_id: record.neighbors for record in node.core.state.view.records()}
        return held == {node_id: graph[node_id] for node_id in near}

    def has_route(self, node: SimulatedNode) -> bool:
        wish = RouteWish(hops=self.parameters.hops_min)
        return node.core.find_route(wish, self.now_of(node)) is not None

    def check(self, node: SimulatedNode) -> None:
        """Check what must hold after every event."""
        state = node.core.state
        assert len(state.edges()) <= MAX_DEGREE, f"seed {self.seed}"
        accused = [other for other in self.nodes if state.misconduct.of(other.node_id)]
        assert node.is_liar or all(other.is_liar for other in accused), (
            f"seed {self.seed}: an honest node was accused"
        )
        for record in state.view.records():
            before = node.versions_seen.get(record.node_id, -1)
            assert record.version >= before, f"seed {self.seed}: a version went back"
            node.versions_seen[record.node_id] = record.version

    # The network

    def _add(self, index: int, *, start_at: float) -> None:
        key = _key(index)
        endpoint = endpoint_of(key.node_id, f"127.0.{1 + index // 250}.{1 + index % 250}")
        core = self._core(index, key, endpoint, boot=1, past=())
        node = SimulatedNode(index, key, endpoint, core)
        if self.skew_max_s:
            node.skew_s = self.entropy.below(2 * self.skew_max_s) - self.skew_max_s
        self.nodes.append(node)
        self.by_id[key.node_id] = node
        self._later(start_at, lambda: self.feed(node, make_self(index)))

    def _core(
        self, index: int, key: IdentityKey, endpoint: Endpoint, *, boot: int, past: tuple
    ) -> Neighborhood:
        origin = Origin(
            identity=key,
            chain=CHAIN,
            boot=boot,
            address=endpoint,
            descriptors=(self.nodes[0].endpoint,) if index else (),
            past=past,
        )
        entropy = SeededEntropy(self.seed * 1_000 + index)
        return Neighborhood(origin, self.parameters, entropy, _read)

    def _obey(self, node: SimulatedNode, command: Command) -> None:
        match command:
            case Dial(endpoint):
                self._later(self._delay(), lambda: self._dial(node, endpoint))
            case Send(peer, message):
                payload = message_to_bytes(message)
                self._note(node, "send", peer, type(message).__name__, len(payload))
                self.messages[type(message).__name__] += 1
                self.bytes_sent += len(payload)
                if peer in node.links:
                    self._carry(node, self.by_id[peer], payload)
            case CloseLink(peer, reason):
                self._note(node, "close", peer, reason)
                other = self.by_id[peer]
                if node.links.pop(peer, None) is not None:
                    self._in_order(node, other, lambda: self._cut(other, node))
                self._later(0.001, lambda: self.feed(node, LinkClosed(peer)))
            case MoveStage(stage, reason):
                self._note(node, "stage", None, stage, reason)
                node.stages.append((self.time, stage))
            case Remember():
                node.remembered = command

    def _dial(self, node: SimulatedNode, endpoint: Endpoint) -> None:
        other = self.by_id[endpoint.node_id]
        is_up = other.is_alive and other.core.state.own.content is not None
        if not is_up or not node.is_alive or not self._can_reach(node, other):
            self.feed(node, DialFailed(endpoint.node_id))
        elif endpoint.node_id not in node.links:
            node.links[other.node_id], other.links[node.node_id] = False, True
            self.feed(node, LinkOpened(other.node_id, endpoint.address, inbound=False))
            self.feed(other, LinkOpened(node.node_id, node.endpoint.address, inbound=True))

    def _carry(self, node: SimulatedNode, other: SimulatedNode, payload: bytes) -> None:
        said = self._lie(payload) if node.is_liar else payload

        def arrive() -> None:
            if node.node_id in other.links and self._can_reach(node, other):
                event = PayloadArrived(node.node_id, node.endpoint.address, said)
                self.feed(other, event)

        if self.loss and self.entropy.fraction() < self.loss:
            return
        self._in_order(node, other, arrive)
        if self.duplicates and self.entropy.fraction() < self.duplicates:
            self._in_order(node, other, arrive)

    def _lie(self, payload: bytes) -> bytes:
        """Change one byte, one time in three."""
        if not payload or self.entropy.below(3):
            return payload
        at = self.entropy.below(len(payload))
        changed = payload[at] ^ (1 + self.entropy.below(255))
        return payload[:at] + bytes([changed]) + payload[at + 1 :]

    def _cut(self, node: SimulatedNode, other: SimulatedNode) -> None:
        if node.links.pop(other.node_id, None) is not None:
            self.feed(node, LinkClosed(other.node_id))

    def _in_order(
        self, node: SimulatedNode, other: SimulatedNode, action: Callable[[], None]
    ) -> None:
        key = (node.node_id, other.node_id)
        at = max(self._order.get(key, 0.0), self.time + self._delay())
        self._order[key] = at
        self._later(at - self.time, action)

    def _delay(self) -> float:
        return self.delay_s * (0.5 + self.entropy.fraction())

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self._sequence += 1
        heapq.heappush(self._queue, (self.time + seconds, self._sequence, action))

    def _schedule(self, node: SimulatedNode) -> None:
        node.generation += 1
        generation = node.generation
        wait = max(0.001, node.core.next_wake_up(self.now_of(node)) - self.time)

        def wake() -> None:
            if node.generation == generation:
                self.feed(node, Tick())

        self._later(wait, wake)

    def _note(self, node: SimulatedNode, *what: object) -> None:
        self.history.append((round(self.time, 6), node.index, *what))


@cache
def _key(index: int) -> IdentityKey:
    return IdentityKey.generate(SeededEntropy(1_000 + index))


@cache
def _read(raw: bytes) -> SignedRecord:
    return SignedRecord.from_bytes(raw, CHAIN)


def _within(graph: dict[NodeId, tuple[NodeId, ...]], start: NodeId, horizon: int) -> set[NodeId]:
    near, edge = {start}, {start}
    for _ in range(horizon):
        edge = {one for node_id in edge for one in graph.get(node_id, ())} - near
        near |= edge
    return near & set(graph)

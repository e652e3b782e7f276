"""Find neighbors: whom to dial next, when to try again; and name the stage we have reached. Pure.

Candidates come from descriptors (never forgotten), past neighbors, and introductions and passes
(forgotten when they fail: there will be others). A candidate that is being tried counts against the
number wanted, so that a node does not end up with more neighbors than it looked for.
"""

from dataclasses import dataclass
from enum import IntEnum

from masq_gossip.messages import TRIED_MAX, FailureReason
from masq_gossip.rules.budget import Budget
from masq_gossip.rules.events import Endpoint
from masq_gossip.rules.parameters import Parameters
from masq_gossip.rules.peers import Peers
from masq_gossip.rules.view import View
from masq_kernel.addresses import site_of
from masq_kernel.bus.messages.gossip import Stage
from masq_kernel.entropy import Entropy
from masq_kernel.identity.keys import NodeId

__all__ = ["CANDIDATES_MAX", "Seeker", "stage_of"]

CANDIDATES_MAX = 48
"""Told candidates beyond this replace the oldest told one."""

BRIDGING = 4
"""Nodes of a patch that try, in each interval, to reach nodes that the patch does not see."""


class _Source(IntEnum):
    """Where we know a candidate from; the fresher the knowledge, the earlier it is tried."""

    TOLD = 0
    PAST = 1
    DESCRIPTOR = 2


_REFUSALS = {
    FailureReason.FULL: "it has no room, and nobody to pass us to",
    FailureReason.ADDRESS_TAKEN: "another node has our IP address, and there is one node for each",
    FailureReason.ADDRESS_MISMATCH: "our link comes from another address than the one we state; "
    "`masq address` shows ours and changes it",
    FailureReason.NO_INTRODUCTION: "it has nobody to introduce",
    FailureReason.NOT_NEEDED: "it has neighbors enough",
    FailureReason.HALF_LINK: "our records did not list each other in time",
    FailureReason.DISPLACED: "another node needed the place more",
    FailureReason.MISCONDUCT: "it has banned us",
    FailureReason.NOT_SERVING: "it takes no neighbors now",
}
"""What a refusal means, for the operator of the node that was refused."""


@dataclass(slots=True)
class _Candidate:
    """A node to try.

    Args:
        endpoint: where.
        places: where a descriptor says it is, and where it was our neighbor; after a failure they
            are tried in turn. What others say is tried once: nobody can lead us away from a node.
    """

    endpoint: Endpoint
    source: _Source
    due: float
    passes: int = 0
    failures: int = 0
    trying_since: float | None = None  # None: not being tried
    came_alone: bool = False  # a neighbor that had dialled us: no proof that it is not hostile
    is_bridge: bool = False  # tried to join two parts of the mesh, not for want of neighbors
    places: tuple[Endpoint, ...] = ()

    def turn(self) -> None:
        """After a failure try the next place."""
        if self.endpoint in self.places:
            at = self.places.index(self.endpoint) + 1
            self.endpoint = self.places[at % len(self.places)]
        elif self.places:
            self.endpoint = self.places[-1]

    def was_at(self, endpoint: Endpoint) -> None:
        """Note where it was our neighbor."""
        described = self.places[:1] if self.source is _Source.DESCRIPTOR else ()
        self.places = described if endpoint in described else (*described, endpoint)
        self.endpoint = endpoint


class Seeker:
    """Keeps the candidates and their back-off.

    Args:
        descriptors: what the operator configured, in order.
        past: neighbors of the last run.
    """

    def __init__(
        self,
        parameters: Parameters,
        entropy: Entropy,
        *,
        descriptors: tuple[Endpoint, ...],
        past: tuple[Endpoint, ...],
    ) -> None:
        self._parameters, self._entropy = parameters, entropy
        self._candidates: dict[NodeId, _Candidate] = {}
        self._tried: dict[NodeId, tuple[float, str]] = {}  # when, and at which site
        self._told = Budget(burst=parameters.told_max, refill_s=parameters.told_refill_s, now=0.0)
        self._ask_due, self._ask_failures = 0.0, 0
        self._bridged_at = 0.0
        self._bridge_jitter = 0.75 + 0.5 * entropy.fraction()
        for endpoint in past[:CANDIDATES_MAX]:
            self._candidates[endpoint.node_id] = _Candidate(
                endpoint, _Source.PAST, 0.0, places=(endpoint,)
            )
        for endpoint in descriptors:
            self._candidates[endpoint.node_id] = _Candidate(
                endpoint, _Source.DESCRIPTOR, 0.0, places=(endpoint,)
            )

    @property
    def has_candidates(self) -> bool:
        """Whether there is anybody to dial."""
        return bool(self._candidates)

    def known(self) -> set[NodeId]:
        """Return the nodes whose address we know without being linked with them."""
        return set(self._candidates)

    def hopes(self, linked: Peers) -> int:
        """Return how many candidates of our own choice are not our neighbors."""
        return sum(
            1
            for node_id, one in self._candidates.items()
            if not one.came_alone
            and ((peer := linked.get(node_id)) is None or not peer.is_neighbor)
        )

    def came_alone(self, node_id: NodeId) -> bool:
        """Say whether we know this node only because it has dialled us."""
        candidate = self._candidates.get(node_id)
        return candidate is None or candidate.came_alone

    def trying(self) -> int:
        """Return how many candidates are being dialled or debuted to."""
        return sum(1 for one in self._candidates.values() if one.trying_since is not None)

    def is_trying(self, node_id: NodeId) -> bool:
        """Say whether we asked for a link to this node in order to debut."""
        candidate = self._candidates.get(node_id)
        return candidate is not None and candidate.trying_since is not None

    def is_bridging(self, node_id: NodeId) -> bool:
        """Say whether this node is being tried in order to join two parts of the mesh."""
        candidate = self._candidates.get(node_id)
        return candidate is not None and candidate.is_bridge

    def bridge_due(self, view: View) -> float:
        """Return the monotonic time of the next try to join two parts of the mesh.

        When the mesh goes on beyond our horizon, a node that we do not see is probably just there,
        so the nodes of a patch take turns: some BRIDGING of them try in each interval. Where a try
        was passed on, it goes on at once.
        """
        if any(one.is_bridge and one.trying_since is None for one in self._candidates.values()):
            return self._bridged_at
        wait, longest = self._parameters.bridge_interval_s, self._parameters.bridge_far_interval_s
        if not view.is_whole:
            wait = min(longest, wait * max(1.0, len(view.distances()) / BRIDGING))
        return self._bridged_at + wait * self._bridge_jitter

    def pick_bridge(self, linked: Peers, view: View, now: float) -> Endpoint | None:
        """Return a candidate that is not seen in our part of the mesh, when it is time to try one.

        Args:
            linked: who has a link with us.
            view: shows the nodes of our part.
            now: monotonic seconds.
        """
        unseen = [one for one in self._idle(linked) if not view.sees(one.endpoint.node_id)]
        led_to = [one for one in unseen if one.is_bridge and one.due <= now]
        if not led_to and now < self.bridge_due(view):
            return None
        self._bridged_at, self._bridge_jitter = now, 0.75 + 0.5 * self._entropy.fraction()
        if not led_to and not unseen:
            return None
        chosen = led_to[0] if led_to else self._entropy.choice(unseen)
        chosen.trying_since, chosen.is_bridge = now, True
        return chosen.endpoint

    def tell(self, endpoint: Endpoint, *, passes: int, now: float, is_bridge: bool = False) -> None:
        """Learn of a node by introduction (0 passes) or at the end of so many passes.

        Whoever tells may be making up NodeIds at an address that never asked for us: so an address
        is tried once in a while only, and all of them together are limited.
        """
        if passes > self._parameters.passes_max or endpoint.node_id in self.tried(now):
            return
        if self._is_busy(endpoint) or not self._told.take(now):
            return
        known = self._candidates.get(endpoint.node_id)
        if known is None:
            self._make_room()
            self._candidates[endpoint.node_id] = _Candidate(
                endpoint, _Source.TOLD, now, passes=passes, is_bridge=is_bridge
            )
        elif known.trying_since is None:
            known.endpoint, known.passes, known.due = endpoint, passes, now
            known.is_bridge = is_bridge

    def remember(self, endpoint: Endpoint, now: float, *, came_alone: bool = False) -> None:
        """Keep a neighbor that was lost, to be dialled again soon, where it was last."""
        due = now + self._wait(0)
        known = self._candidates.get(endpoint.node_id)
        if known is None:
            self._make_room()
            known = _Candidate(endpoint, _Source.PAST, due, came_alone=came_alone)
            self._candidates[endpoint.node_id] = known
        known.source = max(known.source, _Source.PAST)
        known.due = max(known.due, due)
        known.was_at(endpoint)

    def passes_of(self, node_id: NodeId) -> int:
        """Return how many passes led to this candidate."""
        candidate = self._candidates.get(node_id)
        return candidate.passes if candidate else 0

    def pick(self, count: int, linked: Peers, now: float) -> list[Endpoint]:
        """Return up to `count` candidates to dial now; they are being tried from here on."""
        ready = [one for one in self._idle(linked) if one.due <= now]
        ready.sort(key=lambda one: (one.source, one.failures, one.due))
        picked = ready[: max(0, count)]
        for candidate in picked:
            candidate.trying_since = now
        return [candidate.endpoint for candidate in picked]

    def overdue(self, linked: Peers, now: float) -> list[NodeId]:
        """Return the candidates whose dial has gone unanswered for too long."""
        latest = now - self._parameters.dial_timeout_s
        return [
            node_id
            for node_id, one in self._candidates.items()
            if one.trying_since is not None and one.trying_since <= latest and node_id not in linked
        ]

    def failed(self, node_id: NodeId, now: float) -> None:
        """Note that dial or debut came to nothing."""
        candidate = self._candidates.get(node_id)
        if candidate is None or candidate.trying_since is None:
            return
        self._note_tried(candidate.endpoint, now)
        if candidate.source is _Source.TOLD:
            del self._candidates[node_id]
            return
        candidate.trying_since, candidate.is_bridge = None, False
        candidate.turn()
        candidate.due = now + self._wait(candidate.failures)
        candidate.failures += 1

    def released(self, node_id: NodeId, now: float) -> None:
        """Note that a candidate being tried is not needed now."""
        candidate = self._candidates.get(node_id)
        if candidate is not None:
            candidate.trying_since, candidate.due = None, now + self._wait(0)
            candidate.is_bridge = False

    def succeeded(self, node_id: NodeId, now: float) -> None:
        """Note that a node has become our neighbor."""
        self._tried.pop(node_id, None)
        candidate = self._candidates.get(node_id)
        if candidate is not None:
            candidate.trying_since, candidate.failures = None, 0
            candidate.is_bridge = False
            candidate.due, candidate.passes = now + self._wait(0), 0
        self.hope(now)

    def tried(self, now: float) -> tuple[NodeId, ...]:
        """Return the nodes that lately could not take us."""
        horizon = now - self._parameters.tried_for_s
        self._tried = {one: tried for one, tried in self._tried.items() if tried[0] > horizon}
        return tuple(self._tried)[-TRIED_MAX:]

    def may_ask(self, linked: Peers, now: float) -> bool:
        """Say whether it is time to ask a neighbor for an introduction."""
        return now >= self._ask_due and not any(one.due <= now for one in self._idle(linked))

    def asked(self, now: float) -> None:
        """Note that a neighbor was asked; the next time waits longer."""
        self._ask_due = now + self._wait(self._ask_failures)
        self._ask_failures += 1

    def hope(self, now: float) -> None:
        """Ask sooner again: the neighborhood has changed."""
        self._ask_failures = 0
        self._ask_due = min(self._ask_due, now + self._wait(0))

    def next_due(self, linked: Peers, *, may_ask: bool) -> float | None:
        """Return the monotonic time of the next thing to try; None: nothing will ever come."""
        times = [one.due for one in self._idle(linked)]
        times += [
            one.trying_since + self._parameters.dial_timeout_s
            for node_id, one in self._candidates.items()
            if one.trying_since is not None and node_id not in linked
        ]
        if may_ask:
            times.append(self._ask_due)
        return min(times, default=None)

    def _idle(self, linked: Peers) -> list[_Candidate]:
        return [
            one
            for node_id, one in self._candidates.items()
            if one.trying_since is None and node_id not in linked
        ]

    def _wait(self, failures: int) -> float:
        """Return the back-off after so many failures, plus or minus a quarter."""
        first, longest = self._parameters.retry_first_s, self._parameters.retry_max_s
        wait = min(longest, first * 2.0 ** min(failures, 32))
        return wait * (0.75 + 0.5 * self._entropy.fraction())

    def _is_busy(self, endpoint: Endpoint) -> bool:
        """Say whether the site of this address was tried lately, or will be, under another name."""
        site = site_of(endpoint.address)
        if any(site == tried for _, tried in self._tried.values()):
            return True
        return any(
            site == site_of(one.endpoint.address)
            for node_id, one in self._candidates.items()
            if node_id != endpoint.node_id
            and (one.source is _Source.TOLD or one.trying_since is not None)
        )

    def _note_tried(self, endpoint: Endpoint, now: float) -> None:
        self._tried.pop(endpoint.node_id, None)
        self._tried[endpoint.node_id] = now, site_of(endpoint.address)
        while len(self._tried) > TRIED_MAX:
            del self._tried[next(iter(self._tried))]

    def _make_room(self) -> None:
        forgettable = [
            node_id
            for node_id, one in self._candidates.items()
            if one.source is not _Source.DESCRIPTOR and one.trying_since is None
        ]
        if len(forgettable) >= CANDIDATES_MAX:
            del self._candidates[forgettable[0]]


def stage_of(
    *,
    neighbors: int,
    full: int,
    links: int,
    can_dial: bool,
    hops_min: int,
    has_route: bool,
    exits: str = "",
    refusal: FailureReason | None = None,
) -> tuple[Stage, str]:
    """Return the connection stage and the sentence that explains it to an operator.

    `exits` says " to an exit in ..." where the operator insists on countries; `refusal` is how the
    last node that answered refused us: one more that is being asked is no progress then.
    """
    if has_route:
        return "routable", f"round trips of {hops_min} hops exist"
    if full:
        return (
            "connected",
            f"{full} full neighbors, but no round trip of {hops_min} hops{exits} yet",
        )
    if neighbors or (links and refusal is None):
        return "seeking", "a node answered, but none lists us as its neighbor yet"
    if can_dial and refusal is not None:
        return "alone", f"a node answered and refused us: {_REFUSALS[refusal]}"
    if can_dial:
        return "alone", "no descriptor has answered"
    return "alone", "no descriptor is configured and nobody has called"

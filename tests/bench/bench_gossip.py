"""What the neighborhood costs: route search on a large view, and the largest patch a node may have.

Both are timed on this machine. What whole meshes cost is counted on virtual time: bench_meshes.py.
"""

import time
import tracemalloc
from functools import partial

from bench.figures import Figure, report
from masq_gossip.messages import Standard, message_to_bytes
from masq_gossip.record import SignedRecord
from masq_gossip.rules.events import LinkOpened, Now, PayloadArrived, Tick
from masq_gossip.rules.neighborhood import Neighborhood
from masq_gossip.rules.parameters import Parameters
from masq_gossip.rules.producer import standard_messages
from masq_gossip.rules.reputation import Reputation
from masq_gossip.rules.routing import RouteFinder, RouteWish
from masq_gossip.rules.state import Origin
from masq_gossip.rules.view import View
from masq_kernel.entropy import OsEntropy, SeededEntropy
from support.gossip_builders import CHAIN, START, endpoint_of, make_key, make_self, sign_record
from support.gossip_stage import debut_of

SEED = 1
RECORDS = 10_000
SEARCHES = 1_000
GOAL_MS = 2.0

PATCH_RECORDS = 4_000
CHANGES_PER_S = 10.0
"""Of a patch of this size, when every node changes something each seven minutes."""
PATCH_S = 60


def circles(count, entropy):
    """Return `count` keys and the neighbors of each: two random circles, four neighbors each."""
    keys = [make_key(10_000 + number) for number in range(count)]
    neighbors = [set() for _ in keys]
    for _ in range(2):
        circle = sorted(range(count), key=lambda _: entropy.fraction())
        for one, other in zip(circle, circle[1:] + circle[:1], strict=True):
            neighbors[one].add(keys[other].node_id)
            neighbors[other].add(keys[one].node_id)
    return keys, [sorted(listed) for listed in neighbors]


def route_search():
    entropy = SeededEntropy(SEED)
    keys, neighbors = circles(RECORDS, entropy)
    parameters = Parameters(view_records_max=2 * RECORDS, unreached_max=2 * RECORDS)
    view = View(keys[0].node_id, parameters, partial(SignedRecord.from_bytes, chain=CHAIN))
    for key, listed in zip(keys, neighbors, strict=True):
        view.offer(sign_record(key, neighbors=listed), Now(START, 0.0))
    finder = RouteFinder(keys[0].node_id, view, Reputation(), OsEntropy())
    for hops, name in ((3, "route_search_p99_ms"), (6, "route_search_6_hops_p99_ms")):
        took, found = [], 0
        for _ in range(SEARCHES):
            began = time.perf_counter()
            found += finder.find(RouteWish(hops=hops), Now(START, 0.0)) is not None
            took.append((time.perf_counter() - began) * 1000)
        took.sort()
        p99 = took[int(len(took) * 0.99)]
        assert found == SEARCHES, f"{found} of {SEARCHES} found with {hops} hops"
        yield Figure(name, p99, "ms", GOAL_MS, GOAL_MS / p99)


class LargestPatch:
    """One core with six hops, so with a horizon of seven links, among thousands of nodes."""

    def __init__(self):
        self.entropy = SeededEntropy(SEED)
        self.keys, self.neighbors = circles(PATCH_RECORDS, self.entropy)
        self.own = self.keys[0]
        self.at, self.turn = 0.0, 0
        origin = Origin(
            identity=self.own,
            chain=CHAIN,
            boot=1,
            address=endpoint_of(self.own.node_id, "10.0.0.1"),
            descriptors=(),
        )
        self.core = Neighborhood(origin, Parameters(hops_min=6), self.entropy)
        self.feed(make_self())

    def feed(self, event):
        return self.core.handle(event, Now(START + int(self.at), self.at))

    def wait(self, seconds):
        end = self.at + seconds
        while (wake := self.core.next_wake_up(Now(START + int(self.at), self.at))) <= end:
            self.at = max(wake, self.at + 0.001)
            self.feed(Tick())
        self.at = end

    def hear(self, key, message):
        payload = message_to_bytes(message)
        self.feed(PayloadArrived(key.node_id, self.address_of(key), payload))

    def address_of(self, key):
        return f"10.1.{self.keys.index(key) // 250}.{1 + self.keys.index(key) % 250}"

    def join(self):
        """Become the neighbor of those who list it, and hear of everybody."""
        listing = [key for key in self.keys if key.node_id in self.neighbors[0]]
        for key in listing:
            self.feed(LinkOpened(key.node_id, self.address_of(key), inbound=True))
            self.hear(key, debut_of(key, address=self.address_of(key)))
            self.wait(1.0)
        raws = [self.record_of(number).raw for number in self.nearest_first()]
        for message in standard_messages(raws, None):
            self.hear(listing[0], message)
            self.wait(0.2)
        return listing[0]

    def nearest_first(self):
        number_of = {key.node_id: number for number, key in enumerate(self.keys)}
        order = [0]
        for number in order:
            near = (number_of[one] for one in self.neighbors[number])
            order += [one for one in near if one not in order]  # four thousand: quick enough
        return order[1:]

    def record_of(self, number):
        self.turn += 1
        version = (8 << 32) + self.turn
        return sign_record(self.keys[number], version=version, neighbors=self.neighbors[number])

    def changes(self):
        """Return a minute of records that are new, signed beforehand: that is others' work."""
        count = int(PATCH_S * CHANGES_PER_S)
        return [self.record_of(1 + self.entropy.below(PATCH_RECORDS - 1)) for _ in range(count)]


def largest_patch():
    tracemalloc.start()
    patch = LargestPatch()
    before, _ = tracemalloc.get_traced_memory()
    teller = patch.join()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    held = len(patch.core.state.view)
    mib = (after - before) / (1 << 20)
    changes = patch.changes()
    began = time.process_time()
    for signed in changes:
        patch.hear(teller, Standard((signed.raw,)))
        patch.wait(1.0 / CHANGES_PER_S)
    per_s = (time.process_time() - began) / PATCH_S * 1000
    print(f"largest patch: {held} records, {CHANGES_PER_S:.0f} of them change each second")
    yield Figure("gossip_largest_patch_records", held, "records", 4096, 4096 / held)
    yield Figure("gossip_largest_patch_mib", mib, "MiB", 300.0, 300.0 / mib)
    yield Figure("gossip_largest_patch_cpu_ms_per_s", per_s, "ms", 1000.0, 1000.0 / per_s)


if __name__ == "__main__":
    report("gossip", [*route_search(), *largest_patch()], seed=SEED)

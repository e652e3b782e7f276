"""What the neighborhood costs: route search on a large view, and gossip per node as meshes grow.

Route search is timed on this machine; everything else is counted in simulation, on virtual time, so
it is the same on every machine.
"""

import statistics
import time
from functools import partial

from bench.figures import Figure, report
from masq_gossip.record import SignedRecord
from masq_gossip.rules.events import Now
from masq_gossip.rules.parameters import Parameters
from masq_gossip.rules.reputation import Reputation
from masq_gossip.rules.routing import RouteFinder, RouteWish
from masq_gossip.rules.view import View
from masq_kernel.entropy import OsEntropy, SeededEntropy
from support.gossip_builders import CHAIN, START, make_key, sign_record
from support.mesh import Mesh

SEED = 1
RECORDS = 10_000
SEARCHES = 1_000
GOAL_MS = 2.0
SIZES = (50, 100, 200)
STEADY_S = 300.0


def large_view(entropy):
    """A view of RECORDS nodes that stand in two random circles: four neighbors each."""
    keys = [make_key(10_000 + number) for number in range(RECORDS)]
    neighbors = [set() for _ in keys]
    for _ in range(2):
        circle = sorted(range(RECORDS), key=lambda _: entropy.fraction())
        for one, other in zip(circle, circle[1:] + circle[:1], strict=True):
            neighbors[one].add(keys[other].node_id)
            neighbors[other].add(keys[one].node_id)
    parameters = Parameters(view_records_max=2 * RECORDS, unreached_max=2 * RECORDS)
    view = View(keys[0].node_id, parameters, partial(SignedRecord.from_bytes, chain=CHAIN))
    for key, listed in zip(keys, neighbors, strict=True):
        view.offer(sign_record(key, neighbors=sorted(listed)), Now(START, 0.0))
    return view, keys[0].node_id


def route_search():
    entropy = SeededEntropy(SEED)
    view, own = large_view(entropy)
    finder = RouteFinder(own, view, Reputation(), OsEntropy())
    for hops in (3, 6):
        took, found = [], 0
        for _ in range(SEARCHES):
            began = time.perf_counter()
            found += finder.find(RouteWish(hops=hops), Now(START, 0.0)) is not None
            took.append((time.perf_counter() - began) * 1000)
        took.sort()
        p99 = took[int(len(took) * 0.99)]
        assert found == SEARCHES, f"{found} of {SEARCHES} found with {hops} hops"
        yield Figure(f"route_search_p99_ms, {hops} hops", p99, "ms", GOAL_MS, GOAL_MS / p99)


def gossip_cost():
    """Bytes and messages per node and minute at rest, beside those of the smallest mesh."""
    smallest = None
    for count in SIZES:
        mesh = Mesh(count=count, seed=SEED, start_spread_s=count / 5)
        mesh.run(120.0 + count / 2)
        before, sent = mesh.bytes_sent, sum(mesh.messages.values())
        mesh.run(STEADY_S)
        minutes = STEADY_S / 60
        per_node = (mesh.bytes_sent - before) / count / minutes / 1024
        messages = (sum(mesh.messages.values()) - sent) / count / minutes
        routable = sum(node.stage == "routable" for node in mesh.nodes)
        degree = statistics.mean(mesh.degree(node) for node in mesh.nodes)
        records = max(len(node.core.state.view) for node in mesh.nodes)
        print(
            f"{count} nodes: {routable} routable, mean degree {degree:.2f}, "
            f"largest view {records} records, {messages:.1f} messages per node and minute",
            flush=True,
        )
        smallest = smallest or per_node
        yield Figure(
            f"gossip_kib_per_node_minute_{count}", per_node, "KiB", smallest, smallest / per_node
        )


if __name__ == "__main__":
    report("gossip", [*route_search(), *gossip_cost()], seed=SEED)

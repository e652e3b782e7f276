"""Six gossip shells, each on its own bus with its own router, in real time."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from masq_gossip.handlers import Handlers, serve
from masq_gossip.mover import Mover
from masq_gossip.preference_file import PreferenceFile
from masq_gossip.rules.neighborhood import Neighborhood
from masq_gossip.rules.parameters import Parameters
from masq_gossip.rules.state import Origin
from masq_gossip.shell import Shell
from masq_gossip.store import GossipStore
from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, Refusal
from masq_kernel.bus.memory import MemoryBroker
from masq_kernel.bus.messages.gossip import (
    ExitCountries,
    ExitCountriesRequested,
    GossipStatusRequested,
    LikingToSet,
    NeighborhoodRequested,
    NeighborsRequested,
    RouteRequested,
)
from masq_kernel.bus.messages.router import LinkClosed, RouteLost, RouteServed
from masq_kernel.bus.port import Bus
from masq_kernel.bus.subjects import Service
from masq_kernel.clock import SystemClock
from masq_kernel.entropy import SeededEntropy
from masq_kernel.rates import DEFAULT_RATES
from masq_kernel.runtime.address import AddressFile, Place
from support.gossip_builders import CHAIN, endpoint_of, make_key
from support.gossip_router import FakeRouter, Wire


@dataclass
class Running:
    shell: Shell
    core: Neighborhood
    router: FakeRouter
    api: Bus
    tasks: tuple[asyncio.Task[None], ...]
    health: dict[str, str]


async def start(number, wire, tasks, folder) -> Running:
    key, clock, broker = make_key(number), SystemClock(), MemoryBroker()
    address, first = f"127.0.1.{number}", make_key(1)
    store = GossipStore(folder / f"gossip-{number}.json")
    origin = Origin(
        identity=key,
        chain=CHAIN,
        boot=store.begin(clock.unix()).boot,
        address=endpoint_of(key.node_id, address),
        descriptors=() if number == 1 else (endpoint_of(first.node_id, "127.0.1.1"),),
    )
    core = Neighborhood(origin, Parameters(), SeededEntropy(number))
    bus = broker.connect(Service.GOSSIP)
    health: dict[str, str] = {}
    shell = Shell(
        neighborhood=core,
        bus=bus,
        clock=clock,
        store=store,
        rates=DEFAULT_RATES,
        tasks=tasks,
        report=health.__setitem__,
    )
    handlers = Handlers(
        neighborhood=core,
        clock=clock,
        rates=DEFAULT_RATES,
        put=shell.put,
        preference_file=PreferenceFile(folder / f"preferences-{number}.json"),
    )
    router = FakeRouter(wire, key.node_id, address, number)
    await shell.listen()
    mover = Mover(
        state=core.state,
        setting=Place(address, (5000,)),
        file=AddressFile(folder),
        bus=bus,
        put=shell.put,
    )
    await serve(bus, handlers, mover)
    await router.start(broker.connect(Service.ROUTER), broker.connect(Service.ACCOUNTANT))
    started = tasks.create_task(shell.run()), tasks.create_task(shell.keep_current())
    return Running(shell, core, router, broker.connect(Service.API), started, health)


@asynccontextmanager
async def running(count, folder):
    """Start the nodes with the descriptor's node last, as an unlucky operator would."""
    wire = Wire()
    async with asyncio.TaskGroup() as tasks:
        nodes = [await start(number, wire, tasks, folder) for number in range(count, 0, -1)]
        yield nodes
        for task in (task for node in nodes for task in node.tasks):
            task.cancel()


async def until(condition, limit_s: float = 5.0) -> None:
    async with asyncio.timeout(limit_s):
        while not condition():
            await asyncio.sleep(0.02)


async def test_six_nodes_join_over_their_buses_and_answer_for_it(tmp_path):
    async with running(6, tmp_path) as nodes:
        await until(lambda: sum(one.core.stage == "routable" for one in nodes) >= 4)
        node = next(one for one in nodes if one.core.stage == "routable")
        assert node.health == {"router": "ok", "accountant": "ok"}
        found = await node.api.request(subjects.ROUTE, RouteRequested())
        assert len(found.over) >= 3
        assert len(found.back) >= 2
        assert len(found.over[0].onion_key) == 1216
        status = await node.api.request(subjects.GOSSIP_STATUS, GossipStatusRequested())
        assert (status.stage, status.nodes_known) == ("routable", 6)
        await until(lambda: len(node.core.state.edges()) >= 3)
        listed = await node.api.request(subjects.NEIGHBORS, NeighborsRequested())
        assert "full" in {one.edge for one in listed.neighbors}
        assert 3 <= len(listed.neighbors) <= 5
        shown = await node.api.request(subjects.NEIGHBORHOOD, NeighborhoodRequested())
        assert [one.is_self for one in shown.nodes].count(True) == 1
        with pytest.raises(BusRefused) as refused:
            await node.api.request(subjects.ROUTE, RouteRequested(hops=7))
        assert refused.value.code is Refusal.INVALID


async def test_a_link_that_ended_by_misconduct_bans_the_peer_and_another_end_does_not(tmp_path):
    async with running(2, tmp_path) as (one, two):
        await until(lambda: one.core.stage == "connected" and two.core.stage == "connected")
        peer = two.core.state.own.node_id
        await one.shell.on_link_closed(LinkClosed(peer=peer, reason="no longer wanted"))
        await asyncio.sleep(0.2)
        assert one.core.state.misconduct.of(peer) is None
        flood = LinkClosed(peer=peer, reason="a flood of gossip", misconduct=True)
        await one.shell.on_link_closed(flood)
        await until(lambda: one.core.state.misconduct.of(peer) is not None)
        assert one.core.state.misconduct.of(peer).reason == "a flood of gossip"


async def test_a_link_whose_closing_was_never_told_is_noticed(tmp_path):
    async with running(2, tmp_path) as (one, two):
        await until(lambda: one.core.stage == "connected" and two.core.stage == "connected")
        await asyncio.sleep(2.1)
        one.router.links.clear()
        two.router.links.clear()
        await until(lambda: "alone" in (one.core.stage, two.core.stage), 6.0)
        await until(lambda: one.core.stage == "connected" and two.core.stage == "connected")


async def test_a_node_that_stops_says_farewell(tmp_path):
    async with running(2, tmp_path) as (one, two):
        await until(lambda: one.core.stage == "connected" and two.core.stage == "connected")
        await one.shell.stop()
        await until(lambda: two.core.stage == "alone", 1.0)


async def routable_node(nodes):
    await until(lambda: sum(one.core.stage == "routable" for one in nodes) >= 4)
    return next(one for one in nodes if one.core.stage == "routable")


async def seen_of(node, wanted):
    shown = await node.api.request(subjects.NEIGHBORHOOD, NeighborhoodRequested())
    return next(one for one in shown.nodes if one.node_id == wanted)


async def test_what_the_router_tells_of_routes_becomes_the_nodes_own_experience(tmp_path):
    async with running(6, tmp_path) as nodes:
        node = await routable_node(nodes)
        found = await node.api.request(subjects.ROUTE, RouteRequested())
        names = tuple(hop.node_id for hop in found.over)
        await node.router.bus.publish(
            subjects.ROUTE_SERVED, RouteServed(nodes=names, latency_s=0.4)
        )
        await node.router.bus.publish(subjects.ROUTE_LOST, RouteLost(nodes=names[:1]))
        await until(lambda: node.core.state.reputation.conduct(names[0], 0.0).lost > 0)
        first = (await seen_of(node, names[0])).experience
        assert first.success_rate < 1.0
        assert first.latency_s == pytest.approx(0.1)
        assert (await seen_of(node, names[-1])).experience.success_rate == 1.0


async def test_preferences_hold_at_once_are_kept_and_wrong_ones_change_nothing(tmp_path):
    async with running(6, tmp_path) as nodes:
        node = await routable_node(nodes)
        found = await node.api.request(subjects.ROUTE, RouteRequested())
        last = found.over[-1].node_id
        await node.api.request(subjects.SET_LIKING, LikingToSet(node_id=last, liking="never"))
        assert (await seen_of(node, last)).liking == "never"
        strict = ExitCountries(tiers=(("CH",),), is_strict=True)
        assert await node.api.request(subjects.SET_EXIT_COUNTRIES, strict) == strict
        with pytest.raises(BusRefused) as refused:
            await node.api.request(subjects.ROUTE, RouteRequested())
        assert refused.value.code is Refusal.NO_ROUTE
        await until(lambda: "to an exit in CH yet; round trips were lost" in node.core.reason)
        with pytest.raises(BusRefused) as refused:
            await node.api.request(subjects.SET_EXIT_COUNTRIES, ExitCountries(tiers=(("x",),)))
        assert refused.value.code is Refusal.INVALID
        own = LikingToSet(node_id=node.core.state.own.node_id, liking="less")
        with pytest.raises(BusRefused):
            await node.api.request(subjects.SET_LIKING, own)
        asked = await node.api.request(subjects.EXIT_COUNTRIES, ExitCountriesRequested())
        assert asked == strict
        [kept] = [
            read
            for path in tmp_path.glob("preferences-*.json")
            if (read := PreferenceFile(path).load()).tiers
        ]
        assert (kept.tiers, dict(kept.liked)) == ((("CH",),), {last: "never"})

"""Several router processes of one node (here in one process, with real links between all of them).

Which of them a connection or a route reaches is chosen by the test, so that it is the wrong one.
"""

import asyncio
from contextlib import asynccontextmanager

from prometheus_client.parser import text_string_to_metric_families

from masq_kernel.bus import subjects
from masq_kernel.bus.messages.gossip import NeighborState
from masq_kernel.bus.messages.router import GossipToSend, LinkClosed, LinkOpened
from masq_kernel.bus.subjects import Service, health, metrics
from masq_router.workers.handover import CarriedSession
from support.router_mesh import RouterMesh
from support.socks_client import socks_connect
from support.traffic import echo, fetch_pattern, pattern, send_pattern, serving

SIZE = 3_000_000


async def until(condition, timeout_s=10):
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def mesh_with_workers(folder, count, shared):
    """A mesh in which one node has two workers that know each other; the second has no proxy."""
    async with asyncio.TaskGroup() as tasks:
        mesh = await RouterMesh.start(folder, count, tasks, workers={shared: 2})
        node = mesh.nodes[shared]
        second = await node.start_worker(tasks, proxy=False)
        await until(lambda: all(router.siblings._links for router in node.workers))
        yield mesh, node.router, second
        await mesh.stop()


async def link(router, other):
    """Have this worker dial a node of one worker."""
    assert router.mesh.dial_here(other.node_id, other.address, (other.port,))
    await until(lambda: router.mesh.pool.get(other.node_id))


def carried(router):
    return [each for each in router.live.table if isinstance(each, CarriedSession)]


async def books_agree(mesh):
    """Whether what the client owes each hop is what the hop says."""
    owed, earned = {}, {}
    for entry in await mesh.client.settled_usage():
        if entry.side == "consumed":
            owed[entry.session_id] = owed.get(entry.session_id, 0) + int(entry.amount)
    for node in mesh.nodes[1:]:
        for entry in await node.settled_usage():
            earned[entry.session_id] = earned.get(entry.session_id, 0) + int(entry.amount)
    return owed == earned and sum(owed.values()) > 0


async def test_a_back_route_that_arrives_elsewhere_finds_the_process_with_the_streams(tmp_path):
    async with (
        mesh_with_workers(tmp_path, 4, shared=0) as (mesh, first, second),
        serving(send_pattern) as port,
    ):
        await link(second, mesh.nodes[3])
        await mesh.link_and_route([1, 2], [3])
        assert first.mesh.pool.get(mesh.nodes[3].node_id) is None
        content = await fetch_pattern(mesh.client.proxy_port, port, 1, SIZE)
        assert content == pattern(SIZE, 1)
        assert len(carried(second)) == 1
        assert await books_agree(mesh)
        first.origin.close()
        await until(lambda: not carried(second))


async def test_a_route_goes_on_over_the_process_that_is_linked_with_the_next_hop(tmp_path):
    async with (
        mesh_with_workers(tmp_path, 4, shared=1) as (mesh, first, second),
        serving(send_pattern) as port,
    ):
        await link(first, mesh.client)
        await link(second, mesh.nodes[2])
        await mesh.link_and_route([1, 2], [3])
        content = await fetch_pattern(mesh.client.proxy_port, port, 2, SIZE)
        assert content == pattern(SIZE, 2)
        assert len(carried(first)) == 1
        assert len(second.live.table) == 1
        assert await books_agree(mesh)


async def test_a_stream_goes_on_when_its_new_route_reaches_another_process_of_the_exit(tmp_path):
    async with (
        mesh_with_workers(tmp_path, 5, shared=3) as (mesh, first, second),
        serving(echo) as port,
    ):
        await link(first, mesh.nodes[1])
        await link(second, mesh.nodes[2])
        await link(first, mesh.nodes[4])
        await mesh.offer(([1, 3], [4]), ([2, 3], [4]))
        code, reader, writer = await socks_connect(mesh.client.proxy_port, "127.0.0.1", port)
        assert code == 0
        for round_, expected in enumerate((b"before", b"after")):
            writer.write(expected * 100_000)
            answer = await asyncio.wait_for(reader.readexactly(len(expected) * 100_000), 15)
            assert answer == expected * 100_000
            if round_ == 0:
                assert not carried(second)
                mesh.withdraw(1)
                mesh.nodes[1].kill()
        assert len(carried(second)) == 1
        assert first.exit_side.associations.outcomes["resumed"] == 1
        assert second.exit_side.associations.outcomes["unknown"] == 0


async def test_an_association_that_no_process_knows_is_refused_as_ever(tmp_path):
    async with (
        mesh_with_workers(tmp_path, 5, shared=3) as (mesh, first, second),
        serving(echo) as port,
    ):
        await link(first, mesh.nodes[1])
        for index in (2, 4):
            await link(second, mesh.nodes[index])
        await link(first, mesh.nodes[4])
        await mesh.offer(([1, 3], [4]), ([2, 3], [4]))
        code, reader, writer = await socks_connect(mesh.client.proxy_port, "127.0.0.1", port)
        assert code == 0
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        first.exit_side.associations._by_hash.clear()
        mesh.withdraw(1)
        mesh.nodes[1].kill()
        assert await asyncio.wait_for(reader.read(), 15) == b""
        assert second.exit_side.associations.outcomes["unknown"] == 1


async def captured_setup(mesh, router):
    """A SETUP for this worker that it was not given, and the link it came on."""
    taken = []
    router.mesh.use_setups(lambda *one: taken.append(one))
    fetching = asyncio.ensure_future(socks_connect(mesh.client.proxy_port, "127.0.0.1", 9))
    await until(lambda: taken)
    fetching.cancel()
    return taken[0]


async def test_a_setup_that_one_process_has_taken_is_dropped_by_the_others(tmp_path):
    async with mesh_with_workers(tmp_path, 4, shared=1) as (mesh, first, second):
        for router in (first, second):
            await link(router, mesh.client)
            await link(router, mesh.nodes[2])
        await mesh.link_and_route([1, 2], [3])
        taken = asyncio.create_task(captured_setup(mesh, first))
        other = asyncio.create_task(captured_setup(mesh, second))
        await asyncio.wait((taken, other), return_when=asyncio.FIRST_COMPLETED)
        for task in (taken, other):
            task.cancel()
        at, setup = (taken if taken.done() and not taken.cancelled() else other).result()
        here, there = (first, second) if at in list(first.mesh.pool) else (second, first)
        here.setups.handle(at, setup)
        assert here.setups.counts.accepted == 1
        await asyncio.sleep(0.2)
        there.setups.handle(there.mesh.pool.get(mesh.client.node_id), setup)
        assert there.setups.counts.replayed == 1
        assert len(there.live.table) == 0


async def test_a_setup_that_two_processes_take_at_once_ends_at_both(tmp_path):
    async with mesh_with_workers(tmp_path, 4, shared=1) as (mesh, first, second):
        await link(first, mesh.client)
        for router in (first, second):
            await link(router, mesh.nodes[2])
        await mesh.link_and_route([1, 2], [3])
        at, setup = await captured_setup(mesh, first)
        await link(second, mesh.client)
        there = second.mesh.pool.get(mesh.client.node_id)
        first.setups.handle(at, setup)
        second.setups.handle(there, setup)
        tag = setup[:8]
        assert tag in first.live.table.ports_on(at)
        assert tag in second.live.table.ports_on(there)
        await until(lambda: tag not in first.live.table.ports_on(at), 1)
        await until(lambda: tag not in second.live.table.ports_on(there), 1)


async def test_gossip_hears_of_a_peer_once_and_speaks_with_it_once(tmp_path):
    async with mesh_with_workers(tmp_path, 2, shared=0) as (mesh, first, second):
        node, peer = mesh.nodes
        heard = []
        peer.router.mesh._announcer.tell = heard.append
        for router in (first, second):
            await link(router, peer)
            await asyncio.sleep(0.2)
        assert len(peer.router.mesh.pool) == 2
        told = [each for each in node.heard if isinstance(each, LinkOpened)]
        assert [each.peer for each in told] == [peer.node_id]
        assert sum(isinstance(each, LinkOpened) for each in heard) == 1
        heard.clear()
        gossip = node.broker.connect(Service.GOSSIP)
        await gossip.publish(subjects.SEND_GOSSIP, GossipToSend(peer=peer.node_id, payload=b"news"))
        await until(lambda: heard)
        await asyncio.sleep(0.2)
        assert [each.payload for each in heard] == [b"news"]
        first.mesh.close_link(peer.node_id, "the test says so")
        await asyncio.sleep(0.4)
        assert not [each for each in node.heard if isinstance(each, LinkClosed)]
        second.mesh.close_link(peer.node_id, "the test says so")
        await until(lambda: [each for each in node.heard if isinstance(each, LinkClosed)], 2)


async def test_each_process_links_with_each_neighbor(tmp_path):
    async with mesh_with_workers(tmp_path, 3, shared=0) as (mesh, first, second):
        node, peers = mesh.nodes[0], mesh.nodes[1:]
        await link(first, peers[0])
        await link(second, peers[1])
        node.neighbors = [
            NeighborState(
                node_id=peer.node_id,
                address=peer.address,
                ports=(peer.port,),
                edge="full",
                link_up=True,
                inbound=False,
                since=0,
                rates=None,
                degree=1,
            )
            for peer in peers
        ]
        await until(lambda: len(first.mesh.pool) == len(second.mesh.pool) == 2)


async def test_one_answer_for_all_processes(tmp_path):
    async with (
        mesh_with_workers(tmp_path, 4, shared=1) as (mesh, first, second),
        serving(send_pattern) as port,
    ):
        for router in (first, second):
            await link(router, mesh.client)
            await link(router, mesh.nodes[2])
        await mesh.link_and_route([1, 2], [3])
        for seed in range(3):
            await fetch_pattern(mesh.client.proxy_port, port, seed, 9_000)
        await asyncio.sleep(1.2)  # a process tells its counts every second
        node = mesh.nodes[1]
        for _ in range(4):  # each process is asked in turn, and says the same
            status = await node.ask(subjects.ROUTER_STATUS)
            assert [each.worker for each in status.workers] == sorted((first.worker, second.worker))
            assert status.links == 4
            assert status.sessions == len(first.live.table) + len(second.live.table) > 0
            listed = (await node.ask(subjects.LINKS)).links
            assert {each.peer: each.links for each in listed} == {
                mesh.client.node_id: 2,
                mesh.nodes[2].node_id: 2,
            }
            sessions = (await node.ask(subjects.SESSIONS)).sessions
            assert len(sessions) == status.sessions
            text = (await node.ask(metrics(Service.ROUTER))).text
            assert total_of(text, "masq_router_links") == 4
            accepted = first.setups.counts.accepted + second.setups.counts.accepted
            assert total_of(text, "masq_router_setups", outcome="accepted") == accepted > 0
            said = await node.ask(health(Service.ROUTER))
            assert said.ready
            assert said.dependencies["workers"] == "ok"


def total_of(text, name, **labels):
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if family.name == name and sample.labels == labels:
                return sample.value
    raise AssertionError(f"no {name} {labels}")

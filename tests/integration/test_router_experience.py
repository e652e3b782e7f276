"""What a router tells of its routes, and how it gets round an exit that cannot reach a host."""

import asyncio

import pytest

from masq_kernel.bus.messages.router import HostFailed, RouteLost, RouteServed
from support.router_mesh import RouterMesh
from support.socks_client import socks_connect
from support.traffic import echo, serving

OVER, BACK, DETOUR = [1, 2, 3], [4, 5], [1, 2, 4]
REFUSES_ALL = ("reject *:*",)


@pytest.fixture
async def mesh(tmp_path, request):
    policies = getattr(request, "param", {})
    async with asyncio.TaskGroup() as tasks:
        running = await RouterMesh.start(tmp_path, 6, tasks, policies=policies)
        await running.link_and_route(OVER, BACK)
        yield running
        await running.stop()


async def heard(mesh, kind, count=1):
    async with asyncio.timeout(10):
        while True:
            found = [each for each in mesh.client.heard if isinstance(each, kind)]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.01)


async def connect(mesh, port, host="127.0.0.1"):
    return await socks_connect(mesh.client.proxy_port, host, port)


async def test_a_route_that_answers_is_told_once_with_its_latency(mesh):
    async with serving(echo) as port:
        for _ in range(3):
            _, reader, writer = await connect(mesh, port)
            writer.write(b"hello")
            await reader.readexactly(5)
            writer.close()
        [served] = await heard(mesh, RouteServed)
    assert served.nodes == mesh.nodes_on(OVER, BACK)
    assert 0 < served.latency_s < 5
    assert mesh.client.wishes[0].host == "127.0.0.1"


async def test_a_broken_link_of_ours_is_held_against_that_neighbor_alone(mesh):
    async with serving(echo) as port:
        _, _, writer = await connect(mesh, port)
        mesh.nodes[1].router.mesh.close("the test")
        [lost] = await heard(mesh, RouteLost)
        writer.close()
    assert lost.nodes == mesh.nodes_on(OVER[:1])


@pytest.mark.parametrize(
    ("cut", "blamed"), [((2, 3), OVER), ((1, 2), OVER), ((3, 4), [5, 4, 3]), ((4, 5), [5, 4, 3])]
)
async def test_a_link_that_breaks_further_away_is_held_against_that_way_over_or_back(
    mesh, cut, blamed
):
    async with serving(echo) as port:
        _, _, writer = await connect(mesh, port)
        one, other = (mesh.nodes[index] for index in cut)
        one.link(other).close("the test")
        lost = (await heard(mesh, RouteLost))[0]
        writer.close()
    assert lost.nodes == mesh.nodes_on(blamed)


async def test_the_end_of_the_client_blames_nobody(mesh):
    async with serving(echo) as port:
        _, _, writer = await connect(mesh, port)
        writer.close()
        mesh.client.router.origin.close()
        await asyncio.sleep(0.3)
    assert not [each for each in mesh.client.heard if isinstance(each, RouteLost)]


@pytest.mark.parametrize("mesh", [{3: REFUSES_ALL}], indirect=True)
async def test_what_one_exit_refuses_is_asked_of_another_and_stays_there(mesh):
    await mesh.link_and_detour(DETOUR, [5])
    async with serving(echo) as port:
        for _ in range(3):
            code, _, writer = await connect(mesh, port)
            assert code == 0
            writer.close()
    [failed] = await heard(mesh, HostFailed)
    assert failed == HostFailed(exit=mesh.nodes[3].node_id, host="127.0.0.1")
    assert [wish.avoid for wish in mesh.client.wishes] == [(), (mesh.nodes[3].node_id,)]


@pytest.mark.parametrize("mesh", [{3: REFUSES_ALL, 4: REFUSES_ALL}], indirect=True)
async def test_a_host_that_two_exits_refuse_is_given_up(mesh):
    await mesh.link_and_detour(DETOUR, [5])
    for _ in range(3):
        code, _, _ = await connect(mesh, 80)
        assert code == 2
    assert len(mesh.client.wishes) == 2
    exits = {each.exit for each in await heard(mesh, HostFailed, 2)}
    assert exits == {mesh.nodes[3].node_id, mesh.nodes[4].node_id}


@pytest.mark.parametrize("mesh", [{3: REFUSES_ALL}], indirect=True)
async def test_without_another_exit_the_first_reason_is_told(mesh):
    code, _, _ = await connect(mesh, 80)
    assert code == 2


async def test_a_server_that_refuses_the_connection_was_reached(mesh):
    async with serving(echo) as port:
        pass
    code, _, _ = await connect(mesh, port)
    assert code == 5
    assert not [each for each in mesh.client.heard if isinstance(each, HostFailed)]

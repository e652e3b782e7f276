"""Clients' datagrams at their exit: real UDP sockets, and a resolver that the test decides."""

import asyncio
import ipaddress

import pytest

from masq_kernel.clock import ManualClock
from masq_kernel.identity.keys import WalletAddress
from masq_router.exit.connector import Connector
from masq_router.exit.flows import FLOW_IDLE_S, FLOWS_MAX, ExitFlows
from masq_router.exit.policy import ExitPolicy
from masq_router.exit.quota import Quota, StreamCounts
from masq_router.streams.datagrams import Datagram
from support.udp_client import udp_echo

ALICE = WalletAddress(bytes([1]) * 20)


class GivenResolver:
    def __init__(self, address="127.0.0.1"):
        self.address = address

    async def resolve(self, host):
        try:
            return (ipaddress.ip_address(host),)
        except ValueError:
            return (ipaddress.ip_address(self.address),)


class Stage:
    def __init__(self, tasks, *, rules=("accept 127.0.0.1:*", "accept [::1]:*"), streams_max=1000):
        self.clock = ManualClock()
        self.counts = StreamCounts(per_wallet_max=streams_max)
        self.answers = asyncio.Queue()
        connector = Connector(ExitPolicy.parse(rules), GivenResolver())
        self.flows = ExitFlows(
            connector=connector,
            quota=Quota(self.counts, ALICE),
            tasks=tasks,
            clock=self.clock,
            answer=self.answers.put_nowait,
        )

    def send(self, data, port, *, flow=1, host="127.0.0.1"):
        self.flows.take(Datagram(flow=flow, host=host, port=port, data=memoryview(data)))

    async def answer(self):
        got = await asyncio.wait_for(self.answers.get(), 5)
        return got.flow, got.host, got.port, bytes(got.data)


@pytest.fixture
async def tasks():
    async with asyncio.TaskGroup() as group:
        yield group


async def test_names_and_addresses_are_sent_to_and_answers_name_their_source(tasks):
    stage = Stage(tasks)
    async with udp_echo() as (port, seen):
        stage.send(b"by name", port, host="name.org")
        assert await stage.answer() == (1, "127.0.0.1", port, b"by name")
        stage.send(b"by address", port)
        stage.send(b"another flow", port, flow=2)
        answers = {await stage.answer(), await stage.answer()}
        stage.flows.close()
    assert answers == {
        (1, "127.0.0.1", port, b"by address"),
        (2, "127.0.0.1", port, b"another flow"),
    }
    assert seen[0][0] == seen[1][0] != seen[2][0]  # one socket for each flow


async def test_ipv6(tasks):
    stage = Stage(tasks)
    async with udp_echo("::1") as (port, _):
        for data in (b"first", b"second"):
            stage.send(data, port, host="::1")
            assert await stage.answer() == (1, "::1", port, data)
        stage.flows.close()


async def test_the_policy_is_asked_for_each_datagram(tasks):
    stage = Stage(tasks, rules=())
    async with udp_echo() as (port, seen):
        stage.send(b"x", port)
        stage.send(b"x", port, host="name.org")
        await asyncio.sleep(0.1)
        stage.flows.close()
    assert seen == []


async def test_an_open_socket_reaches_no_more_than_the_policy_permits(tasks):
    async with udp_echo() as (allowed, _), udp_echo() as (refused, seen):
        stage = Stage(tasks, rules=(f"accept 127.0.0.1:{allowed}",))
        stage.send(b"x", allowed)
        await stage.answer()
        stage.send(b"y", refused)
        await asyncio.sleep(0.1)
        stage.flows.close()
    assert seen == []


async def test_a_stranger_is_not_heard(tasks):
    stage = Stage(tasks)
    async with udp_echo() as (port, seen):
        stage.send(b"x", port)
        await stage.answer()
        ours = ("127.0.0.1", seen[0][0][1])
        loop = asyncio.get_running_loop()
        stranger, _ = await loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0)
        )
        stranger.sendto(b"spoofed", ours)
        stage.send(b"y", port)
        assert (await stage.answer())[3] == b"y"
        assert stage.answers.empty()
        stranger.close()
        stage.flows.close()


async def test_flows_are_bounded_counted_and_given_back(tasks):
    stage = Stage(tasks)
    for flow in range(FLOWS_MAX + 5):
        stage.send(b"x", 9, flow=flow)
    assert len(stage.flows) == len(stage.counts) == FLOWS_MAX
    stage.flows.end(0)
    assert len(stage.flows) == len(stage.counts) == FLOWS_MAX - 1
    stage.clock.advance(FLOW_IDLE_S - 1)
    stage.send(b"x", 9, flow=1)
    stage.clock.advance(1)
    stage.flows.end_idle(stage.clock.monotonic())
    assert len(stage.flows) == len(stage.counts) == 1
    stage.flows.close()
    assert len(stage.counts) == 0


async def test_a_payer_with_all_the_sockets_it_may_have_gets_no_flow(tasks):
    stage = Stage(tasks, streams_max=2)
    for flow in range(5):
        stage.send(b"x", 9, flow=flow)
    assert len(stage.flows) == 2
    stage.flows.close()

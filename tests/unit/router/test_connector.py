"""Names to addresses, addresses to sockets: real sockets, and a resolver that the test decides."""

import asyncio
import ipaddress
import socket
import time

import pytest

from masq_kernel.clock import ManualClock
from masq_router.exit.connector import STAGGER_S, Connector
from masq_router.exit.errors import TargetRefused
from masq_router.exit.policy import ExitPolicy
from masq_router.exit.resolver import ADDRESSES_MAX, Resolver, is_special
from masq_router.streams.errors import ResetCode

OPEN = ExitPolicy.parse(("accept *:*",))


class GivenResolver:
    def __init__(self, *addresses):
        self._addresses = tuple(ipaddress.ip_address(address) for address in addresses)

    async def resolve(self, host):
        return self._addresses


async def refusal(connector, host="name.org", port=80):
    with pytest.raises(TargetRefused) as caught:
        await connector.connect(host, port, asyncio.Protocol)
    return caught.value.code


@pytest.fixture
async def port():
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


class TestConnector:
    async def test_it_connects(self, port):
        transport, _ = await Connector(OPEN, Resolver()).connect(
            "127.0.0.1", port, asyncio.Protocol
        )
        assert transport.get_extra_info("peername") == ("127.0.0.1", port)
        transport.close()

    async def test_the_policy_is_asked_after_resolution(self, port):
        connector = Connector(ExitPolicy.parse(()), GivenResolver("127.0.0.1"))
        assert await refusal(connector, port=port) is ResetCode.REFUSED_BY_POLICY

    async def test_only_permitted_addresses_are_tried(self, port):
        policy = ExitPolicy.parse(("accept 127.0.0.1:*",))
        resolver = GivenResolver("127.0.0.9", "127.0.0.1")
        transport, _ = await Connector(policy, resolver).connect("x.org", port, asyncio.Protocol)
        assert transport.get_extra_info("peername")[0] == "127.0.0.1"
        transport.close()

    async def test_the_next_address_is_tried_when_one_refuses(self, port):
        resolver = GivenResolver("127.0.0.9", "127.0.0.1")
        transport, _ = await Connector(OPEN, resolver).connect("x.org", port, asyncio.Protocol)
        assert transport.get_extra_info("peername")[0] == "127.0.0.1"
        transport.close()

    async def test_an_address_that_hangs_costs_a_quarter_of_a_second(self, port):
        with socket.socket() as full:
            full.bind(("127.0.0.9", port))
            full.listen(0)
            fillers = [socket.socket() for _ in range(8)]
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(full.getsockname())
            began = time.monotonic()
            resolver = GivenResolver("127.0.0.9", "127.0.0.1")
            transport, _ = await Connector(OPEN, resolver).connect("x.org", port, asyncio.Protocol)
            taken = time.monotonic() - began
            assert transport.get_extra_info("peername")[0] == "127.0.0.1"
            assert STAGGER_S <= taken < 2.0  # the address before it would have taken CONNECT_S
            transport.close()
            for filler in fillers:
                filler.close()

    async def test_ipv6(self):
        server = await asyncio.start_server(lambda reader, writer: writer.close(), "::1", 0)
        port = server.sockets[0].getsockname()[1]
        transport, _ = await Connector(OPEN, Resolver()).connect("::1", port, asyncio.Protocol)
        assert transport.get_extra_info("peername")[:2] == ("::1", port)
        transport.close()
        server.close()

    async def test_one_family_without_a_way_does_not_hide_the_other(self, port):
        resolver = GivenResolver("2001:db8::1", "127.0.0.1")
        policy = ExitPolicy.parse(("accept *:*",))
        transport, _ = await Connector(policy, resolver).connect("x.org", port, asyncio.Protocol)
        assert transport.get_extra_info("peername")[0] == "127.0.0.1"
        transport.close()

    async def test_a_refused_connection_is_told_as_such(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        code = await refusal(Connector(OPEN, GivenResolver("127.0.0.1")), port=port)
        assert code is ResetCode.CONNECTION_REFUSED

    async def test_a_server_that_does_not_answer_is_told_in_time(self):
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            fillers = [socket.socket() for _ in range(8)]
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(full.getsockname())
            connector = Connector(OPEN, GivenResolver("127.0.0.1"), timeout_s=0.3)
            code = await refusal(connector, port=full.getsockname()[1])
            assert code is ResetCode.TIMED_OUT
            for filler in fillers:
                filler.close()


class TestResolver:
    @pytest.mark.parametrize("text", ["1.2.3.4", "2001:db8::1"])
    async def test_a_literal_is_its_own_address(self, text):
        assert await Resolver().resolve(text) == (ipaddress.ip_address(text),)

    @pytest.mark.parametrize(
        "name",
        [
            "localhost",
            "a.localhost",
            "x.invalid",
            "FOO.ONION",
            "localhost.",
            "printer",
            "nas.local",
            "foo.onion.",
        ],
    )
    async def test_special_names_are_refused_without_a_lookup(self, name, monkeypatch):
        def look_up(*_, **__):
            raise AssertionError("the machine's resolver was asked")

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        assert is_special(name)
        with pytest.raises(TargetRefused) as caught:
            await Resolver().resolve(name)
        assert caught.value.code is ResetCode.NAME_NOT_RESOLVED

    @pytest.mark.parametrize(
        "name",
        ["a\0b.org", "a b.org", "a..org", "x" * 64 + ".org", "a\n.org", "%.org", "fe80::1%x"],
    )
    async def test_a_name_that_is_none_is_refused_and_nothing_else_happens(self, name):
        with pytest.raises(TargetRefused):
            await Connector(ExitPolicy.parse(()), Resolver()).connect(name, 80, asyncio.Protocol)

    async def test_a_name_server_that_does_not_answer_is_given_up(self, monkeypatch):
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(0.5))
        with pytest.raises(TargetRefused) as caught:
            await Resolver(timeout_s=0.1).resolve("example.org")
        assert caught.value.code is ResetCode.TIMED_OUT

    async def test_a_name_is_asked_for_once_however_many_want_it(self, monkeypatch):
        asked = []

        def look_up(host, *_, **__):
            asked.append(host)
            time.sleep(0.05)
            return [(0, 0, 0, "", ("192.0.2.1", 0))]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        clock = ManualClock()
        resolver = Resolver(clock=clock)
        first = asyncio.create_task(resolver.resolve("example.org"))
        others = [asyncio.create_task(resolver.resolve("example.org")) for _ in range(5)]
        await asyncio.sleep(0)
        first.cancel()
        assert len(set(await asyncio.gather(*others))) == 1
        await resolver.resolve("example.org")
        assert asked == ["example.org"]
        clock.advance(61)
        await resolver.resolve("example.org")
        assert len(asked) == 2

    async def test_a_name_has_each_of_its_addresses_once_and_not_too_many(self, monkeypatch):
        found = [(0, 0, 0, "", (f"192.0.2.{number % 20}", 0)) for number in range(60)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        addresses = await Resolver().resolve("example.org")
        assert len(addresses) == len({*addresses}) == ADDRESSES_MAX

    def test_ordinary_names_are_not_special(self):
        assert not is_special("example.org")
        assert not is_special("localhost.example.org")

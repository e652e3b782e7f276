"""UDP through real routers: a SOCKS5 client, relay, relay, exit; back over other relays."""

import asyncio
import ssl
from contextlib import asynccontextmanager

import dns.flags
import dns.message
import dns.rrset
import pytest
import trustme
from aioquic.asyncio import QuicConnectionProtocol, serve
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection

from masq_router.streams.datagrams import DATAGRAM_SIZE_MAX
from support.router_mesh import RouterMesh
from support.udp_client import SocksUdp, socks_udp, udp_echo, wrapped

FIRST = ([1, 2, 3], [4, 5])
SECOND = ([6, 2, 3], [4, 5])


@pytest.fixture
async def mesh(tmp_path):
    async with asyncio.TaskGroup() as tasks:
        running = await RouterMesh.start(tmp_path, 7, tasks, exit_policy=("accept *:*",))
        await running.offer(FIRST, SECOND)
        yield running
        await running.stop()


async def test_datagrams_of_every_size_come_back_whole(mesh):
    async with udp_echo() as (port, _), socks_udp(mesh.client.proxy_port) as client:
        for size in (1, 1_200, 1_452, 9_000, DATAGRAM_SIZE_MAX):
            data = bytes(size)
            assert await client.ask("127.0.0.1", port, data) == ("127.0.0.1", port, data)
        client.send("127.0.0.1", port, bytes(DATAGRAM_SIZE_MAX + 1))  # dropped, and nothing breaks
        assert (await client.ask("127.0.0.1", port, b"after it"))[2] == b"after it"


async def test_a_name_is_looked_up_in_the_dns(mesh):
    async with dns_server("192.0.2.7") as port, socks_udp(mesh.client.proxy_port) as client:
        question = dns.message.make_query("example.org", "A")
        _, _, wire = await client.ask("127.0.0.1", port, question.to_wire())
    answer = dns.message.from_wire(wire)
    assert question.is_response(answer)
    assert [str(each) for each in answer.answer[0]] == ["192.0.2.7"]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_quic(mesh, host):
    content = bytes(range(256)) * 2_000
    async with (
        quic_server(host, content) as (port, authority),
        socks_udp(mesh.client.proxy_port) as client,
    ):
        fetched = await asyncio.wait_for(fetch_over_quic(client, host, port, authority), 30)
    assert fetched == content


async def test_datagrams_find_another_route_when_a_relay_dies(mesh):
    async with udp_echo() as (port, seen), socks_udp(mesh.client.proxy_port) as client:
        await client.ask("127.0.0.1", port, b"before")
        mesh.nodes[FIRST[0][0]].kill()
        async with asyncio.timeout(20):
            while True:
                try:
                    answer = await client.ask("127.0.0.1", port, b"after", timeout_s=0.2)
                    break
                except TimeoutError:
                    continue
    assert answer == ("127.0.0.1", port, b"after")
    assert len({source for source, _ in seen}) == 1  # the same socket at the exit
    assert mesh.client.router.origin.healer.outcomes["healed"] == 1


async def test_a_relay_belongs_to_the_socket_that_used_it_first(mesh):
    async with udp_echo() as (port, seen), socks_udp(mesh.client.proxy_port) as client:
        await client.ask("127.0.0.1", port, b"mine")
        relay = client.transport.get_extra_info("peername")
        loop = asyncio.get_running_loop()
        other, _ = await loop.create_datagram_endpoint(SocksUdp, remote_addr=relay)
        other.sendto(wrapped("127.0.0.1", port, b"not mine"))
        await client.ask("127.0.0.1", port, b"mine again")
        other.close()
    assert [data for _, data in seen] == [b"mine", b"mine again"]


async def test_the_relay_ends_with_the_connection_that_asked_for_it(mesh):
    exit_side = mesh.nodes[3].router.exit_side
    async with udp_echo() as (port, _), socks_udp(mesh.client.proxy_port) as client:
        await client.ask("127.0.0.1", port, b"x")
        assert exit_side.stream_count == 1
    async with asyncio.timeout(5):
        while exit_side.stream_count or mesh.client.router.origin.stream_count:
            await asyncio.sleep(0.02)


async def test_both_books_agree_on_datagrams(mesh):
    async with udp_echo() as (port, _), socks_udp(mesh.client.proxy_port) as client:
        for size in (1, 1_400, 20_000):
            await client.ask("127.0.0.1", port, bytes(size))
    await asyncio.sleep(0.3)
    consumed = await mesh.client.settled_usage()
    for node in mesh.nodes[1:6]:
        provided = await node.settled_usage()
        ours = [entry for entry in consumed if entry.wallet == node.earning]
        assert sum(int(each.amount) for each in provided) == sum(int(each.amount) for each in ours)
        assert provided


async def test_without_a_wallet_the_client_is_refused_at_once(mesh):
    mesh.client.has_wallet = False
    async with socks_udp(mesh.client.proxy_port, reply=1) as client:
        assert client is None


# -- servers and clients ---------------------------------------------------------------------


class DnsServer(asyncio.DatagramProtocol):
    def __init__(self, address):
        self._address = address

    def connection_made(self, transport):
        self._transport = transport

    def datagram_received(self, data, addr):
        question = dns.message.from_wire(data)
        answer = dns.message.make_response(question)
        name = question.question[0].name
        answer.answer.append(dns.rrset.from_text(name, 60, "IN", "A", self._address))
        self._transport.sendto(answer.to_wire(), addr)


@asynccontextmanager
async def dns_server(address):
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: DnsServer(address), local_addr=("127.0.0.1", 0)
    )
    yield transport.get_extra_info("sockname")[1]
    transport.close()


@asynccontextmanager
async def quic_server(host, content):
    authority = trustme.CA()
    certificate = authority.issue_cert(host)
    configuration = QuicConfiguration(is_client=False, alpn_protocols=["test"])
    with (
        authority.cert_pem.tempfile() as root,
        certificate.cert_chain_pems[0].tempfile() as chain,
        certificate.private_key_pem.tempfile() as key,
    ):
        configuration.load_cert_chain(chain, key)

        def answer(reader, writer):
            writer.write(content)
            writer.write_eof()

        server = await serve(host, 0, configuration=configuration, stream_handler=answer)
        yield server._transport.get_extra_info("sockname")[1], root
        server.close()


async def fetch_over_quic(client, host, port, authority):
    """Use aioquic's client on a socket that is a SOCKS5 relay."""
    configuration = QuicConfiguration(
        alpn_protocols=["test"], server_name=host, verify_mode=ssl.CERT_REQUIRED
    )
    configuration.load_verify_locations(authority)
    protocol = QuicConnectionProtocol(QuicConnection(configuration=configuration))
    client.on_answer = lambda source, number, data: protocol.datagram_received(data, (host, port))
    protocol.connection_made(Wrapping(client, host, port))
    protocol.connect((host, port))
    await protocol.wait_connected()
    reader, writer = await protocol.create_stream()
    writer.write(b"please")
    writer.write_eof()
    content = await reader.read()
    protocol.close()
    await protocol.wait_closed()
    return content


class Wrapping(asyncio.DatagramTransport):
    """A socket whose datagrams all go to one target, through a relay."""

    def __init__(self, client, host, port):
        super().__init__()
        self._client, self._host, self._port = client, host, port

    def sendto(self, data, addr=None):
        self._client.send(self._host, self._port, data)

    def close(self):
        pass

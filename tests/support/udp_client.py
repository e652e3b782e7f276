"""A SOCKS5 UDP client, and servers to talk to."""

import asyncio
import ipaddress
from contextlib import asynccontextmanager

__all__ = ["SocksUdp", "socks_udp", "udp_echo"]


class SocksUdp(asyncio.DatagramProtocol):
    """A client's UDP socket behind a SOCKS5 relay; `answers` has (host, port, data)."""

    def __init__(self):
        self.answers = asyncio.Queue()
        self.transport = None
        self.on_answer = None

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        size = {1: 4, 4: 16}[data[3]]
        host = str(ipaddress.ip_address(data[4 : 4 + size]))
        port = int.from_bytes(data[4 + size : 6 + size], "big")
        answer = host, port, data[6 + size :]
        if self.on_answer is not None:
            self.on_answer(*answer)
        else:
            self.answers.put_nowait(answer)

    def send(self, host, port, data):
        self.transport.sendto(wrapped(host, port, data))

    async def ask(self, host, port, data, *, timeout_s=10.0):
        self.send(host, port, data)
        return await asyncio.wait_for(self.answers.get(), timeout_s)


def wrapped(host, port, data):
    """A datagram as RFC 1928 section 7 has it."""
    try:
        address = ipaddress.ip_address(host)
        head = bytes([1 if address.version == 4 else 4]) + address.packed
    except ValueError:
        head = b"\x03" + bytes([len(host)]) + host.encode()
    return b"\0\0\0" + head + port.to_bytes(2, "big") + data


@asynccontextmanager
async def socks_udp(proxy_port, *, reply=0):
    """Ask for a relay; yield its client, or None when the reply is another than 0."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy_port)
    writer.write(b"\x05\x01\x00" + b"\x05\x03\x00\x01" + bytes(6))
    assert await reader.readexactly(2) == b"\x05\x00"
    answer = await asyncio.wait_for(reader.readexactly(10), 60)
    assert answer[1] == reply, f"the proxy answered {answer[1]}"
    port = int.from_bytes(answer[8:10], "big")
    loop = asyncio.get_running_loop()
    transport = None
    try:
        if reply:
            yield None
            return
        transport, client = await loop.create_datagram_endpoint(
            SocksUdp, remote_addr=("127.0.0.1", port)
        )
        yield client
    finally:
        if transport is not None:
            transport.close()
        writer.close()


class _Echo(asyncio.DatagramProtocol):
    def __init__(self, seen):
        self.seen = seen

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.seen.append((addr, data))
        self.transport.sendto(data, addr)


@asynccontextmanager
async def udp_echo(host="127.0.0.1"):
    """Yield the port of a UDP echo server, and what it has seen."""
    seen = []
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Echo(seen), local_addr=(host, 0))
    try:
        yield transport.get_extra_info("sockname")[1], seen
    finally:
        transport.close()

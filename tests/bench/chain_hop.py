"""One hop of the reference: a relay that does nothing but TLS 1.3 and copying.

    chain_hop.py LISTEN_PORT NEXT_PORT [--tls-in PEM] [--tls-out]

Each connection that comes in opens one to the next hop; bytes are copied both ways with
backpressure, on the same event loop that the product uses. There is no cheaper relay in Python.
"""

import argparse
import asyncio
import socket
import ssl

import uvloop


class Side(asyncio.Protocol):
    """One of the two sockets of a connection."""

    def __init__(self):
        self.transport = None
        self.other = None
        self.early = []

    def connection_made(self, transport):
        self.transport = transport
        transport.set_write_buffer_limits(high=512 << 10)

    def data_received(self, data):
        if self.other is None:
            self.early.append(data)
        else:
            self.other.transport.write(data)

    def join(self, other):
        self.other = other
        for data in self.early:
            other.transport.write(data)

    def pause_writing(self):
        if self.other is not None:
            self.other.transport.pause_reading()

    def resume_writing(self):
        if self.other is not None:
            self.other.transport.resume_reading()

    def connection_lost(self, exc):
        if self.other is not None:
            self.other.transport.close()


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("listen_port", type=int)
    parser.add_argument("next_port", type=int)
    parser.add_argument("--tls-in")
    parser.add_argument("--tls-out", action="store_true")
    options = parser.parse_args()
    loop = asyncio.get_running_loop()
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.minimum_version = ssl.TLSVersion.TLSv1_3
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    server = None
    if options.tls_in:
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.minimum_version = ssl.TLSVersion.TLSv1_3
        server.load_cert_chain(options.tls_in)
    joining = set()

    async def join(incoming):
        _, outgoing = await loop.create_connection(
            Side,
            "127.0.0.1",
            options.next_port,
            ssl=client if options.tls_out else None,
            server_hostname="" if options.tls_out else None,
        )
        incoming.join(outgoing)
        outgoing.join(incoming)

    class Incoming(Side):
        def connection_made(self, transport):
            super().connection_made(transport)
            raw = transport.get_extra_info("socket")
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = loop.create_task(join(self))
            joining.add(task)
            task.add_done_callback(joining.discard)

    listener = await loop.create_server(Incoming, "127.0.0.1", options.listen_port, ssl=server)
    print("ready", flush=True)
    await listener.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())

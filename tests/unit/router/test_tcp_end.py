"""The socket at one end of a stream."""

import asyncio
import socket

import pytest

from masq_kernel.clock import SystemClock
from masq_router.ends.tcp import WINDOW_MAX, TcpEnd


class Transport:
    """Shows its socket, takes the limits it is given and keeps what is written, call by call."""

    def __init__(self, connection=None, *, on_write=lambda: None):
        self._connection, self._on_write = connection, on_write
        self.calls = []

    def get_extra_info(self, name):
        return {"socket": self._connection}.get(name)

    def set_write_buffer_limits(self, high):
        pass

    def writelines(self, pieces):
        self.calls.append(b"".join(pieces))
        self._on_write()

    def write_eof(self):
        self.calls.append("eof")

    def abort(self):
        self.calls.append("abort")


class Stream:
    """Stands where the association does: keeps how much was counted as consumed."""

    def __init__(self):
        self.sizes = []

    def consumed(self, stream_id, size, now):
        self.sizes.append(size)


def make_end(transport, stream):
    end = TcpEnd(
        association=stream,
        stream_id=1,
        wake=lambda: None,
        clock=SystemClock(),
        gone=None,
        on_lost=lambda: None,
    )
    end.connection_made(transport)
    return end


async def test_what_comes_in_one_turn_is_written_and_counted_once():
    transport, stream = Transport(), Stream()
    end = make_end(transport, stream)
    for piece in (b"one ", b"turn ", b"of the loop"):
        end.on_data(memoryview(piece))
    assert transport.calls == stream.sizes == []
    await asyncio.sleep(0)
    assert transport.calls == [b"one turn of the loop"]
    assert stream.sizes == [20]


async def test_the_last_bytes_leave_before_the_end_is_told():
    transport, stream = Transport(), Stream()
    end = make_end(transport, stream)
    end.on_data(memoryview(b"the last"))
    end.on_fin()
    await asyncio.sleep(0)
    assert transport.calls == [b"the last", "eof"]
    assert stream.sizes == [8]


async def test_what_a_full_socket_has_not_taken_is_counted_when_it_has():
    stream = Stream()
    transport = Transport(on_write=lambda: end.pause_writing())
    end = make_end(transport, stream)
    end.on_data(memoryview(b"too much"))
    await asyncio.sleep(0)
    assert stream.sizes == []
    end.resume_writing()
    assert stream.sizes == [8]


async def test_nothing_is_written_after_a_cut():
    transport, stream = Transport(), Stream()
    end = make_end(transport, stream)
    end.on_data(memoryview(b"never"))
    end.cut()
    await asyncio.sleep(0)
    assert transport.calls == ["abort"]
    assert stream.sizes == []


@pytest.mark.skipif(not hasattr(socket, "TCP_WINDOW_CLAMP"), reason="Linux only")
async def test_the_machine_takes_no_more_ahead_of_us_than_the_window():
    server = socket.create_server(("127.0.0.1", 0))
    with server, socket.create_connection(server.getsockname()) as connection:
        make_end(Transport(connection), Stream())
        clamp = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_WINDOW_CLAMP)
    assert clamp == WINDOW_MAX

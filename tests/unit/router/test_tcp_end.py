"""The socket at one end of a stream."""

import socket

import pytest

from masq_kernel.clock import SystemClock
from masq_router.ends.tcp import WINDOW_MAX, TcpEnd


class Transport:
    """Shows its socket and takes the limits it is given."""

    def __init__(self, connection):
        self._connection = connection

    def get_extra_info(self, name):
        return {"socket": self._connection}.get(name)

    def set_write_buffer_limits(self, high):
        pass


@pytest.mark.skipif(not hasattr(socket, "TCP_WINDOW_CLAMP"), reason="Linux only")
def test_the_machine_takes_no_more_ahead_of_us_than_the_window():
    end = TcpEnd(
        association=None,
        stream_id=1,
        wake=lambda: None,
        clock=SystemClock(),
        gone=None,
        on_lost=lambda: None,
    )
    server = socket.create_server(("127.0.0.1", 0))
    with server, socket.create_connection(server.getsockname()) as connection:
        end.connection_made(Transport(connection))
        clamp = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_WINDOW_CLAMP)
    assert clamp == WINDOW_MAX

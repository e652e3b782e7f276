"""A bus that is not there, or does not let us in: said once, with the reason."""

import pytest
from structlog.testing import capture_logs

from masq_kernel.bus.errors import BusUnavailable
from masq_kernel.bus.nats import RECONNECT_WAIT_S, NatsBus
from masq_kernel.bus.subjects import Service
from support.nats_server import HOST, free_port, running_server

WAIT_S = 6 * RECONNECT_WAIT_S
"""Time for several attempts."""


async def test_a_bus_that_is_not_there_is_said_once_and_given_up_with_the_reason():
    url = f"nats://{HOST}:{free_port()}"
    with capture_logs() as logged, pytest.raises(BusUnavailable, match="Errno 111"):
        await NatsBus.connect(Service.API, [url], password="any", wait_s=WAIT_S)
    assert [line["event"] for line in logged] == ["bus trouble"]


async def test_a_password_that_the_bus_does_not_know_is_the_reason(tmp_path):
    async with running_server(tmp_path) as server:
        with pytest.raises(BusUnavailable, match=r"Authorization Violation|reset by peer"):
            await NatsBus.connect(Service.API, [server.url], password="wrong", wait_s=WAIT_S)

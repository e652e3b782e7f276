"""What an operator sets in the section `[router]`, or as `MASQ_ROUTER_*`."""

import ipaddress
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from masq_kernel.runtime.settings import SectionSettings
from masq_router.gate import SESSION_LIFETIME_MAX_S
from masq_router.origin.builder import SESSION_LIFETIME_S
from masq_router.streams.memory import HELD_MAX, StreamMemory
from masq_router.streams.windows import WINDOW_MAX, WINDOW_MIN
from masq_router.workers.roster import WORKERS_MAX

__all__ = ["RouterSettings"]

COVER_KIB_PER_S_MAX = 512
"""A quarter of what a peer takes (links/cover.py)."""

Port = Annotated[int, Field(ge=0, le=65535)]


class RouterSettings(SectionSettings):
    """The router process's settings.

    Args:
        listen_host: the address at which links are taken.
        listen_port: the port; 0: any free one; None: takes no links.
        bind_address: the source address of our own links; None: the machine chooses.
        proxy: whether clients are served.
        proxy_host, proxy_port: where; 0: any free port.
        exit_policy: rules before the default ones, such as "accept 10.1.2.3:443".
        own_addresses: this machine's addresses, which an exit must not reach.
        session_lifetime_s: how long a route of our own clients lives before it is renewed; shorter
            ones cost a set-up each, longer ones let their hops watch for longer.
        window_max_kib: how much one stream may have on its way to a client or server of ours; what
            is needed is found out, this is the limit. 8192 fills 40 MB/s at a round trip of 200 ms.
        stream_memory_mib: what streams of our clients may hold in memory together, and as much
            again those that we serve as an exit; beyond, whoever holds most is cut.
        cover_kib_per_s: padding on each link while it is at rest, so that an observer of the line
            cannot tell rest from a little traffic; 0: none. 4 costs up to 10 GiB a month and link.
        workers: how many router processes share the node's work, one for each processor that
            traffic may take (docs/adr/0015).
        worker_host: the address at which they reach each other; this machine's own one where they
            are on several machines.
    """

    listen_host: str = "0.0.0.0"  # noqa: S104 - a node is there to be reached
    listen_port: Port | None = None
    bind_address: str | None = None
    proxy: bool = True
    proxy_host: str = "127.0.0.1"
    proxy_port: Port = 1080
    exit_policy: tuple[str, ...] = ()
    own_addresses: tuple[str, ...] = ()
    session_lifetime_s: Annotated[int, Field(ge=4, le=SESSION_LIFETIME_MAX_S)] = SESSION_LIFETIME_S
    window_max_kib: Annotated[int, Field(ge=WINDOW_MIN >> 10, le=WINDOW_MAX >> 10)] = (
        WINDOW_MAX >> 10
    )
    stream_memory_mib: Annotated[int, Field(ge=16, le=1 << 20)] = HELD_MAX >> 20
    cover_kib_per_s: Annotated[int, Field(ge=0, le=COVER_KIB_PER_S_MAX)] = 0

    workers: Annotated[int, Field(ge=1, le=WORKERS_MAX)] = 1
    worker_host: str = "127.0.0.1"

    def stream_memory(self) -> StreamMemory:
        """Return one side's, of one of the processes that share it."""
        held = self.stream_memory_mib << 20
        return StreamMemory(held_max=held // self.workers, window_max=self.window_max_kib << 10)

    @field_validator("listen_host", "bind_address", "proxy_host", "worker_host")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        return None if value is None else str(ipaddress.ip_address(value))

    @field_validator("own_addresses")
    @classmethod
    def _are_addresses(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(ipaddress.ip_address(value)) for value in values)

    @model_validator(mode="after")
    def _ports_can_be_shared(self) -> Self:
        ports = self.listen_port, self.proxy_port if self.proxy else None
        if self.workers > 1 and 0 in ports:
            raise ValueError("several workers share their ports, so name them: 0 is a free one")
        return self

    @field_validator("proxy_host")
    @classmethod
    def _is_loopback(cls, value: str) -> str:
        if not ipaddress.ip_address(value).is_loopback:
            raise ValueError("the proxy has no password, so it must listen on loopback")
        return value

"""Which addresses of this machine the router uses for links; they may move (docs/adr/0013).

Pure.
"""

from dataclasses import dataclass
from typing import Self

from masq_kernel.runtime.address import Move
from masq_router.settings import RouterSettings

__all__ = ["Bound"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """Where links are taken, and where ours come from.

    Args:
        listen_host, listen_port: the port is None when no links are taken.
        source: of our own links; None: the machine chooses.
        own: addresses of this machine or of its network's border; an exit must not reach them.
    """

    listen_host: str
    listen_port: int | None
    source: str | None
    own: frozenset[str]

    @classmethod
    def of(cls, settings: RouterSettings, move: Move | None) -> Self:
        """Return what the settings say; those that named the node's old place follow the move."""
        host, port, source = settings.listen_host, settings.listen_port, settings.bind_address
        own = {*settings.own_addresses, host, source}
        if move is not None:
            host, port, source = move.address(host) or host, move.port(port), move.address(source)
            own |= {host, source, move.place.address}
        return cls(
            listen_host=host,
            listen_port=port,
            source=source,
            own=frozenset(one for one in own if one is not None),
        )

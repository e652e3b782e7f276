"""What an association tells its shell. Pure."""

from enum import Enum
from typing import Protocol

from masq_router.streams.datagrams import Datagram
from masq_router.streams.errors import ResetCode
from masq_router.streams.frames import Open

__all__ = ["Role", "StreamEvents"]


class Role(Enum):
    """Which end of the association this is."""

    ORIGIN = "origin"
    EXIT = "exit"


class StreamEvents(Protocol):
    """The shell at either end."""

    def on_attached(self) -> None:
        """The exit has taken up the association; bytes flow again (originator only)."""
        ...

    def on_unknown(self) -> None:
        """The exit does not know the association, so its streams are lost (originator only)."""
        ...

    def on_open(self, request: Open) -> None:
        """The originator wants a connection (exit only)."""
        ...

    def on_opened(self, stream_id: int) -> None:
        """The exit is connected (originator only)."""
        ...

    def on_data(self, stream_id: int, data: memoryview) -> None:
        """The next bytes, valid during the call only; say `consumed` once the socket took them."""
        ...

    def on_fin(self, stream_id: int) -> None:
        """The other end has sent its last byte."""
        ...

    def on_reset(self, stream_id: int, code: ResetCode) -> None:
        """The other end has cut the stream short."""
        ...

    def on_writable(self, stream_id: int) -> None:
        """A stream whose `write` said False takes more now."""
        ...

    def on_probed(self, token: int) -> None:
        """The other end has answered our PROBE."""
        ...

    def on_datagram(self, datagram: Datagram) -> None:
        """A datagram has come; its data are valid during the call only."""
        ...

    def on_flow_end(self, flow: int) -> None:
        """The client has closed its UDP socket (exit only)."""
        ...

    def on_statement(self, data: bytes) -> None:
        """A question for our accountant (exit), or the answer to ours; empty: there is none."""
        ...

"""One association's datagrams, out and in. Pure."""

from masq_router.streams.credit import Credit
from masq_router.streams.datagrams import Datagram, flow_end_frame
from masq_router.streams.events import StreamEvents
from masq_router.streams.outlet import Outlet

__all__ = ["Flows"]


class Flows:
    """Sends datagrams and hands them on; which flows there are, the shells know.

    Args:
        outlet: the way out.
        credit: what the other end may send.
        events: the shell.
    """

    def __init__(self, outlet: Outlet, credit: Credit, events: StreamEvents) -> None:
        self._outlet, self._credit, self._events = outlet, credit, events

    @property
    def dropped(self) -> int:
        """Datagrams for which there was no way or no room."""
        return self._outlet.datagrams.dropped

    def send(self, datagram: Datagram) -> None:
        """Send one if there is a way and room for it, now or never."""
        if self._outlet.carries_data:
            self._outlet.datagrams.push(datagram)

    def end(self, flow: int) -> None:
        """The client has closed its UDP socket; an exit that does not hear it waits in vain."""
        self._outlet.say(flow_end_frame(flow))

    def take(self, datagram: Datagram) -> None:
        """One has come, and needs no room once it is handed on."""
        self._credit.received(len(datagram.data))
        if ack := self._credit.give(len(datagram.data)):
            self._outlet.say(ack)
        self._events.on_datagram(datagram)

    def take_end(self, flow: int) -> None:
        """The client has closed its UDP socket."""
        self._events.on_flow_end(flow)

"""The stream machine: what originator and exit say to each other inside the innermost layer."""

from masq_router.streams.association import Association
from masq_router.streams.attach import Attach, WayBack
from masq_router.streams.events import Role, StreamEvents
from masq_router.streams.frames import Open

__all__ = ["Association", "Attach", "Open", "Role", "StreamEvents", "WayBack"]

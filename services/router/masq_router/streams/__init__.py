"""The stream machine: what originator and exit say to each other inside the innermost layer."""

from masq_router.streams.association import Association, Role, StreamEvents
from masq_router.streams.frames import Attach, Open

__all__ = ["Association", "Attach", "Open", "Role", "StreamEvents"]

"""The root of all bus messages."""

import msgspec

__all__ = ["BusMessage"]


class BusMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A frozen, versioned message; unknown fields are ignored when read."""

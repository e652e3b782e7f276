"""Bus messages as bytes: MessagePack by msgspec, bounded and refused when they do not fit. Pure."""

from typing import Any, TypeVar

import msgspec

from masq_kernel.bus.messages.base import BusMessage
from masq_kernel.errors import MalformedError
from masq_kernel.identity.keys import NodeId

__all__ = ["MESSAGE_SIZE_MAX", "decode", "encode"]

M = TypeVar("M", bound=BusMessage)

MESSAGE_SIZE_MAX = 1 << 20
"""1 MiB: nats-server's default `max_payload`."""


def _plain(value: Any) -> bytes:
    """Return what stands on the bus for a value that MessagePack does not know."""
    if isinstance(value, NodeId):
        return bytes(value)
    raise NotImplementedError(f"{type(value).__name__} has no form on the bus")


def _meant(kind: type[Any], value: Any) -> Any:
    """Return the value that those bytes stand for."""
    if kind is NodeId and isinstance(value, bytes):
        return NodeId(value)
    raise ValueError(f"expected {kind.__name__}")


_encoder = msgspec.msgpack.Encoder(enc_hook=_plain)


def encode(message: BusMessage) -> bytes:
    """Return the message's bytes.

    Raises:
        MalformedError: it is larger than the bus takes; the caller should have split it.
    """
    data = _encoder.encode(message)
    if len(data) > MESSAGE_SIZE_MAX:
        raise MalformedError("bus message", f"{len(data)} bytes, limit {MESSAGE_SIZE_MAX}")
    return data


def decode(data: bytes, kind: type[M]) -> M:
    """Read a message of this kind; unknown fields are ignored.

    Raises:
        MalformedError: too large, not MessagePack, or fields of the wrong kind or size.
    """
    if len(data) > MESSAGE_SIZE_MAX:
        raise MalformedError("bus message", f"{len(data)} bytes, limit {MESSAGE_SIZE_MAX}")
    try:
        return msgspec.msgpack.decode(data, type=kind, dec_hook=_meant)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise MalformedError("bus message", f"not a {kind.__name__}: {error}") from None

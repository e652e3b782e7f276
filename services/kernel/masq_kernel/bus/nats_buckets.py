"""Retained messages on NATS: a key-value bucket of JetStream for each kind (see `Bus.follow`)."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import nats.errors
import nats.js.errors
import structlog
from nats.aio.client import Client
from nats.js.api import DiscardPolicy, StorageType, StreamConfig
from nats.js.client import JetStreamContext
from nats.js.kv import KV_DEL, KV_OP, KV_PURGE, KeyValue

from masq_kernel.bus.codec import decode, encode
from masq_kernel.bus.errors import BusUnavailable
from masq_kernel.bus.messages.base import BusMessage
from masq_kernel.bus.port import Kept
from masq_kernel.bus.subjects import Retained
from masq_kernel.errors import MalformedError

__all__ = ["follow_bucket", "keep_in_bucket", "prepare_bucket"]

M = TypeVar("M", bound=BusMessage)

BUCKET_BYTES_MAX = 256 << 20
"""A million wallets take about half of it."""

_POLL_S = 0.5
"""How soon a follower notices that the connection was lost in between."""

_FIRST_S = 5.0

_log = structlog.get_logger()


async def prepare_bucket(jetstream: JetStreamContext, retained: Retained[M]) -> None:
    """Make the bucket, or bring an old one up to date."""
    config = StreamConfig(
        name=f"KV_{retained.bucket}",
        subjects=[retained.name],
        storage=StorageType.FILE,
        max_msgs_per_subject=1,
        max_bytes=BUCKET_BYTES_MAX,
        discard=DiscardPolicy.NEW,
        allow_rollup_hdrs=True,
        deny_delete=True,
        allow_direct=True,
    )
    try:
        await jetstream.add_stream(config)
    except nats.js.errors.BadRequestError:  # it exists with other settings
        await jetstream.update_stream(config)


async def keep_in_bucket(
    jetstream: JetStreamContext, retained: Retained[M], key: str, message: M | None
) -> None:
    """Store one key, or mark it as gone.

    Raises:
        BusUnavailable: not stored.
    """
    data = b"" if message is None else encode(message)
    headers = {KV_OP: KV_DEL} if message is None else None
    try:
        await jetstream.publish(
            retained.subject(key), data, stream=f"KV_{retained.bucket}", headers=headers
        )
    except (nats.errors.Error, TimeoutError) as error:
        raise BusUnavailable(retained.name, f"not stored: {error}") from None


async def follow_bucket(
    client: Client,
    jetstream: JetStreamContext,
    retained: Retained[M],
    handler: Callable[[Kept[M]], Awaitable[None]],
) -> None:
    """Tell all that is kept, then each change; return when changes may have been missed.

    Raises:
        nats.errors.Error, TimeoutError: the bucket is not there, or cannot be read now.
    """
    connections = client.stats["reconnects"]
    bucket = await jetstream.key_value(retained.bucket)
    watcher = await bucket.watchall()
    try:
        await _tell(retained, handler, Kept(await _all(watcher, retained), is_whole=True))
        while client.is_connected and client.stats["reconnects"] == connections:
            try:
                entry = await watcher.updates(timeout=_POLL_S)  # type: ignore[no-untyped-call]
            except nats.errors.TimeoutError:
                continue
            if entry is not None:
                kept = Kept({entry.key: _read(entry, retained)}, is_whole=False)
                await _tell(retained, handler, kept)
    finally:
        await watcher.stop()  # type: ignore[no-untyped-call]


async def _all(watcher: KeyValue.KeyWatcher, retained: Retained[M]) -> dict[str, M | None]:
    found: dict[str, M | None] = {}
    while True:
        entry = await watcher.updates(timeout=_FIRST_S)  # type: ignore[no-untyped-call]
        if entry is None:
            return found
        message = _read(entry, retained)
        if message is None:
            found.pop(entry.key, None)
        else:
            found[entry.key] = message


def _read(entry: KeyValue.Entry, retained: Retained[M]) -> M | None:
    if entry.operation in (KV_DEL, KV_PURGE):
        return None
    try:
        return decode(entry.value or b"", retained.message)
    except MalformedError:
        _log.exception("retained message dropped: it cannot be read", subject=retained.name)
        return None


async def _tell(
    retained: Retained[M], handler: Callable[[Kept[M]], Awaitable[None]], kept: Kept[M]
) -> None:
    try:
        await handler(kept)
    except Exception:  # noqa: BLE001 - one of the two broad places (style rule 35)
        _log.exception("follower failed", subject=retained.name)

"""The journal of events on NATS: a JetStream stream that keeps what services tell (`Bus.read`)."""

from collections.abc import Awaitable, Callable

import nats.errors
import nats.js.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import (
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.client import JetStreamContext

from masq_kernel.bus.codec import decode
from masq_kernel.bus.port import Noted
from masq_kernel.bus.subjects import Journal
from masq_kernel.errors import MalformedError

__all__ = ["read_journal"]

EVENTS_MAX, BYTES_MAX, AGE_MAX_S = 20_000, 32 << 20, 7 * 86_400
"""What is kept: the oldest go first."""

_POLL_S = 0.5

_log = structlog.get_logger()


async def read_journal(
    client: Client,
    jetstream: JetStreamContext,
    journal: Journal,
    after: int,
    handler: Callable[[Noted], Awaitable[None]],
) -> int:
    """Tell what is kept after a place, then what comes; return the place when some may be missed.

    Raises:
        nats.errors.Error, TimeoutError: the journal is not there, or cannot be read now.
    """
    connections = client.stats["reconnects"]
    await _prepare(jetstream, journal)
    state = (await jetstream.stream_info(journal.stream)).state
    place = after if after <= state.last_seq else 0  # the server has lost its files
    config = ConsumerConfig(
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=max(1, place + 1)
    )
    subscription = await jetstream.subscribe(
        journal.subjects, stream=journal.stream, ordered_consumer=True, config=config
    )
    try:
        while client.is_connected and client.stats["reconnects"] == connections:
            try:
                received = await subscription.next_msg(timeout=_POLL_S)
            except nats.errors.TimeoutError:
                continue
            noted = _read(received, journal)
            place = received.metadata.sequence.stream
            if noted is not None:
                await handler(noted)
        return place
    finally:
        await subscription.unsubscribe()


async def _prepare(jetstream: JetStreamContext, journal: Journal) -> None:
    config = StreamConfig(
        name=journal.stream,
        subjects=[event.name for event in journal.events],
        storage=StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.OLD,
        max_msgs=EVENTS_MAX,
        max_bytes=BYTES_MAX,
        max_age=AGE_MAX_S,
    )
    try:
        await jetstream.add_stream(config)
    except nats.js.errors.BadRequestError:  # it exists with other settings
        await jetstream.update_stream(config)


def _read(received: Msg, journal: Journal) -> Noted | None:
    event = journal.event_named(received.subject)
    if event is None:
        return None
    try:
        message = decode(received.data, event.message)
    except MalformedError:
        _log.exception("event dropped: it cannot be read", subject=received.subject)
        return None
    at = received.metadata.timestamp
    return Noted(received.metadata.sequence.stream, int(at.timestamp()), event, message)

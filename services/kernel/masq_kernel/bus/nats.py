"""The bus on NATS: nats-py with JetStream, for real life.

Core NATS carries events and requests; the streams of subjects.py live in JetStream with file
storage, so what was acknowledged survives a restart of the server and of every service.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import nats.errors
import nats.js.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.client import JetStreamContext

from masq_kernel.bus.codec import MESSAGE_SIZE_MAX, decode, encode
from masq_kernel.bus.errors import BusRefused, BusTimeout, BusUnavailable, Refusal
from masq_kernel.bus.messages.base import BusMessage
from masq_kernel.bus.nats_buckets import follow_bucket, keep_in_bucket, prepare_bucket
from masq_kernel.bus.nats_journal import read_journal
from masq_kernel.bus.permissions import inbox_prefix
from masq_kernel.bus.port import REQUEST_TIMEOUT_S, Kept, Noted
from masq_kernel.bus.subjects import Event, Journal, Request, Retained, Service, Stream
from masq_kernel.ending import end_all
from masq_kernel.errors import MalformedError

__all__ = ["NatsBus"]

M = TypeVar("M", bound=BusMessage)
R = TypeVar("R", bound=BusMessage)

ERROR_HEADER = "Nats-Service-Error"
CODE_HEADER = "Nats-Service-Error-Code"

RECONNECT_WAIT_S = 0.25
"""Between attempts, for ever: a restarted server on loopback is back within a second."""

REQUESTS_AT_ONCE = 64
"""Per served subject; more questions wait in the subscription, which NATS bounds."""

STREAM_BYTES_MAX = 256 << 20
"""Months of usage of an accountant that is away; when full, new appends fail and are kept by the
router, so nothing acknowledged is ever dropped."""

DUPLICATE_WINDOW_S = 3_600.0
"""How long JetStream knows a message id: far longer than any retry of the same batch."""

RETRY_DELAY_S = 0.5
ACK_WAIT_S = 15.0
"""How long a message may be handled before it is told again: above any wait for a database, and
what a reader that was killed keeps its successor waiting."""

DRAIN_S = 3.0
FINISH_S = 5.0
"""How long `close` waits for what is being handled."""

TROUBLE_QUIET_S = 30.0
"""The same trouble is logged once in this time, however often a connection is tried."""

_FETCH_WAIT_S = 5.0
_APPEND_TIMEOUT_S = 5.0

_log = structlog.get_logger()


class NatsBus:
    """One service's connection; see `Bus` for what each verb promises."""

    def __init__(self, client: Client, service: Service) -> None:
        self._client = client
        self._service = service
        self._jetstream: JetStreamContext = client.jetstream(timeout=_APPEND_TIMEOUT_S)
        self._tasks: set[asyncio.Task[None]] = set()
        self._readers: set[asyncio.Task[None]] = set()

    @classmethod
    async def connect(
        cls,
        service: Service,
        servers: list[str],
        *,
        password: str,
        wait_s: float,
        on_state: Callable[[bool], None] = lambda _: None,
    ) -> "NatsBus":
        """Connect as the user named after the service; afterwards reconnect for ever.

        Args:
            service: who we are on the bus.
            servers: URLs of one server or of a cluster.
            password: of that user.
            wait_s: how long to try before giving up.
            on_state: told whenever the connection comes (True) or goes (False).

        Raises:
            BusUnavailable: no server took us within `wait_s`.
        """
        client, troubles = Client(), _Troubles()
        try:
            async with asyncio.timeout(wait_s):
                await _connect_patiently(client, service, servers, password, on_state, troubles)
        except TimeoutError:
            reason = f"no answer within {wait_s:g} s"
            if troubles.last:
                reason += f" ({troubles.last})"
            raise BusUnavailable("connect", reason) from None
        on_state(True)
        return cls(client, service)

    @property
    def is_connected(self) -> bool:
        """Whether messages reach the bus now."""
        return self._client.is_connected

    async def publish(self, event: Event[M], message: M) -> None:
        """Tell all that listen; dropped while disconnected."""
        if not self._client.is_connected:
            _log.warning("event dropped, the bus is not connected", subject=event.name)
            return
        try:
            await self._client.publish(event.name, encode(message))
        except nats.errors.Error as error:  # lost in this very moment, or its buffer is full
            _log.warning("event dropped", subject=event.name, reason=str(error))

    async def listen(self, event: Event[M], handler: Callable[[M], Awaitable[None]]) -> None:
        """Call `handler` for each message, one at a time."""

        async def on_message(received: Msg) -> None:
            try:
                await handler(decode(received.data, event.message))
            except Exception:  # noqa: BLE001 - one of the two broad places (style rule 35)
                _log.exception("event handler failed", subject=event.name)

        await self._client.subscribe(event.name, cb=on_message)
        await self._settle()

    async def request(
        self, request: Request[M, R], message: M, *, timeout_s: float = REQUEST_TIMEOUT_S
    ) -> R:
        """Ask and wait."""
        if not self._client.is_connected:
            raise BusUnavailable(request.name, "the bus is not connected")
        try:
            answer = await self._client.request(request.name, encode(message), timeout=timeout_s)
        except nats.errors.NoRespondersError:
            raise BusUnavailable(request.name, "nobody serves this now") from None
        except (nats.errors.TimeoutError, TimeoutError):
            raise BusTimeout(request.name, timeout_s) from None
        except nats.errors.Error as error:
            raise BusUnavailable(request.name, str(error)) from None
        headers = answer.headers or {}
        if CODE_HEADER in headers:
            raise BusRefused(Refusal(headers[CODE_HEADER]), headers.get(ERROR_HEADER, ""))
        return decode(answer.data, request.reply)

    async def serve(self, request: Request[M, R], handler: Callable[[M], Awaitable[R]]) -> None:
        """Answer each question, several at a time."""
        places = asyncio.Semaphore(REQUESTS_AT_ONCE)

        async def answer(received: Msg) -> None:
            try:
                reply = encode(await handler(decode(received.data, request.message)))
            except BusRefused as refusal:
                await self._refuse(received, refusal)
            except MalformedError as error:
                await self._refuse(received, BusRefused(Refusal.INVALID, error.reason))
            except Exception:  # noqa: BLE001 - one of the two broad places (style rule 35)
                _log.exception("request handler failed", subject=request.name)
                await self._refuse(received, BusRefused(Refusal.INTERNAL, "the service failed"))
            else:
                await received.respond(reply)
            finally:
                places.release()

        async def on_message(received: Msg) -> None:
            await places.acquire()
            self._spawn(answer(received), name=f"answer {request.name}")

        await self._client.subscribe(request.name, queue=self._service, cb=on_message)
        await self._settle()

    async def append(self, stream: Stream[M], message: M, *, message_id: str) -> None:
        """Add to a durable stream and wait until it is stored."""
        if not self._client.is_connected:
            raise BusUnavailable(stream.name, "the bus is not connected")
        headers = {"Nats-Msg-Id": message_id}
        try:
            await self._jetstream.publish(
                stream.name, encode(message), stream=stream.stream, headers=headers
            )
        except (nats.errors.Error, TimeoutError) as error:
            raise BusUnavailable(stream.name, f"not stored: {error}") from None

    async def consume(self, stream: Stream[M], handler: Callable[[M], Awaitable[None]]) -> None:
        """Call `handler` for each message in order; told again if it raises."""
        await self._prepare(stream)
        self._read_on(self._drain(stream, handler), name=f"consume {stream.name}")

    async def keep(self, retained: Retained[M], key: str, message: M | None) -> None:
        """Keep this as the newest message of a key; None: keep nothing for it."""
        if not self._client.is_connected:
            raise BusUnavailable(retained.name, "the bus is not connected")
        await keep_in_bucket(self._jetstream, retained, key, message)

    async def follow(
        self, retained: Retained[M], handler: Callable[[Kept[M]], Awaitable[None]]
    ) -> None:
        """Call `handler` with all that is kept, then with each change."""
        self._read_on(self._watch(retained, handler), name=f"follow {retained.name}")

    async def read(self, journal: Journal, handler: Callable[[Noted], Awaitable[None]]) -> None:
        """Call `handler` with all events that are kept, then with each that comes."""
        self._read_on(self._read_journal(journal, handler), name=f"read {journal.stream}")

    async def close(self) -> None:
        """Finish what is being handled, flush, and disconnect."""
        await end_all(self._readers)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=FINISH_S)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client.is_connected:
            await self._drain_connection()
        if not self._client.is_closed:
            await self._client.close()

    async def _drain_connection(self) -> None:
        """Let the server have what is unsent; it may take its time, but not for ever."""
        draining = asyncio.get_running_loop().create_task(self._client.drain(), name="drain")
        await asyncio.wait({draining}, timeout=DRAIN_S)
        if not draining.done():
            _log.warning("the bus did not let go in time")
            draining.cancel()
        elif (error := draining.exception()) is not None:  # it went away in this very moment
            _log.info("the bus was not drained", reason=str(error))

    async def _settle(self) -> None:
        """Wait until the server has seen all that was sent, a new subscription above all.

        nats-py puts the PING of a flush *before* what is still unsent, so that its first PONG
        proves nothing about a SUB; the second one does.
        """
        await self._client.flush()
        await self._client.flush()

    async def _refuse(self, received: Msg, refusal: BusRefused) -> None:
        headers = {CODE_HEADER: str(refusal.code), ERROR_HEADER: refusal.reason}
        await self._client.publish(received.reply, b"", headers=headers)

    async def _prepare(self, stream: Stream[M]) -> None:
        """Make the stream, or bring an old one up to date."""
        config = StreamConfig(
            name=stream.stream,
            subjects=[stream.name],
            storage=StorageType.FILE,
            retention=RetentionPolicy.WORK_QUEUE,  # what its one reader has finished is gone
            discard=DiscardPolicy.NEW,
            max_bytes=STREAM_BYTES_MAX,
            duplicate_window=DUPLICATE_WINDOW_S,
        )
        try:
            await self._jetstream.add_stream(config)
        except nats.js.errors.BadRequestError:  # it exists with other settings
            await self._jetstream.update_stream(config)

    async def _drain(self, stream: Stream[M], handler: Callable[[M], Awaitable[None]]) -> None:
        """Read for ever; whatever fails, come back: the server may be restarting."""
        while True:
            try:
                await self._prepare(stream)
                await self._read(stream, handler)
            except (nats.errors.Error, TimeoutError, ValueError):
                _log.warning("stream not readable now, trying again", subject=stream.name)
                await asyncio.sleep(RETRY_DELAY_S)

    async def _read(self, stream: Stream[M], handler: Callable[[M], Awaitable[None]]) -> None:
        # One message in flight keeps the order when a handler fails and is told again.
        config = ConsumerConfig(
            ack_policy=AckPolicy.EXPLICIT, max_ack_pending=1, ack_wait=ACK_WAIT_S
        )
        durable = str(stream.reader)
        subscription = await self._jetstream.pull_subscribe(
            stream.name, durable=durable, stream=stream.stream, config=config
        )
        try:
            await self._read_each(stream, handler, subscription)
        finally:  # nats-py would wait for ever to drain what nobody fetches any more
            with contextlib.suppress(nats.errors.Error):
                await subscription.unsubscribe()

    async def _read_each(
        self,
        stream: Stream[M],
        handler: Callable[[M], Awaitable[None]],
        subscription: JetStreamContext.PullSubscription,
    ) -> None:
        while True:
            try:
                received = await subscription.fetch(1, timeout=_FETCH_WAIT_S)
            except (nats.errors.TimeoutError, TimeoutError):
                await subscription.consumer_info()  # raises when the server has lost the consumer
                continue
            for message in received:
                # Shielded: `close` lets the message be finished, so that it is not told again.
                handling = self._handle(stream, handler, message)
                await asyncio.shield(self._spawn(handling, name=f"handle {stream.name}"))

    async def _handle(
        self, stream: Stream[M], handler: Callable[[M], Awaitable[None]], received: Msg
    ) -> None:
        try:
            message = decode(received.data, stream.message)
        except MalformedError:
            _log.exception("stream message dropped: it cannot be read", subject=stream.name)
            await received.term()
            return
        try:
            await handler(message)
        except Exception:  # noqa: BLE001 - one of the two broad places (style rule 35)
            _log.exception("stream handler failed; told again", subject=stream.name)
            await received.nak(delay=RETRY_DELAY_S)
        else:
            await received.ack()

    async def _watch(
        self, retained: Retained[M], handler: Callable[[Kept[M]], Awaitable[None]]
    ) -> None:
        """Follow for ever; whatever fails, begin again with all that is kept."""
        while True:
            try:
                if retained.keeper is self._service:
                    await prepare_bucket(self._jetstream, retained)
                await follow_bucket(self._client, self._jetstream, retained, handler)
            except (nats.errors.Error, TimeoutError, ValueError):
                _log.info("bucket not readable now, trying again", subject=retained.name)
                await asyncio.sleep(RETRY_DELAY_S)

    async def _read_journal(
        self, journal: Journal, handler: Callable[[Noted], Awaitable[None]]
    ) -> None:
        """Read for ever; whatever fails, go on behind the last event that was told."""
        place = 0

        async def tell(noted: Noted) -> None:
            nonlocal place
            place = noted.place
            try:
                await handler(noted)
            except Exception:  # noqa: BLE001 - one of the two broad places (style rule 35)
                _log.exception("journal handler failed", subject=noted.event.name)

        while True:
            try:
                place = await read_journal(self._client, self._jetstream, journal, place, tell)
            except (nats.errors.Error, TimeoutError, ValueError):
                _log.info("journal not readable now, trying again", subject=journal.stream)
                await asyncio.sleep(RETRY_DELAY_S)

    def _read_on(self, work: Any, *, name: str) -> None:
        reader = asyncio.get_running_loop().create_task(work, name=name)
        self._readers.add(reader)
        reader.add_done_callback(self._readers.discard)

    def _spawn(self, work: Any, *, name: str) -> asyncio.Task[None]:
        # Not a TaskGroup: these tasks end with `close`, and none may take the others down.
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


class _Troubles:
    """Logs what is wrong with the connection, once and not at each attempt."""

    def __init__(self) -> None:
        self.last = ""
        self._known: set[str] = set()
        self._fresh_until = 0.0

    async def hear(self, error: Exception) -> None:
        """Take what nats-py says."""
        self.last = str(error) or type(error).__name__
        now = asyncio.get_running_loop().time()
        if now >= self._fresh_until:
            self._known.clear()
            self._fresh_until = now + TROUBLE_QUIET_S
        if self.last not in self._known:
            self._known.add(self.last)
            _log.warning("bus trouble", problem=self.last)


async def _connect_patiently(
    client: Client,
    service: Service,
    servers: list[str],
    password: str,
    on_state: Callable[[bool], None],
    troubles: _Troubles,
) -> None:
    async def on_disconnected() -> None:
        on_state(False)

    async def on_reconnected() -> None:
        on_state(True)

    while True:
        try:
            await client.connect(
                servers,
                name=f"masq-{service}",
                user=str(service),
                password=password,
                inbox_prefix=inbox_prefix(service),
                max_reconnect_attempts=-1,
                reconnect_time_wait=RECONNECT_WAIT_S,  # type: ignore[arg-type]  # int is too coarse
                pending_size=MESSAGE_SIZE_MAX,
                allow_reconnect=True,
                disconnected_cb=on_disconnected,
                reconnected_cb=on_reconnected,
                error_cb=troubles.hear,
            )
        except (nats.errors.Error, OSError):
            await asyncio.sleep(RECONNECT_WAIT_S)
        else:
            return

"""The bus inside one process: for tests and simulation, with the semantics of the real one.

Messages are encoded and decoded as on NATS, each service may only use its own subjects, events are
told to each listener in order, and a stream keeps what its reader has not finished.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import structlog

from masq_kernel.bus.codec import decode, encode
from masq_kernel.bus.errors import BusRefused, BusTimeout, BusUnavailable, Refusal
from masq_kernel.bus.messages.base import BusMessage
from masq_kernel.bus.permissions import permissions_of
from masq_kernel.bus.port import REQUEST_TIMEOUT_S, Kept, Noted
from masq_kernel.bus.subjects import EVENTS, Event, Journal, Request, Retained, Service, Stream
from masq_kernel.errors import MalformedError

__all__ = ["MemoryBroker", "MemoryBus"]

M = TypeVar("M", bound=BusMessage)
R = TypeVar("R", bound=BusMessage)

JOURNAL_MAX = 20_000
JOURNAL_TIME = 1_800_000_000
"""Events of this bus are all of one moment."""

REDELIVERY_DELAY_S = 0.01
"""How long a stream message waits after its handler failed; short, because tests wait for it."""

_log = structlog.get_logger()


class _StreamStore:
    def __init__(self) -> None:
        self.pending: deque[bytes] = deque()
        self.ids: set[str] = set()
        self.arrived = asyncio.Event()


class _Journal:
    """The last events, and who reads them."""

    def __init__(self) -> None:
        self.kept: deque[tuple[int, str, bytes]] = deque(maxlen=JOURNAL_MAX)
        self.count = 0
        self.readers: list[asyncio.Queue[tuple[int, str, bytes]]] = []

    def note(self, name: str, data: bytes) -> None:
        if EVENTS.event_named(name) is None:
            return
        self.count += 1
        self.kept.append((self.count, name, data))
        for queue in self.readers:
            queue.put_nowait(self.kept[-1])


class _Bucket:
    """Data by key, and whoever follows: told the key that changed, or None for all of them."""

    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}
        self.followers: list[asyncio.Queue[str | None]] = []

    def tell(self, key: str | None) -> None:
        for queue in self.followers:
            queue.put_nowait(key)


class MemoryBroker:
    """What the buses of one test share; `connect` gives one service its bus."""

    def __init__(self) -> None:
        self.is_up = True
        self.listeners: dict[str, list[asyncio.Queue[bytes]]] = {}
        self.servers: dict[str, deque[Callable[[bytes], Awaitable[bytes]]]] = {}
        self._streams: dict[str, _StreamStore] = {}
        self._buckets: dict[str, _Bucket] = {}
        self.journal = _Journal()

    def connect(self, service: Service) -> "MemoryBus":
        """Return a connected bus for this service."""
        return MemoryBus(self, service)

    def go_down(self) -> None:
        """Lose the bus: events are dropped, requests and appends fail."""
        self.is_up = False

    def come_up(self) -> None:
        """Have the bus again; what streams hold is still there."""
        self.is_up = True
        for store in self._streams.values():
            store.arrived.set()
        for bucket in self._buckets.values():
            bucket.tell(None)

    def bucket(self, name: str) -> _Bucket:
        """What is retained under one name."""
        return self._buckets.setdefault(name, _Bucket())

    def stream(self, name: str) -> _StreamStore:
        """The durable store of one stream."""
        return self._streams.setdefault(name, _StreamStore())


class MemoryBus:
    """One service's connection to a MemoryBroker; see `Bus` for what each verb promises."""

    def __init__(self, broker: MemoryBroker, service: Service) -> None:
        self._broker = broker
        self._service = service
        allowed = permissions_of(service)
        self._may_publish = frozenset(allowed.publish)
        self._may_subscribe = frozenset(allowed.subscribe)
        self._tasks: set[asyncio.Task[None]] = set()
        self._undo: list[Callable[[], None]] = []

    @property
    def is_connected(self) -> bool:
        """Whether messages reach the bus now."""
        return self._broker.is_up

    async def publish(self, event: Event[M], message: M) -> None:
        """Tell all that listen; dropped while the bus is down."""
        self._check(event.name, self._may_publish)
        data = encode(message)
        if self._broker.is_up:
            for queue in self._broker.listeners.get(event.name, []):
                queue.put_nowait(data)
            self._broker.journal.note(event.name, data)

    async def listen(self, event: Event[M], handler: Callable[[M], Awaitable[None]]) -> None:
        """Call `handler` for each message, one at a time."""
        self._check(event.name, self._may_subscribe)
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        queues = self._broker.listeners.setdefault(event.name, [])
        queues.append(queue)
        self._undo.append(lambda: queues.remove(queue))
        self._spawn(self._tell(queue, event, handler), name=f"listen {event.name}")

    async def _tell(
        self, queue: asyncio.Queue[bytes], event: Event[M], handler: Callable[[M], Awaitable[None]]
    ) -> None:
        while True:
            data = await queue.get()
            try:
                await handler(decode(data, event.message))
            except Exception:  # noqa: BLE001 - one of the two broad places (style rule 35)
                _log.exception("event handler failed", subject=event.name)

    async def request(
        self, request: Request[M, R], message: M, *, timeout_s: float = REQUEST_TIMEOUT_S
    ) -> R:
        """Ask and wait."""
        self._check(request.name, self._may_publish)
        servers = self._broker.servers.get(request.name)
        if not self._broker.is_up or not servers:
            raise BusUnavailable(request.name, "nobody serves this now")
        servers.rotate(-1)  # replicas take turns
        try:
            async with asyncio.timeout(timeout_s):
                answer = await servers[0](encode(message))
        except TimeoutError:
            raise BusTimeout(request.name, timeout_s) from None
        return decode(answer, request.reply)

    async def serve(self, request: Request[M, R], handler: Callable[[M], Awaitable[R]]) -> None:
        """Answer each question."""
        self._check(request.name, self._may_subscribe)

        async def answer(data: bytes) -> bytes:
            try:
                return encode(await handler(decode(data, request.message)))
            except BusRefused:
                raise
            except MalformedError as error:
                raise BusRefused(Refusal.INVALID, error.reason) from None
            except Exception:  # noqa: BLE001 - one of the two broad places (style rule 35)
                _log.exception("request handler failed", subject=request.name)
                raise BusRefused(Refusal.INTERNAL, "the service failed") from None

        servers = self._broker.servers.setdefault(request.name, deque())
        servers.append(answer)
        self._undo.append(lambda: servers.remove(answer))

    async def append(self, stream: Stream[M], message: M, *, message_id: str) -> None:
        """Add to a durable stream; a known id adds nothing."""
        self._check(stream.name, self._may_publish)
        if not self._broker.is_up:
            raise BusUnavailable(stream.name, "the bus is down")
        store = self._broker.stream(stream.stream)
        if message_id not in store.ids:
            store.ids.add(message_id)
            store.pending.append(encode(message))
            store.arrived.set()

    async def consume(self, stream: Stream[M], handler: Callable[[M], Awaitable[None]]) -> None:
        """Call `handler` for each message in order; told again if it raises."""
        if stream.reader is not self._service:
            raise PermissionError(f"{self._service} does not read {stream.name}")
        self._spawn(self._drain(stream, handler), name=f"consume {stream.name}")

    async def _drain(self, stream: Stream[M], handler: Callable[[M], Awaitable[None]]) -> None:
        store = self._broker.stream(stream.stream)
        while True:
            if not store.pending or not self._broker.is_up:
                store.arrived.clear()
                await store.arrived.wait()
                continue
            try:
                await handler(decode(store.pending[0], stream.message))
            except Exception:  # noqa: BLE001 - one of the two broad places (style rule 35)
                _log.exception("stream handler failed; told again", subject=stream.name)
                await asyncio.sleep(REDELIVERY_DELAY_S)
            else:
                store.pending.popleft()

    async def keep(self, retained: Retained[M], key: str, message: M | None) -> None:
        """Keep this as the newest message of a key; None: keep nothing for it."""
        self._check(retained.name, self._may_publish)
        if not self._broker.is_up:
            raise BusUnavailable(retained.name, "the bus is down")
        bucket = self._broker.bucket(retained.bucket)
        if message is None:
            bucket.data.pop(key, None)
        else:
            bucket.data[key] = encode(message)
        bucket.tell(key)

    async def follow(
        self, retained: Retained[M], handler: Callable[[Kept[M]], Awaitable[None]]
    ) -> None:
        """Call `handler` with all that is kept, then with each change."""
        if self._service not in {retained.keeper, *retained.followers}:
            raise PermissionError(f"{self._service} does not follow {retained.name}")
        bucket = self._broker.bucket(retained.bucket)
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        queue.put_nowait(None)
        bucket.followers.append(queue)
        self._undo.append(lambda: bucket.followers.remove(queue))
        self._spawn(self._watch(retained, queue, handler), name=f"follow {retained.name}")

    async def _watch(
        self,
        retained: Retained[M],
        queue: asyncio.Queue[str | None],
        handler: Callable[[Kept[M]], Awaitable[None]],
    ) -> None:
        bucket = self._broker.bucket(retained.bucket)
        while True:
            key = await queue.get()
            if not self._broker.is_up:
                continue  # `come_up` tells all
            keys = list(bucket.data) if key is None else [key]
            messages = {
                each: decode(bucket.data[each], retained.message) if each in bucket.data else None
                for each in keys
            }
            try:
                await handler(Kept(messages, is_whole=key is None))
            except Exception:  # noqa: BLE001 - one of the two broad places (style rule 35)
                _log.exception("follower failed", subject=retained.name)

    async def read(self, journal: Journal, handler: Callable[[Noted], Awaitable[None]]) -> None:
        """Call `handler` with all events that are kept, then with each that comes."""
        if journal.reader is not self._service:
            raise PermissionError(f"{self._service} does not read {journal.stream}")
        queue: asyncio.Queue[tuple[int, str, bytes]] = asyncio.Queue()
        for each in self._broker.journal.kept:
            queue.put_nowait(each)
        self._broker.journal.readers.append(queue)
        self._undo.append(lambda: self._broker.journal.readers.remove(queue))
        self._spawn(self._read(queue, journal, handler), name=f"read {journal.stream}")

    async def _read(
        self,
        queue: asyncio.Queue[tuple[int, str, bytes]],
        journal: Journal,
        handler: Callable[[Noted], Awaitable[None]],
    ) -> None:
        while True:
            place, name, data = await queue.get()
            event = journal.event_named(name)
            assert event is not None
            try:
                await handler(Noted(place, JOURNAL_TIME, event, decode(data, event.message)))
            except Exception:  # noqa: BLE001 - one of the two broad places (style rule 35)
                _log.exception("journal handler failed", subject=name)

    async def close(self) -> None:
        """Stop listening and serving."""
        for undo in self._undo:
            undo()
        self._undo.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _spawn(self, work: Any, *, name: str) -> None:
        # Not a TaskGroup: the bus outlives the call that listens, and `close` ends these tasks.
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)

    def _check(self, subject: str, allowed: frozenset[str]) -> None:
        of_any_worker = subject.rpartition(".")[0] + ".*"
        if subject not in allowed and of_any_worker not in allowed:
            raise PermissionError(f"{self._service} may not use {subject}")

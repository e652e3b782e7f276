"""Who may speak and who may listen on which subject, from the table in subjects.py. Pure.

The memory bus enforces it in tests; the NATS configuration is generated from it for real life.
"""

from dataclasses import dataclass

from masq_kernel.bus.messages.base import BusMessage
from masq_kernel.bus.subjects import ALL, EVENTS, Event, Request, Retained, Service, Stream

__all__ = ["Permissions", "inbox_prefix", "permissions_of"]


@dataclass(frozen=True, slots=True)
class Permissions:
    """The subjects one service may use; NATS wildcards allowed.

    Args:
        publish: it may send here.
        subscribe: it may receive from here.
    """

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def inbox_prefix(service: Service) -> str:
    """Return where answers to this service's requests arrive; nobody else can listen there."""
    return f"_INBOX_{service}"


def permissions_of(service: Service) -> Permissions:
    """Return the least that this service needs."""
    publish: set[str] = set()
    subscribe = {f"{inbox_prefix(service)}.>"}
    for subject in ALL:
        match subject:
            case Event():
                publish.update({subject.name} if subject.speaker is service else ())
                subscribe.update({subject.name} if service in subject.listeners else ())
            case Request():
                publish.update({subject.name} if service in subject.callers else ())
                subscribe.update({subject.name} if subject.server is service else ())
                if subject.by_worker and subject.server is service:
                    publish.add(subject.of_any_worker)
                    subscribe.add(subject.of_any_worker)
            case Stream():
                publish.update({subject.name} if subject.speaker is service else ())
                publish.update(
                    _reader_subjects(subject.stream) if subject.reader is service else ()
                )
            case Retained():
                publish.update(_keeper_subjects(subject) if subject.keeper is service else ())
                is_following = service is subject.keeper or service in subject.followers
                publish.update(_follower_subjects(subject.bucket) if is_following else ())
    if EVENTS.reader is service:
        publish.update(_journal_subjects(EVENTS.stream))
    return Permissions(publish=tuple(sorted(publish)), subscribe=tuple(sorted(subscribe)))


def _reader_subjects(stream: str) -> tuple[str, ...]:
    """What JetStream asks of the reader that makes the stream and its one durable consumer."""
    return (
        "$JS.API.INFO",
        f"$JS.API.STREAM.CREATE.{stream}",
        f"$JS.API.STREAM.INFO.{stream}",
        f"$JS.API.STREAM.UPDATE.{stream}",
        f"$JS.API.CONSUMER.CREATE.{stream}.>",
        f"$JS.API.CONSUMER.DURABLE.CREATE.{stream}.>",
        f"$JS.API.CONSUMER.INFO.{stream}.>",
        f"$JS.API.CONSUMER.MSG.NEXT.{stream}.>",
        f"$JS.ACK.{stream}.>",
    )


def _journal_subjects(stream: str) -> tuple[str, ...]:
    """What is asked of the reader that makes the journal and reads it from any place."""
    return (
        f"$JS.API.STREAM.CREATE.{stream}",
        f"$JS.API.STREAM.INFO.{stream}",
        f"$JS.API.STREAM.UPDATE.{stream}",
        f"$JS.API.CONSUMER.CREATE.{stream}",
        f"$JS.API.CONSUMER.CREATE.{stream}.>",
        f"$JS.API.CONSUMER.INFO.{stream}.>",
        f"$JS.FC.{stream}.>",
    )


def _keeper_subjects(retained: Retained[BusMessage]) -> tuple[str, ...]:
    """What is asked of the one service that makes a bucket and writes into it."""
    return (
        retained.name,
        f"$JS.API.STREAM.CREATE.KV_{retained.bucket}",
        f"$JS.API.STREAM.UPDATE.KV_{retained.bucket}",
    )


def _follower_subjects(bucket: str) -> tuple[str, ...]:
    """What is asked of those who watch a bucket; none of it writes."""
    return (
        f"$JS.API.STREAM.INFO.KV_{bucket}",
        f"$JS.API.CONSUMER.CREATE.KV_{bucket}",
        f"$JS.API.CONSUMER.INFO.KV_{bucket}.>",
        f"$JS.FC.KV_{bucket}.>",
    )

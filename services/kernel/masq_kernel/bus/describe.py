"""Describe the bus: docs/bus.md for people and docs/asyncapi.json for tools, made from the code.

    python -m masq_kernel.bus.describe docs

Both are committed, and a test compares them with what this module gives.
"""

import json
import sys
import typing
from pathlib import Path
from typing import Any

import msgspec

from masq_kernel import __version__
from masq_kernel.bus.messages.base import BusMessage
from masq_kernel.bus.subjects import ALL, Event, Request, Retained, Service, Stream
from masq_kernel.identity.keys import NodeId

__all__ = ["asyncapi", "markdown"]

_Any = (
    Event[BusMessage] | Request[BusMessage, BusMessage] | Stream[BusMessage] | Retained[BusMessage]
)

_HEAD = """\
# The bus

Made by `python -m masq_kernel.bus.describe docs`; do not edit.
For tools: [asyncapi.json](asyncapi.json).

Messages are MessagePack maps, at most 1 MiB. Each service has a NATS user that may use exactly the
subjects below in the role that stands beside them. A request is answered by its reply, or refused
with the headers `Nats-Service-Error-Code` and `Nats-Service-Error`. A NodeId is 32 bytes, a
wallet a map with 20 bytes under `raw`; amounts of wei are decimal text. Where a request can also be
put to one worker, its subject ends with the worker's name, and only the workers themselves ask so.

| subject | kind | from | to | message | reply |
|---|---|---|---|---|---|
"""


def markdown() -> str:
    """Return docs/bus.md."""
    subjects = _sorted()
    rows = [f"| {' | '.join(_row(subject))} |" for subject in subjects]
    parts = [_HEAD + "\n".join(rows) + "\n"]
    parts += [_message(kind) for kind in _messages(subjects)]
    return "\n".join(parts)


def asyncapi() -> str:
    """Return docs/asyncapi.json (AsyncAPI 3.0)."""
    subjects = _sorted()
    kinds = _messages(subjects)
    _, schemas = msgspec.json.schema_components(
        kinds, schema_hook=_schema, ref_template="#/components/schemas/{name}"
    )
    document = {
        "asyncapi": "3.0.0",
        "info": {"title": "masq node, the bus", "version": __version__},
        "defaultContentType": "application/msgpack",
        "servers": {"nats": {"host": "127.0.0.1:4222", "protocol": "nats"}},
        "channels": {subject.name: _channel(subject) for subject in subjects},
        "operations": {subject.name: _operation(subject) for subject in subjects},
        "components": {
            "messages": {
                kind.__name__: {
                    "summary": _summary(kind),
                    "payload": {"$ref": f"#/components/schemas/{kind.__name__}"},
                }
                for kind in kinds
            },
            "schemas": schemas,
        },
    }
    return json.dumps(document, indent=1) + "\n"


def _schema(kind: type[Any]) -> dict[str, Any]:
    """Describe the types that msgspec does not know, as they stand in JSON."""
    if kind is NodeId:
        return {"type": "string", "contentEncoding": "base64", "description": "32 bytes"}
    raise NotImplementedError(kind.__name__)


def _sorted() -> list[_Any]:
    return sorted(ALL, key=lambda subject: subject.name)


def _messages(subjects: list[_Any]) -> list[type[BusMessage]]:
    kinds = {subject.message for subject in subjects}
    kinds |= {subject.reply for subject in subjects if isinstance(subject, Request)}
    waiting = list(kinds)
    while waiting:
        parts = set(_parts(waiting.pop())) - kinds
        kinds |= parts
        waiting += parts
    return sorted(kinds, key=lambda kind: kind.__name__)


def _parts(kind: type[BusMessage]) -> typing.Iterator[type[BusMessage]]:
    """Yield the messages that stand in the fields of this one."""
    types = [field.type for field in msgspec.structs.fields(kind)]
    while types:
        part = types.pop()
        types += typing.get_args(part)
        if isinstance(part, type) and issubclass(part, BusMessage):
            yield part


def _names(services: typing.Iterable[Service]) -> str:
    return ", ".join(sorted(services))


def _row(subject: _Any) -> tuple[str, ...]:
    name, message = f"`{subject.name}`", _link(subject.message)
    match subject:
        case Event():
            return name, "event", subject.speaker, _names(subject.listeners), message, ""
        case Request():
            callers, reply = _names(subject.callers), _link(subject.reply)
            kind = "request" if not subject.by_worker else "request; also to one worker"
            return name, kind, callers, subject.server, message, reply
        case Stream():
            return name, f"stream {subject.stream}", subject.speaker, subject.reader, message, ""
        case Retained():
            followers = _names(subject.followers)
            return name, f"bucket {subject.bucket}", subject.keeper, followers, message, ""


def _link(kind: type[BusMessage]) -> str:
    return f"[{kind.__name__}](#{kind.__name__.lower()})"


def _summary(kind: type[BusMessage]) -> str:
    doc = kind.__doc__ or ""
    return " ".join(doc.split("\n\n")[0].split())


def _message(kind: type[BusMessage]) -> str:
    lines = [f"## {kind.__name__}", "", " ".join((kind.__doc__ or "").split()), ""]
    fields = msgspec.structs.fields(kind)
    if fields:
        lines += ["| field | type |", "|---|---|"]
        lines += [f"| `{field.encode_name}` | {_type(field.type)} |" for field in fields]
        lines.append("")
    return "\n".join(lines)


def _type(kind: Any) -> str:
    """Return a type in words that a reader of another language understands."""
    supertype = getattr(kind, "__supertype__", None)
    if supertype is not None:
        return f"{kind.__name__} ({supertype.__name__})"
    arguments = typing.get_args(kind)
    if not arguments:
        return str(getattr(kind, "__name__", kind))
    origin = typing.get_origin(kind)
    if origin is typing.Literal:
        return " or ".join(f"`{each}`" for each in arguments)
    inner = [_type(each) for each in arguments if each is not Ellipsis]
    if origin in (typing.Union, type(int | str)):
        return " or ".join("nothing" if each == "NoneType" else each for each in inner)
    return f"{'map' if origin is dict else 'list'} of {', '.join(inner)}"


def _channel(subject: _Any) -> dict[str, Any]:
    kinds = [subject.message, *([subject.reply] if isinstance(subject, Request) else [])]
    return {
        "address": subject.name,
        "messages": {
            kind.__name__: {"$ref": f"#/components/messages/{kind.__name__}"} for kind in kinds
        },
    }


def _operation(subject: _Any) -> dict[str, Any]:
    """Describe a subject from the side of the service that it belongs to."""
    channel = {"$ref": f"#/channels/{subject.name}"}
    message = {"$ref": f"#/channels/{subject.name}/messages/{subject.message.__name__}"}
    operation: dict[str, Any] = {
        "action": "receive" if isinstance(subject, Request) else "send",
        "channel": channel,
        "summary": _summary(subject.message),
        "messages": [message],
    }
    if isinstance(subject, Request):
        reply = {"$ref": f"#/channels/{subject.name}/messages/{subject.reply.__name__}"}
        operation["reply"] = {"channel": channel, "messages": [reply]}
    return operation


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    (folder / "bus.md").write_text(markdown(), encoding="utf-8")
    (folder / "asyncapi.json").write_text(asyncapi(), encoding="utf-8")

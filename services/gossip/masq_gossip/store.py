"""What gossip remembers between runs: boot counter, past neighbors, bans, in `gossip.json`.

A start counts `max(stored + 1, the clock's unix seconds)`. So a lost or damaged file costs nothing:
the clock alone beats every earlier boot, and if the clock was set back the stored counter does. A
damaged file is therefore set aside as `gossip.json.damaged` and the node starts afresh.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from masq_gossip.rules.ban import Ban
from masq_gossip.rules.events import Endpoint
from masq_gossip.statement import AddressStatement
from masq_kernel.errors import MalformedError
from masq_kernel.identity.keys import NodeId
from masq_kernel.runtime.files import replace_file, unusable
from masq_kernel.units import UnixSeconds

__all__ = ["GossipStore", "Memory"]

log = structlog.get_logger(__name__)

PAST_MAX = 16
BANS_MAX = 1024
FILE_SIZE_MAX = 2 << 20


@dataclass(frozen=True, slots=True)
class Memory:
    """What was remembered: the last boot counter, neighbors that could be dialled, and bans."""

    boot: int = 0
    neighbors: tuple[Endpoint, ...] = ()
    bans: tuple[Ban, ...] = ()


class GossipStore:
    """The file, readable by its owner alone, replaced in one step."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self, now: UnixSeconds) -> Memory:
        """Count this start, on disk, and return the memory with the new boot counter.

        Raises:
            OperatorError: the file cannot be read or written.
        """
        before = self._load()
        memory = replace(before, boot=min(max(before.boot + 1, now), 2**32 - 1))
        self.save(memory)
        return memory

    def save(self, memory: Memory) -> None:
        """Replace the file.

        Raises:
            OperatorError: the file cannot be written.
        """
        try:
            replace_file(self._path, _text(memory))
        except OSError as error:
            raise unusable(self._path, "written", error) from None

    def _load(self) -> Memory:
        try:
            with self._path.open("rb") as file:
                return _parsed(file.read(FILE_SIZE_MAX + 1))
        except FileNotFoundError:
            return Memory()
        except MalformedError as error:
            self._path.replace(self._path.with_suffix(".json.damaged"))
            log.warning("gossip memory damaged, starting afresh", reason=error.reason)
            return Memory()
        except OSError as error:
            raise unusable(self._path, "read", error) from None


def _text(memory: Memory) -> str:
    neighbors = [
        {"node_id": one.node_id.text, "address": one.address, "ports": list(one.ports)}
        for one in memory.neighbors[:PAST_MAX]
    ]
    bans = [_written(ban) for ban in memory.bans[-BANS_MAX:]]
    return json.dumps({"boot": memory.boot, "neighbors": neighbors, "bans": bans}, indent=1)


def _parsed(data: bytes) -> Memory:
    what = "gossip memory"
    if len(data) > FILE_SIZE_MAX:
        raise MalformedError(what, "too long")
    try:
        content = json.loads(data)
        boot, neighbors = content["boot"], content["neighbors"]
        if type(boot) is not int or not 0 <= boot < 2**32:
            raise MalformedError(what, "boot counter out of range")
        bans = tuple(_ban(one) for one in content.get("bans", [])[:BANS_MAX])
        return Memory(boot, tuple(_endpoint(one) for one in neighbors[:PAST_MAX]), bans)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise MalformedError(what, "not what this program writes") from None


def _endpoint(content: dict[str, object]) -> Endpoint:
    """Read one neighbor, with the checks of an address statement."""
    node_id, ports = NodeId.from_text(str(content["node_id"])), content["ports"]
    if not isinstance(ports, list) or not all(type(port) is int for port in ports):
        raise MalformedError("gossip memory", "ports are not numbers")
    stated = AddressStatement(
        node_id=node_id,
        version=0,
        introducible=False,
        addresses=(str(content["address"]),),
        ports=tuple(ports),
    )
    return Endpoint(node_id, stated.addresses[0], stated.ports)


def _written(ban: Ban) -> dict[str, object]:
    return {
        "node_id": ban.node_id.text,
        "count": ban.count,
        "reason": ban.reason,
        "since": ban.since,
        "until": ban.until,
        "evidence": ban.evidence.hex(),
    }


def _ban(content: dict[str, object]) -> Ban:
    numbers = [content[key] for key in ("count", "since", "until")]
    if not all(type(number) is int and 0 <= number < 2**63 for number in numbers):
        raise MalformedError("gossip memory", "a ban's numbers are none")
    count, since, until = (int(str(number)) for number in numbers)
    return Ban(
        node_id=NodeId.from_text(str(content["node_id"])),
        count=count,
        reason=str(content["reason"]),
        since=UnixSeconds(since),
        until=UnixSeconds(until),
        evidence=bytes.fromhex(str(content["evidence"])),
    )

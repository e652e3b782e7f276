"""Who changed what over the API: a line of JSON for each change, on disk before it is answered.

Replicas of the API on one machine append to one file, a line at once (O_APPEND). What was before a
change, and what is after it, stands there too; never a token, only its id.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from masq_kernel.clock import Clock
from masq_kernel.units import UnixSeconds

__all__ = ["AuditLog", "Audited"]

FILE_MAX = 4 << 20
"""Bytes; then the file becomes the older one, and the one before that is gone."""

_log = structlog.get_logger("audit")


@dataclass(frozen=True, slots=True)
class Audited:
    """One change.

    Args:
        at: when.
        token: id of the token that did it.
        what: in short.
        details: what it was about.
    """

    at: UnixSeconds
    token: str
    what: str
    details: dict[str, Any]


class AuditLog:
    """Notes changes.

    Args:
        path: of the file; None: changes are only logged.
        clock: for their times.
    """

    def __init__(self, path: Path | None, clock: Clock) -> None:
        self._path, self._clock = path, clock

    def record(self, what: str, token_id: str, **details: Any) -> None:
        """Note one change."""
        _log.info(what, token=token_id, **details)
        if self._path is None:
            return
        entry = {"at": self._clock.unix(), "token": token_id, "what": what, "details": details}
        line = json.dumps(entry, default=str).encode() + b"\n"
        try:
            self._append(self._path, line)
        except OSError as error:  # the change is made already, and stands in the log above
            _log.error("the audit file cannot be written", reason=error.strerror)

    def newest(self) -> Iterator[Audited]:
        """Yield what was noted, the newest first."""
        if self._path is None:
            return
        for path in (self._path, _older(self._path)):
            try:
                lines = path.read_bytes().splitlines()
            except FileNotFoundError:
                continue
            for line in reversed(lines):
                entry = _read(line)
                if entry is not None:
                    yield entry

    def _append(self, path: Path, line: bytes) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, line)
            os.fsync(descriptor)
            is_full = os.fstat(descriptor).st_size > FILE_MAX
        finally:
            os.close(descriptor)
        if is_full:
            path.replace(_older(path))


def _older(path: Path) -> Path:
    return path.with_suffix(".1" + path.suffix)


def _read(line: bytes) -> Audited | None:
    """Return a line's change; None: it was cut off or is none."""
    try:
        entry = json.loads(line)
        return Audited(
            UnixSeconds(int(entry["at"])),
            str(entry["token"]),
            str(entry["what"]),
            dict(entry["details"]),
        )
    except (ValueError, KeyError, TypeError):
        return None

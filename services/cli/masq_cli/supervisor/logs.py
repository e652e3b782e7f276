"""Where the lines that a child prints go."""

import sys
from pathlib import Path
from typing import BinaryIO, Protocol

__all__ = ["BoundedLogFile", "LogSink", "PrefixedOutput"]

_LOG_SIZE_MAX = 4 << 20


class LogSink(Protocol):
    """Takes lines, each with its line end."""

    def write(self, line: bytes) -> None:
        """Take one line."""
        ...

    def close(self) -> None:
        """Take no more."""
        ...


class PrefixedOutput:
    """Passes lines on to standard error, behind the name of who said them.

    Args:
        name: stands before each line.
        stream: where they go; None: standard error.
    """

    def __init__(self, name: str, stream: BinaryIO | None = None) -> None:
        self._prefix = f"{name:<10} | ".encode()
        self._stream = stream or sys.stderr.buffer

    def write(self, line: bytes) -> None:
        """Print one line."""
        self._stream.write(self._prefix + line)
        self._stream.flush()

    def close(self) -> None:
        """Leave the shared stream open."""


class BoundedLogFile:
    """Writes lines to a file; when it is full it becomes `<name>.old` and a new one begins.

    Args:
        path: the file; its folder is made when missing.
        size_max: bytes of one file, so that both together take at most twice as much.
    """

    def __init__(self, path: Path, size_max: int = _LOG_SIZE_MAX) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path, self._size_max = path, size_max
        self._file = path.open("ab")

    def write(self, line: bytes) -> None:
        """Append one line."""
        if self._file.tell() + len(line) > self._size_max:
            self._turn_over()
        self._file.write(line)
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _turn_over(self) -> None:
        self._file.close()
        self._path.replace(self._path.with_suffix(".old"))
        self._file = self._path.open("ab")

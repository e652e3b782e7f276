"""What the demo shows: a live table on a terminal, lines in a pipe, JSON lines for programs."""

import json
import sys
from collections.abc import Mapping
from typing import Any, Protocol

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

__all__ = ["Display", "JsonDisplay", "LineDisplay", "LiveDisplay", "choose_display"]


class Display(Protocol):
    """Where the demo tells its story."""

    def stage(self, number: int, name: str, stage: str) -> None:
        """Say where a node stands: its number, its name or address, a word."""
        ...

    def tell(self, kind: str, text: str, data: Mapping[str, Any]) -> None:
        """Say a sentence; `kind` and `data` are the same for programs."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was."""
        ...


def choose_display(*, as_json: bool) -> Display:
    """Return the display that fits to what standard output is."""
    if as_json:
        return JsonDisplay()
    console = Console(highlight=False, soft_wrap=True)
    return LiveDisplay(console) if console.is_terminal else LineDisplay(console)


class JsonDisplay:
    """One JSON object a line."""

    def stage(self, number: int, name: str, stage: str) -> None:
        """Print a stage."""
        self._write({"event": "stage", "node": number, "name": name, "stage": stage})

    def tell(self, kind: str, text: str, data: Mapping[str, Any]) -> None:
        """Print the data, and the sentence for logs."""
        self._write({"event": kind, **data, "text": text})

    def close(self) -> None:
        """Nothing is held."""

    def _write(self, event: Mapping[str, Any]) -> None:
        sys.stdout.write(json.dumps(event) + "\n")
        sys.stdout.flush()


class LineDisplay:
    """Plain lines.

    Args:
        console: where they go.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._stages: dict[int, str] = {}

    def stage(self, number: int, name: str, stage: str) -> None:
        """Print a stage, unless only the name has become known."""
        if self._stages.get(number) != stage:
            self._print(f"node {number} ({name}): {stage}")
        self._stages[number] = stage

    def tell(self, kind: str, text: str, data: Mapping[str, Any]) -> None:  # noqa: ARG002
        """Print the sentence."""
        self._print(text)

    def close(self) -> None:
        """Nothing is held."""

    def _print(self, text: str) -> None:
        self._console.print(Text(text))
        self._console.file.flush()


class LiveDisplay:
    """A table that changes in place while the mesh gets ready, and then stays; sentences follow it.

    What is said before stands above it.

    Args:
        console: a terminal.
    """

    def __init__(self, console: Console) -> None:
        self._stages: dict[int, tuple[str, str]] = {}
        self._live = Live(self._table(), console=console, refresh_per_second=8, transient=False)
        self._live.start()

    def stage(self, number: int, name: str, stage: str) -> None:
        """Change one row."""
        self._stages[number] = (name, stage)
        self._live.update(self._table())

    def tell(self, kind: str, text: str, data: Mapping[str, Any]) -> None:  # noqa: ARG002
        """Print the sentence; the table has said all once the mesh is ready."""
        if kind == "ready":
            self._live.stop()
        self._live.console.print(Text(text))

    def close(self) -> None:
        """Leave the table as it is and give the cursor back."""
        self._live.stop()

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False, show_header=False)
        for number, (name, stage) in sorted(self._stages.items()):
            style = "green" if stage == "routable" else "yellow"
            table.add_row(f"  node {number}", name, Text(stage, style=style))
        return table

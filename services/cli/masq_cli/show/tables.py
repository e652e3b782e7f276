"""Tables on a terminal, plain columns in a pipe."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from masq_cli.show.values import plain
from masq_cli.show.views import View

__all__ = ["print_facts", "print_list", "print_table"]


def print_list(view: View, items: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Print a list as a table."""
    if not items:
        console.print(view.empty)
        return
    table = Table(title=view.title, title_justify="left", box=None, pad_edge=False)
    for column in view.columns:
        table.add_column(column.heading, justify="right" if column.is_number else "left")
    for item in items:
        # Text, not str: what other nodes said must not be read as markup.
        table.add_row(*(Text(column.show(item.get(column.key))) for column in view.columns))
    console.print(table)


def print_facts(title: str, facts: Mapping[str, Any], console: Console) -> None:
    """Print a resource as names and values."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, show_header=False)
    for name, value in _flat(facts):
        table.add_row(Text(name.replace("_", " ")), Text(plain(value), overflow="fold"))
    console.print(table)


def print_table(
    title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], console: Console
) -> None:
    """Print rows below headings."""
    table = Table(*headings, title=title, title_justify="left", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(cell, overflow="fold") for cell in row))
    console.print(table)


def _flat(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield from _flat(
                {str(at): each for at, each in enumerate(value, 1)}, f"{prefix}{name}."
            )
        else:
            yield f"{prefix}{name}", value

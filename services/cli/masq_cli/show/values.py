"""Single values for people: sizes, amounts, ids, times. Pure.

Much of it was said by other nodes, so nothing but printable characters gets to the terminal.
"""

from typing import Any

__all__ = ["amount", "latency", "plain", "short_id", "size", "success", "yes_no"]

_MISSING = "-"
_TEXT_SIZE_MAX = 200


def plain(value: Any) -> str:
    """Return any value as one line of printable text."""
    if value is None or value == "":
        return _MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(plain(item) for item in value) or _MISSING
    text = "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in str(value)
    )
    return text[:_TEXT_SIZE_MAX]


def yes_no(value: Any) -> str:
    """Return a truth value as a word."""
    return _MISSING if value is None else "yes" if value else "no"


def short_id(value: Any) -> str:
    """Return the beginning of a NodeId, or of each in a list."""
    if isinstance(value, list):
        return " > ".join(short_id(item) for item in value) or _MISSING
    return plain(value)[:8]


def size(value: Any) -> str:
    """Return a number of bytes with a decimal unit."""
    if not isinstance(value, int):
        return plain(value)
    number, units = float(value), ("B", "kB", "MB", "GB", "TB")
    for unit in units:
        if number < 1000 or unit == units[-1]:
            break
        number /= 1000
    return f"{value} B" if unit == "B" else f"{number:.1f} {unit}"


def amount(value: Any) -> str:
    """Return an amount of wei with its thousands apart."""
    try:
        return f"{int(value):,}".replace(",", " ")
    except (TypeError, ValueError):
        return plain(value)


def success(value: Any) -> str:
    """Return the success rate of a node's reputation; "-" if no route of ours went through it."""
    try:
        seen = float(value["served"]) + float(value["lost"])
        return f"{float(value['success_rate']):.0%}" if seen > 0 else _MISSING
    except (TypeError, KeyError, ValueError):
        return _MISSING


def latency(value: Any) -> str:
    """Return the latency of a node's reputation in milliseconds."""
    try:
        return f"{float(value['latency_ms']):.1f}"
    except (TypeError, KeyError, ValueError):
        return _MISSING

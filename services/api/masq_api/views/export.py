"""Lists for other programs, line by line: CSV (RFC 4180) and JSON Lines."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Literal

from pydantic import BaseModel

__all__ = ["MEDIA_TYPES", "Format", "exported"]

Format = Literal["csv", "jsonl"]

MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}


async def exported(
    items: AsyncIterator[BaseModel], kind: type[BaseModel], form: Format
) -> AsyncIterator[str]:
    """Yield the text of an export, a line for each item.

    Args:
        items: all of one kind.
        kind: their model; its fields are the columns.
        form: the format.
    """
    columns = list(kind.model_fields)
    if form == "csv":
        yield _row(columns)
    async for item in items:
        if form == "jsonl":
            yield item.model_dump_json() + "\n"
        else:
            content = item.model_dump(mode="json")
            yield _row(["" if content[name] is None else content[name] for name in columns])


def _row(cells: Sequence[object]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()

"""Small files of our own: readable by their owner alone, replaced in one step."""

import os
from pathlib import Path

from masq_kernel.errors import OperatorError

__all__ = ["replace_file", "unusable"]


def replace_file(path: Path, text: str) -> None:
    """Write a file so that it holds either the old text or the new, whatever happens.

    Raises:
        OSError: it cannot be written.
    """
    draft = path.with_name(path.name + ".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def unusable(path: Path, verb: str, error: OSError) -> OperatorError:
    """Return what to tell the operator of a file that cannot be read or written."""
    return OperatorError(
        f"{path} cannot be {verb}: {error.strerror}.",
        remedy="Make the data directory readable and writable for this user.",
    )

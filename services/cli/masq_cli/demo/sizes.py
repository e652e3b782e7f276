"""Sizes as people write them: 50MB, 200kB, 4096. Pure."""

import re

from masq_kernel.errors import OperatorError

__all__ = ["read_size"]

_SIZE = re.compile(r"(\d{1,12})\s*([kKMG]?)B?")
_UNITS = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9}
_SIZE_MAX = 2 * 10**9


def read_size(text: str) -> int:
    """Return a number of bytes.

    Raises:
        OperatorError: it is not a size, or more than the demo's file may have.
    """
    match = _SIZE.fullmatch(text.strip())
    size = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 1 <= size <= _SIZE_MAX:
        problem = f"{text!r} is not a size from 1 B to {_SIZE_MAX // 10**9} GB."
        raise OperatorError(problem, remedy="Write it like 50MB or 200kB.", exit_code=2)
    return size

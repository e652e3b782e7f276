"""Whole numbers of any size as bytes, one way to write each: for hashing and for cells. Pure.

length (1 byte)   two's complement, big-endian, as short as can be
"""

__all__ = ["NumberReader", "number_bytes"]

_SIZE_MAX = 64
"""Sums of many amounts of 2**256 fit many times over."""


def number_bytes(value: int) -> bytes:
    """Return a number's one and only form."""
    size = (value.bit_length() + 8) >> 3
    assert size <= _SIZE_MAX
    return size.to_bytes(1, "big") + value.to_bytes(size, "big", signed=True)


class NumberReader:
    """Reads numbers one after another.

    Args:
        data: what `number_bytes` gave, joined.
        start: where the first one stands.
    """

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes, start: int = 0) -> None:
        self._data, self._at = data, start

    def next(self) -> int:
        """Return the next number.

        Raises:
            ValueError: there is none, or it is not written the one way.
        """
        begin = self._at + 1
        size = self._data[self._at] if self._at < len(self._data) else 0
        end = begin + size
        value = int.from_bytes(self._data[begin:end], "big", signed=True)
        if (
            not 0 < size <= _SIZE_MAX
            or end > len(self._data)
            or (value.bit_length() + 8) >> 3 != size
        ):
            raise ValueError("not a number")
        self._at = end
        return value

    @property
    def is_at_end(self) -> bool:
        """Whether all has been read."""
        return self._at == len(self._data)

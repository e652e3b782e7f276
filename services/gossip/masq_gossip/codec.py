"""Read canonical bytes from a stranger without trusting a single length. Pure."""

from masq_kernel.errors import MalformedError
from masq_kernel.identity.keys import NODE_ID_SIZE, NodeId

__all__ = ["Reader"]


class Reader:
    """A cursor over bytes that raises MalformedError instead of reading past the end.

    Args:
        what: the thing being read, for the error's sentence.
        data: all of its bytes.
    """

    def __init__(self, what: str, data: bytes) -> None:
        self._what, self._data, self._at = what, data, 0

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        end = self._at + size
        if end > len(self._data):
            raise MalformedError(self._what, "ends early")
        chunk = self._data[self._at : end]
        self._at = end
        return chunk

    def number(self, size: int) -> int:
        """Return the next unsigned big-endian number of `size` bytes."""
        return int.from_bytes(self.take(size), "big")

    def count(self, size: int, *, limit: int) -> int:
        """Return a count of `size` bytes that may not exceed `limit`."""
        count = self.number(size)
        if count > limit:
            raise MalformedError(self._what, f"a count above {limit}")
        return count

    def node_id(self) -> NodeId:
        """Return the next NodeId."""
        return NodeId(self.take(NODE_ID_SIZE))

    def block(self, *, limit: int) -> bytes:
        """Return a run of bytes that is preceded by its length in two bytes."""
        return self.take(self.count(2, limit=limit))

    def refuse(self, reason: str) -> MalformedError:
        """Return the error for content that parses but may not be."""
        return MalformedError(self._what, reason)

    def finish(self) -> None:
        """Refuse what is left over: every content has one spelling."""
        if self._at != len(self._data):
            raise MalformedError(self._what, "bytes left over")

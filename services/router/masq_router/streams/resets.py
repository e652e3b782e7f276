"""What an exit has reset, and why, in case the RESET is lost with its route. Pure."""

from collections.abc import Container, Iterator

from masq_router.streams.errors import ResetCode

__all__ = ["RESETS_KEPT", "RememberedResets"]

RESETS_KEPT = 1024
"""As many as an association may have streams."""


class RememberedResets:
    """The latest reasons, by stream."""

    def __init__(self) -> None:
        self._codes: dict[int, ResetCode] = {}

    def __iter__(self) -> Iterator[tuple[int, ResetCode]]:
        return iter(self._codes.items())

    def remember(self, stream_id: int, code: ResetCode) -> None:
        """Note one; the oldest is forgotten when there are too many."""
        self._codes[stream_id] = code
        if len(self._codes) > RESETS_KEPT:
            del self._codes[next(iter(self._codes))]

    def keep(self, stream_ids: Container[int]) -> None:
        """Forget all others: their originator has heard."""
        self._codes = {key: code for key, code in self._codes.items() if key in stream_ids}

    def reason(self, stream_id: int) -> ResetCode:
        """Return why this one was reset, as far as it is known."""
        return self._codes.get(stream_id, ResetCode.GENERAL)

"""Why an exit does not connect."""

from masq_kernel.errors import MasqError
from masq_router.streams.errors import ResetCode

__all__ = ["TargetRefused"]


class TargetRefused(MasqError):  # noqa: N818 - states a fact
    """A target that is not, or cannot be, connected to. Names no target: logs must not either.

    Args:
        code: what the originator is told.
    """

    def __init__(self, code: ResetCode) -> None:
        super().__init__(code.name.lower().replace("_", " "))
        self.code = code

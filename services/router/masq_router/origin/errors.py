"""Why this node cannot serve its own client."""

from masq_kernel.errors import MasqError
from masq_router.streams.errors import ResetCode

__all__ = ["CannotServe"]


class CannotServe(MasqError):  # noqa: N818 - states a fact
    """A client's request that ends before its exit was asked, or because it was not reached.

    Args:
        code: what the client is told.
    """

    def __init__(self, code: ResetCode) -> None:
        super().__init__(code.name.lower().replace("_", " "))
        self.code = code

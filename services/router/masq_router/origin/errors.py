"""Why this node cannot serve its own client."""

from masq_kernel.errors import MasqError
from masq_router.streams.errors import ResetCode

__all__ = ["CannotServe", "NoAnswer"]


class CannotServe(MasqError):  # noqa: N818 - states a fact
    """A client's request that ends before its exit was asked, or because it was not reached.

    Args:
        code: what the client is told.
        reason: what the operator is told, a sentence without a target in it.
    """

    def __init__(self, code: ResetCode, reason: str = "") -> None:
        self.code, self.reason = code, reason or code.name.lower().replace("_", " ")
        super().__init__(self.reason)


class NoAnswer(CannotServe):
    """A service of ours does not answer, so nothing is known of routes.

    Args:
        reason: what the operator is told.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(ResetCode.NO_ROUTE, reason)

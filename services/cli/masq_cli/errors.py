"""What the `masq` command says when it cannot do what it was told.

OperatorError
|- ApiUnreachable    nobody answers there, or a part of the node is down    (exit code 3)
|- ApiRefused        the token is missing, unknown or not meant for this    (exit code 4)
|- ApiFailed         the node answered that it could not                    (exit code 1)
+- CheckFailed       the demo's mesh did not do what it must                (exit code 1)
"""

from masq_kernel.errors import OperatorError

__all__ = ["ApiFailed", "ApiRefused", "ApiUnreachable", "CheckFailed"]


class ApiUnreachable(OperatorError):  # noqa: N818 - states a fact
    """Nobody answers, or a part of the node is down."""

    def __init__(self, problem: str, *, remedy: str) -> None:
        super().__init__(problem, remedy=remedy, exit_code=3)


class ApiRefused(OperatorError):  # noqa: N818 - states a fact
    """The node does not let us."""

    def __init__(self, problem: str, *, remedy: str) -> None:
        super().__init__(problem, remedy=remedy, exit_code=4)


class ApiFailed(OperatorError):  # noqa: N818 - states a fact
    """The node answered that it could not."""


class CheckFailed(OperatorError):  # noqa: N818 - states a fact
    """The demo's mesh did not do what it must."""

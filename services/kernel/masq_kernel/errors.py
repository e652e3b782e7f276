"""The root of every error this project raises on purpose.

MasqError
|- RemoteError           somebody else's fault: a peer, a client, a file; refuse and go on
|  +- MalformedError     bytes or text that do not parse
+- OperatorError         the operator can mend it; printed with the remedy, never a traceback

Each package draws its own branch at the top of its `errors.py`.
"""

__all__ = ["MalformedError", "MasqError", "OperatorError", "RemoteError"]


class MasqError(Exception):
    """Base of all errors raised on purpose."""


class RemoteError(MasqError):
    """Somebody else's fault: input that we refuse and survive."""


class MalformedError(RemoteError):
    """Bytes or text that are not what they should be.

    Args:
        what: the thing that was being read, in the words of the glossary.
        reason: why it was refused; never contains the input itself.
    """

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"malformed {what}: {reason}")
        self.what, self.reason = what, reason


class OperatorError(MasqError):
    """Something that the operator can mend.

    Args:
        problem: a sentence that says what is wrong.
        remedy: a sentence that says what to do next.
        exit_code: the process's exit code (1 failed, 2 usage, 3 unreachable, 4 refused).
    """

    def __init__(self, problem: str, *, remedy: str, exit_code: int = 1) -> None:
        super().__init__(f"{problem} {remedy}")
        self.problem, self.remedy, self.exit_code = problem, remedy, exit_code

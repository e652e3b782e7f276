"""Failures that cross the bus, as codes.

BusError
|- BusRefused        the other side answered with a code (NATS micro-service error headers)
|- BusTimeout        nobody answered in time
+- BusUnavailable    no connection, or no such service is running
"""

from enum import StrEnum

from masq_kernel.errors import MasqError

__all__ = ["BusError", "BusRefused", "BusTimeout", "BusUnavailable", "Refusal"]


class Refusal(StrEnum):
    """Why a service refuses a request; the api maps each to an HTTP status."""

    INVALID = "invalid"  # 422
    NOT_FOUND = "not-found"  # 404
    CONFLICT = "conflict"  # 409
    LIMITED = "limited"  # 429
    NO_ROUTE = "no-route"  # 503: the neighborhood has no such route now
    NO_WALLET = "no-wallet"  # 503: no consuming wallet is set
    NOT_READY = "not-ready"  # 503: still starting or shutting down
    INTERNAL = "internal"  # 502: a defect on the other side; its log has the story


class BusError(MasqError):
    """A request or an append that came to nothing."""


class BusRefused(BusError):  # noqa: N818 - read as facts at the call
    """The other side refuses.

    Raised by handlers to refuse, and raised again at the caller.

    Args:
        code: why.
        reason: one sentence for people.
    """

    def __init__(self, code: Refusal, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code, self.reason = code, reason


class BusTimeout(BusError):  # noqa: N818 - read as facts at the call
    """Nobody answered within the deadline."""

    def __init__(self, subject: str, timeout_s: float) -> None:
        super().__init__(f"no answer on {subject} within {timeout_s:g} s")
        self.subject, self.timeout_s = subject, timeout_s


class BusUnavailable(BusError):  # noqa: N818 - read as facts at the call
    """The bus is not connected, or no service serves this subject now."""

    def __init__(self, subject: str, reason: str) -> None:
        super().__init__(f"{subject}: {reason}")
        self.subject, self.reason = subject, reason

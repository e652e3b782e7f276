"""What every service answers: is it well, and what does it count."""

import msgspec

from masq_kernel.bus.messages.base import BusMessage

__all__ = ["Done", "HealthReported", "HealthRequested", "MetricsReported", "MetricsRequested"]


class Done(BusMessage, frozen=True):
    """The empty answer of a request that only has an effect."""


class HealthRequested(BusMessage, frozen=True):
    """How are you?"""


class HealthReported(BusMessage, frozen=True):
    """The state of one process.

    `dependencies` maps the name of each thing it needs to `ok` or to a sentence that says what is
    wrong.
    """

    service: str
    ready: bool
    version: str
    pid: int
    uptime_s: float
    dependencies: dict[str, str] = msgspec.field(default_factory=dict)


class MetricsRequested(BusMessage, frozen=True):
    """Show your counters."""


class MetricsReported(BusMessage, frozen=True):
    """Prometheus text exposition format 0.0.4."""

    text: str

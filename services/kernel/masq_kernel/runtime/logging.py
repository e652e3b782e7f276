"""Log lines: short sentences plus fields, to standard error, without what must stay private."""

import logging
import sys
from typing import Any, Literal

import structlog

__all__ = ["PRIVATE_FIELDS", "configure_logging", "hide_private_fields"]

PRIVATE_FIELDS = frozenset(
    {"address", "destination", "host", "key", "passphrase", "password", "secret", "target", "token"}
)
"""Fields that never reach a log, whoever passes them: where users go, where peers are, secrets."""


def hide_private_fields(
    _logger: Any, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Replace the value of each private field (a structlog processor)."""
    for name in PRIVATE_FIELDS & event.keys():
        event[name] = "[private]"
    return event


def configure_logging(
    service: str, *, level: str = "info", style: Literal["json", "console"] = "json"
) -> None:
    """Set up structlog for this process.

    Args:
        service: stands in each line.
        level: debug, info, warning or error.
        style: json for machines, console for people.
    """
    renderer: structlog.typing.Processor
    renderer = structlog.processors.JSONRenderer()
    if style == "console":
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            hide_private_fields,
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)

"""Where `masq` begins: loading the command takes half a second, in which Ctrl-C is no mistake."""

__all__ = ["main"]

_INTERRUPTED = 130
"""128 + SIGINT, as shells count."""


def main() -> int:
    """Load the command and run it; return its exit code."""
    try:
        from masq_cli.main import main as run
    except KeyboardInterrupt:
        return _INTERRUPTED
    return run()

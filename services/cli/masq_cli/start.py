"""Where `masq` begins: loading the command takes half a second, in which Ctrl-C is no mistake.

Libraries that are being loaded may catch the KeyboardInterrupt, or make another error of it: one
Ctrl-C in a hundred got lost, and the command went on. So meanwhile the signal just ends us.
"""

import signal

__all__ = ["main"]

_INTERRUPTED = 130
"""128 + SIGINT, as shells count."""


def main() -> int:
    """Load the command and run it; return its exit code."""
    try:
        is_heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if is_heard:  # not when somebody, a shell for example, has us ignore it
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        from masq_cli.main import main as run

        if is_heard:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return run()
    except KeyboardInterrupt:
        return _INTERRUPTED

"""What is running on this machine because of a test."""

import signal
from pathlib import Path

import psutil


def hear_ctrl_c() -> None:
    """Run in a child before its program: what a shell starts in the background ignores Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def processes_of(folder: Path, needle: str = "") -> list[psutil.Process]:
    """Return the processes whose command line names something in `folder`, and `needle`."""
    found = []
    for process in psutil.process_iter():
        try:
            command = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if str(folder) in command and needle in command:
            found.append(process)
    return found

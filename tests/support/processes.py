"""What is running on this machine because of a test."""

from pathlib import Path

import psutil


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

"""One child process: started so that it cannot outlive us, read, and ended for certain.

The child leads a process group of its own: Ctrl-C in a terminal reaches only us, and we decide the
order of the stop. The kernel kills it when we die in whatever way (prctl(2), PR_SET_PDEATHSIG).
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections import deque
from collections.abc import Mapping, Sequence

from masq_cli.supervisor.logs import LogSink

__all__ = ["Child"]

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

_LINE_SIZE_MAX = 64 << 10
_LAST_LINES = 20
_LAST_WORDS_MAX = 500


class Child:
    """A running child.

    Args:
        process: as asyncio started it; its output is one pipe.
        sink: takes its output.
    """

    def __init__(self, process: asyncio.subprocess.Process, sink: LogSink) -> None:
        self._process, self._sink = process, sink
        self._lines: deque[bytes] = deque(maxlen=_LAST_LINES)

    @classmethod
    async def start(
        cls, command: Sequence[str], environment: Mapping[str, str], sink: LogSink
    ) -> "Child":
        """Start a child.

        Raises:
            OSError: the program cannot be run.
        """
        parent = os.getpid()
        process = await asyncio.create_subprocess_exec(
            *command,
            env=dict(environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            limit=_LINE_SIZE_MAX,
            preexec_fn=lambda: _die_with(parent),
        )
        return cls(process, sink)

    @property
    def pid(self) -> int:
        """Its process id, which is also that of its group."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it lives."""
        return self._process.returncode

    async def wait(self) -> int:
        """Pass its output on until it ends; return its exit code, negative for a signal."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._read_output(), name=f"read output of {self.pid}")
            exit_code = await self._process.wait()
            await self.kill()  # what it started may still hold the pipe open
        return exit_code

    async def stop(self, grace_s: float) -> None:
        """Ask it to end; after the grace, end it and whatever it started."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self._process.wait()
        await self.kill()

    async def kill(self) -> None:
        """End it and its group at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        await self._process.wait()

    def last_words(self, name: str) -> str:
        """Return what it said last: its own sentence `masq <name>: ...` if it said one."""
        lines = [line.decode(errors="replace").strip() for line in self._lines]
        spoken = [line for line in lines if line]
        mark = f"masq {name}: "
        sentences = [line.removeprefix(mark) for line in spoken if line.startswith(mark)]
        return (sentences or spoken or [""])[-1][:_LAST_WORDS_MAX]

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def _read_output(self) -> None:
        output = self._process.stdout
        assert output is not None
        while True:
            try:
                line = await output.readline()
            except ValueError:  # longer than the limit; the reader has dropped it
                line = b"(a line too long to show)\n"
            if not line:
                return
            self._lines.append(line)
            self._sink.write(line if line.endswith(b"\n") else line + b"\n")


def _die_with(parent: int) -> None:
    """Run in the child before the program: let the kernel kill it when its parent is gone."""
    if _LIBC is None:
        return
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we could ask
        os._exit(1)

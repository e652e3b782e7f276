"""The supervisor with real child processes."""

import asyncio
import os
import signal
import sys
import textwrap
import time
from contextlib import asynccontextmanager

import psutil
import pytest

from masq_cli.supervisor import KeptProcess, Outfit, ProcessSpec, ProcessState, RestartPolicy
from masq_kernel.clock import SystemClock
from masq_kernel.entropy import SeededEntropy
from masq_kernel.errors import OperatorError

QUICK = RestartPolicy(first_s=0.05, longest_s=0.2, good_run_s=30, jitter=0)
SLEEP = "import time; time.sleep(60)"


class Memory:
    """A log sink that remembers."""

    def __init__(self):
        self.lines, self.is_closed = [], False

    def write(self, line):
        self.lines.append(line)

    def close(self):
        self.is_closed = True


class Kept:
    """A kept process with everything that was heard of it."""

    def __init__(self, code, policy=QUICK, *, grace_s=5.0, ready=None, name="child"):
        self.events, self.log = [], Memory()
        outfit = Outfit(
            clock=SystemClock(),
            entropy=SeededEntropy(1),
            environment=os.environ,
            sink=lambda _: self.log,
            on_event=self.events.append,
            policy=policy,
        )
        command = (sys.executable, "-c", textwrap.dedent(code))
        spec = ProcessSpec(name=name, command=command, ready=ready, grace_s=grace_s)
        self.process = KeptProcess(spec, outfit)

    def states(self):
        return [event.state for event in self.events]

    async def until(self, condition, timeout_s=10):
        async with asyncio.timeout(timeout_s):
            while not condition():
                await asyncio.sleep(0.01)


@asynccontextmanager
async def kept(code, **options):
    child = Kept(code, **options)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(child.process.run())
        try:
            yield child
        finally:
            await child.process.stop()


def is_alive(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


async def test_a_crashed_process_is_started_again_with_growing_waits():
    async with kept("import sys; sys.exit('it broke')") as child:
        await child.until(lambda: child.states().count(ProcessState.BACKING_OFF) == 4)
    ends = [event for event in child.events if event.state is ProcessState.BACKING_OFF]
    assert [event.wait_s for event in ends[:4]] == [0.05, 0.1, 0.2, 0.2]
    assert {event.exit_code for event in ends} == {1}
    assert {event.reason for event in ends} == {"it broke"}
    assert [event.restarts for event in ends[:4]] == [0, 1, 2, 3]


async def test_a_killed_process_comes_back_under_another_pid():
    async with kept(SLEEP) as child:
        await child.until(lambda: ProcessState.RUNNING in child.states())
        first = child.process.last.pid
        os.kill(first, signal.SIGKILL)
        await child.until(lambda: child.states().count(ProcessState.RUNNING) == 2)
        ended = next(e for e in child.events if e.state is ProcessState.BACKING_OFF)
        assert ended.exit_code == -signal.SIGKILL
        assert child.process.last.pid != first
        assert child.process.last.restarts == 1


@pytest.mark.parametrize("code", [2, 4])
async def test_settings_or_keys_that_are_refused_are_not_tried_again(code):
    program = f"""
        import sys
        print("masq router: `port` is not usable. Correct it.", file=sys.stderr)
        print("something else", file=sys.stderr)
        sys.exit({code})
    """
    async with kept(program, name="router") as child:
        await child.until(lambda: ProcessState.FAILED in child.states())
        await asyncio.sleep(0.3)
    assert child.states().count(ProcessState.STARTING) == 1
    failed = child.events[-1]
    assert failed.exit_code == code
    assert failed.reason == "`port` is not usable. Correct it."
    assert child.log.is_closed


async def test_a_program_that_is_not_there_is_said():
    child = Kept("")
    child.process.spec = ProcessSpec(name="child", command=("/nowhere/to/be/found",))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(child.process.run())
        await child.until(lambda: ProcessState.BACKING_OFF in child.states())
        await child.process.stop()
    assert "/nowhere/to/be/found cannot be run" in child.events[1].reason


async def test_a_process_is_kept_until_it_is_told_to_stop():
    """Its node is not started a second time meanwhile: the two would fight for the ports."""
    async with kept(SLEEP) as child:
        await child.until(lambda: ProcessState.RUNNING in child.states())
        assert child.process.is_kept
        await child.process.kill()
        assert not child.process.is_kept


async def test_a_stop_lets_the_process_end_in_its_own_way():
    program = """
        import os, signal, sys, time
        def end(*_):
            os.write(1, b"goodbye\\n")  # print may be under way
            sys.exit(0)
        signal.signal(signal.SIGTERM, end)
        print("hello", flush=True)
        time.sleep(60)
    """
    async with kept(program) as child:
        await child.until(lambda: b"hello\n" in child.log.lines)
    assert child.log.lines == [b"hello\n", b"goodbye\n"]
    assert child.states()[-1] is ProcessState.STOPPED


async def test_a_stubborn_process_and_what_it_started_are_killed_after_the_grace():
    program = """
        import signal, subprocess, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        print(other.pid, flush=True)
        time.sleep(60)
    """
    async with kept(program, grace_s=0.3) as child:
        await child.until(lambda: child.log.lines)
        pids = [child.process.last.pid, int(child.log.lines[0])]
        assert all(is_alive(pid) for pid in pids)
        began = time.monotonic()
    assert 0.3 <= time.monotonic() - began < 3
    await child.until(lambda: not any(is_alive(pid) for pid in pids))


async def test_a_stop_does_not_wait_for_the_back_off():
    policy = RestartPolicy(first_s=60, longest_s=60)
    async with kept("import sys; sys.exit(1)", policy=policy) as child:
        await child.until(lambda: ProcessState.BACKING_OFF in child.states())
        began = time.monotonic()
    assert time.monotonic() - began < 1
    assert child.states()[-1] is ProcessState.STOPPED


async def test_a_process_that_never_gets_ready_is_started_again():
    async def never():
        await asyncio.sleep(0.1)
        raise OperatorError("It does not answer.", remedy="Wait.")

    async with kept(SLEEP, ready=never) as child:
        await child.until(lambda: child.states().count(ProcessState.STARTING) == 2)
        assert ProcessState.RUNNING not in child.states()


async def test_lines_of_any_length_and_bytes_are_passed_on():
    program = """
        import sys
        sys.stdout.buffer.write(b"x" * 300_000 + b"\\n" + b"\\xff\\xfe\\n" + b"no line end")
    """
    async with kept(program) as child:
        await child.until(lambda: ProcessState.BACKING_OFF in child.states())
    assert b"\xff\xfe\n" in child.log.lines
    assert b"no line end\n" in child.log.lines
    assert max(len(line) for line in child.log.lines) <= 64 << 10


async def test_a_cancelled_keeper_leaves_no_process_behind():
    child = Kept(SLEEP)
    keeper = asyncio.get_running_loop().create_task(child.process.run())
    await child.until(lambda: ProcessState.RUNNING in child.states())
    pid = child.process.last.pid
    keeper.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeper
    assert not is_alive(pid)


async def test_children_are_gone_when_their_supervisor_is_killed(tmp_path):
    program = f"""
        import asyncio, os, sys
        from masq_cli.supervisor import KeptProcess, Outfit, ProcessSpec
        from masq_cli.supervisor.logs import BoundedLogFile
        from masq_kernel.clock import SystemClock
        from masq_kernel.entropy import OsEntropy
        from pathlib import Path

        def tell(event):
            if event.pid:
                print(event.pid, flush=True)

        stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"
        outfit = Outfit(
            clock=SystemClock(), entropy=OsEntropy(), environment=os.environ,
            sink=lambda name: BoundedLogFile(Path({str(tmp_path)!r}) / name), on_event=tell,
        )
        spec = ProcessSpec(name="x", command=(sys.executable, "-c", stubborn))
        asyncio.run(KeptProcess(spec, outfit).run())
    """
    supervisor = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", textwrap.dedent(program)), stdout=asyncio.subprocess.PIPE
    )
    pid = int(await asyncio.wait_for(supervisor.stdout.readline(), 10))
    assert is_alive(pid)
    supervisor.kill()
    await supervisor.wait()
    async with asyncio.timeout(5):
        while is_alive(pid):
            await asyncio.sleep(0.02)

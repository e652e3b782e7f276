"""Scans: by themselves, by hand, never twice at once, and sooner again after a failure."""

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest
from sqlalchemy.exc import OperationalError

from masq_accountant.errors import ChainUnavailable, LedgerReadOnly
from masq_accountant.scans import Outcome, Scan, ScanBusy, Scans
from masq_accountant.unbroken import unbroken
from masq_kernel.clock import SystemClock


class Work:
    """Counts, waits for leave, and fails as a test says."""

    def __init__(self):
        self.count, self.error = 0, None
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def __call__(self):
        self.count += 1
        await self.may_end.wait()
        if self.error is not None:
            raise self.error
        return Outcome(f"number {self.count}", changed=self.count)


def make(work, **changes):
    fields = {"kind": "payables", "interval_s": 3_600.0, "timeout_s": 5.0}
    return Scan(**{**fields, "work": work, **changes})


@asynccontextmanager
async def running(scan):
    [(name, run)] = Scans(SystemClock(), [scan]).background()
    assert name == "scan payables"
    task = asyncio.get_running_loop().create_task(run(), name=name)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def test_it_begins_by_itself_and_again_after_its_interval():
    work = Work()
    scan = make(work, interval_s=0.02)
    async with running(scan):
        await until(lambda: work.count >= 3)
    assert scan.runs >= 2
    assert scan.outcome.text.startswith("number")
    assert scan.started_at <= scan.finished_at


async def test_by_hand_it_begins_at_once_and_never_twice():
    work = Work()
    scan = make(work)
    async with running(scan):
        await until(lambda: scan.runs == 1)
        assert scan.next_at is not None
        work.may_end.clear()
        scan.start()
        with pytest.raises(ScanBusy):
            scan.start()
        await until(lambda: work.count == 2)
        with pytest.raises(ScanBusy):
            scan.start()
        work.may_end.set()
        await until(lambda: scan.runs == 2 and not scan.is_running)
        scan.start()
        await until(lambda: scan.runs == 3)


async def test_with_scans_off_it_only_begins_by_hand():
    work = Work()
    scan = make(work, interval_s=0)
    async with running(scan):
        await asyncio.sleep(0.05)
        assert work.count == 0
        for number in (1, 2):
            scan.start()
            await until(lambda number=number: scan.runs == number)
        assert scan.next_at is None


async def test_one_that_waits_begins_when_it_may_or_by_hand():
    for begin in ("allow", "start"):
        work = Work()
        scan = make(work, waits=True)
        async with running(scan):
            await asyncio.sleep(0.03)
            assert work.count == 0
            getattr(scan, begin)()
            await until(lambda scan=scan: scan.runs == 1)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ChainUnavailable("rpc: HTTP 503"), "HTTP 503"),
        (LedgerReadOnly("entry 1"), "read-only: entry 1"),
        (OperationalError("SELECT secret", {}, Exception("disk")), "cannot be written"),
    ],
)
async def test_what_fails_is_said_and_tried_again_sooner_each_time_later(error, words):
    work = Work()
    work.error = error
    scan = make(work)
    async with running(scan):
        await until(lambda: scan.runs == 1)
        assert words in scan.outcome.text
        assert "secret" not in scan.outcome.text
        waits = [scan._wait_s()]
        for runs in (2, 3):
            scan.start()
            await until(lambda runs=runs: scan.runs == runs)
            waits.append(scan._wait_s())
        assert waits == [5, 10, 20]
        scan.failures = 50
        assert scan._wait_s() == 3_600, "no later than its interval"
        work.error = None
        scan.start()
        await until(lambda: scan.runs == 4)
        assert (scan.failures, scan._wait_s()) == (0, 3_600)


async def test_one_that_takes_too_long_is_given_up():
    work = Work()
    work.may_end.clear()
    scan = make(work, timeout_s=0.02)
    async with running(scan):
        await until(lambda: scan.runs == 1)
    assert scan.outcome == Outcome("it was given up after 0.02 s", is_well=False)


async def test_what_is_being_written_is_finished_when_time_is_up():
    written = []

    async def write():
        await asyncio.sleep(0.05)
        written.append("committed")
        await asyncio.sleep(0)
        written.append("noted")

    async def work():
        await unbroken(write(), name="write")
        written.append("never")
        return Outcome("")

    scan = make(work, timeout_s=0.02)
    async with running(scan):
        await until(lambda: scan.runs == 1)
    assert written == ["committed", "noted"]
    assert not scan.outcome.is_well


async def test_unbroken_hands_on_results_and_errors():
    async def good():
        return 5

    async def bad():
        raise ValueError

    assert await unbroken(good(), name="good") == 5
    with pytest.raises(ValueError, match=r"^$"):
        await unbroken(bad(), name="bad")


async def test_an_interval_is_changed_while_it_waits():
    work = Work()
    scan = make(work)
    async with running(scan):
        await until(lambda: scan.runs == 1)
        scan.change_interval(0.05)
        await until(lambda: scan.runs >= 3)
        scan.change_interval(0)
        runs = scan.runs
        await asyncio.sleep(0.2)
        assert scan.runs <= runs + 1
        assert scan.next_at is None
        scan.change_interval(0.01)
        await until(lambda: scan.runs > runs + 1)

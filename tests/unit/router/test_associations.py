"""Whose association an ATTACH speaks of, at the exit."""

import asyncio

from masq_kernel.clock import ManualClock
from masq_kernel.identity.keys import WalletAddress
from masq_router.exit.associations import Associations
from masq_router.exit.detached import DETACHED_HOLD_S
from masq_router.exit.quota import StreamCounts
from masq_router.exit.streams import ExitStreams
from masq_router.streams import Attach
from masq_router.wire.frames import TeardownReason
from support.stream_pair import SECRET, WAY_BACK

ALICE, MALLORY = WalletAddress(bytes([1]) * 20), WalletAddress(bytes([2]) * 20)


class Waiting:
    """A connector that never comes to an end."""

    async def connect(self, host, port, make_protocol):
        await asyncio.Event().wait()


class Exit:
    """The associations of an exit whose sockets never connect."""

    def __init__(self, tasks, **limits):
        self.clock = ManualClock()
        self.counts = StreamCounts()
        self._tasks = tasks
        self.served = Associations(
            counts=self.counts, make_streams=self._make, clock=self.clock, **limits
        )

    def _make(self, quota):
        return ExitStreams(connector=Waiting(), quota=quota, tasks=self._tasks, clock=self.clock)

    def begin(self, secret=SECRET, wallet=ALICE):
        streams = self.served.find(attach_of(secret, must_exist=False), wallet)
        streams.association.adopt(attach_of(secret, must_exist=False), hint=0)
        self.served.carried(secret, streams)
        return streams


def attach_of(secret, *, must_exist):
    return Attach(secret=secret, epoch=1, must_exist=must_exist, way_back=WAY_BACK)


def open_stream(streams):
    """An OPEN of stream 1 to example.com:80."""
    frame = (
        b"\x02" + (1).to_bytes(4, "big") + (1 << 20).to_bytes(4, "big") + b"\x00\x50\x0bexample.com"
    )
    streams.association.receive(memoryview(frame))


async def test_the_secret_finds_its_association_and_a_changed_bit_does_not():
    async with asyncio.TaskGroup() as tasks:
        exit_ = Exit(tasks)
        streams = exit_.begin()
        assert exit_.served.find(attach_of(SECRET, must_exist=True), ALICE) is streams
        wrong = SECRET[:-1] + bytes([SECRET[-1] ^ 1])
        assert exit_.served.find(attach_of(wrong, must_exist=True), MALLORY) is None
        other = exit_.served.find(attach_of(wrong, must_exist=False), MALLORY)
        assert other not in (None, streams)
        assert exit_.served.outcomes == {"begun": 1, "unknown": 1}


async def test_one_without_streams_is_forgotten_with_its_route():
    async with asyncio.TaskGroup() as tasks:
        exit_ = Exit(tasks)
        exit_.served.lost(exit_.begin())
        assert len(exit_.served) == exit_.served.detached_count == 0


async def test_one_with_streams_waits_and_is_given_up_in_time():
    async with asyncio.TaskGroup() as tasks:
        exit_ = Exit(tasks)
        streams = exit_.begin()
        open_stream(streams)
        assert len(exit_.counts) == 1
        exit_.served.lost(streams)
        exit_.clock.advance(DETACHED_HOLD_S - 1)
        exit_.served.tick()
        assert exit_.served.detached_count == 1
        exit_.clock.advance(1)
        exit_.served.tick()
        await asyncio.sleep(0)
        assert len(exit_.served) == exit_.served.detached_count == 0
        await asyncio.sleep(0.01)
        assert len(exit_.counts) == 0
        assert exit_.served.outcomes == {"begun": 1, "expired": 1}


async def test_one_that_is_carried_again_waits_no_longer():
    async with asyncio.TaskGroup() as tasks:
        exit_ = Exit(tasks)
        streams = exit_.begin()
        open_stream(streams)
        exit_.served.lost(streams)
        exit_.served.carried(SECRET, streams)
        exit_.clock.advance(DETACHED_HOLD_S)
        exit_.served.tick()
        assert len(exit_.served) == 1
        assert exit_.served.outcomes == {"begun": 1, "resumed": 1}
        streams.close()


class Carrier:
    """A route that notes how it was ended."""

    def __init__(self):
        self.ended = []

    def wake(self):
        pass

    def end(self, reason):
        self.ended.append(reason)


async def test_when_memory_is_short_whoever_pins_most_of_it_goes_first():
    async with asyncio.TaskGroup() as tasks:
        exit_ = Exit(tasks, held_max=1 << 20)
        pinned = []
        for number, size in enumerate((100_000, 900_000, 300_000)):
            streams = exit_.begin(bytes([number]) * 32)
            streams.carrier = Carrier()
            open_stream(streams)
            streams.association.write(1, bytes(size))
            pinned.append(streams)
        assert exit_.served.held_size == 1_300_000
        exit_.served.tick()
        await asyncio.sleep(0)
        assert [each.carrier.ended for each in pinned] == [[], [TeardownReason.OVERLOAD], []]
        assert list(exit_.served) == [pinned[0], pinned[2]]
        assert exit_.served.outcomes["overload"] == 1
        assert exit_.served.held_size == 400_000
        for streams in exit_.served:
            streams.close()

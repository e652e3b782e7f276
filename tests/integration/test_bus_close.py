"""A service that stops: at once when nothing is under way, and never in the middle of a message."""

import asyncio
import time

from masq_kernel.bus import subjects
from masq_kernel.bus.messages.accountant import WalletRefused
from masq_kernel.bus.subjects import Service
from support.nats_server import running_server
from support.usage_builders import make_report


async def test_a_reader_that_waits_for_messages_closes_at_once(tmp_path):
    async with running_server(tmp_path) as server:
        accountant = await server.connect(Service.ACCOUNTANT)

        async def ignore(report):
            pass

        await accountant.consume(subjects.USAGE, ignore)
        await asyncio.sleep(0.5)
        began = time.monotonic()
        await accountant.close()
        assert time.monotonic() - began < 2


async def test_a_message_under_way_is_finished_and_not_told_again(tmp_path):
    async with running_server(tmp_path) as server:
        accountant = await server.connect(Service.ACCOUNTANT)
        router = await server.connect(Service.ROUTER)
        begun, finished = asyncio.Event(), []

        async def slowly(report):
            begun.set()
            await asyncio.sleep(0.5)
            finished.append(report.event_id)

        await accountant.consume(subjects.USAGE, slowly)
        await asyncio.sleep(0.3)
        await router.append(subjects.USAGE, make_report("1"), message_id="1")
        await asyncio.wait_for(begun.wait(), 5)
        await accountant.close()
        assert finished == ["1"]
        successor = await server.connect(Service.ACCOUNTANT)
        told = []

        async def note(report):
            told.append(report.event_id)

        await successor.consume(subjects.USAGE, note)
        await router.append(subjects.USAGE, make_report("2"), message_id="2")
        async with asyncio.timeout(5):
            while "2" not in told:
                await asyncio.sleep(0.05)
        assert told == ["2"]
        await successor.close()
        await router.close()


async def test_a_follower_closes_at_once_also_when_it_is_just_being_told(tmp_path):
    """Python 3.11 loses a cancellation that meets a message in `wait_for`, which nats-py uses."""
    async with running_server(tmp_path) as server:
        writer = await server.connect(Service.ACCOUNTANT)
        await writer.follow(subjects.REFUSED_WALLETS, ignore_kept)
        await asyncio.sleep(0.3)
        for _ in range(10):
            router, told = await server.connect(Service.ROUTER), asyncio.Event()

            async def on_kept(kept, told=told):
                told.set()

            await router.follow(subjects.REFUSED_WALLETS, on_kept)
            await asyncio.wait_for(told.wait(), 5)
            writing = asyncio.ensure_future(write_on(writer))
            await asyncio.sleep(0.02)
            await asyncio.wait_for(router.close(), 3)
            writing.cancel()
        await writer.close()


async def ignore_kept(_kept):
    pass


async def write_on(writer):
    while True:
        await writer.keep(subjects.REFUSED_WALLETS, "aa", WalletRefused(reason="banned"))

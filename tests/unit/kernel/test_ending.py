"""Tasks end also when a cancellation is forgotten."""

import asyncio

from masq_kernel.ending import end_all


async def test_a_cancellation_that_is_forgotten_is_said_again():
    forgotten = 0

    async def forgetful():
        nonlocal forgotten
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                forgotten += 1
                if forgotten > 2:
                    raise

    async def good():
        await asyncio.sleep(60)

    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(forgetful(), name="a"), loop.create_task(good(), name="b")]
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await end_all(tasks)
    assert forgotten == 3
    assert all(task.done() for task in tasks)
    await end_all([])

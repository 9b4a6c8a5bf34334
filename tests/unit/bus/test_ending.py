"""The end of the bell: tasks end even when one of them did not hear that it was cancelled."""

import asyncio

from server.bus.pubsub import ended


async def test_a_task_that_swallows_a_cancellation_is_ended_all_the_same() -> None:
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                if swallowed:
                    raise
                swallowed += 1

    tasks = [asyncio.create_task(stubborn())]
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await ended(tasks)
        await ended([])
    assert swallowed == 1
    assert tasks[0].cancelled()

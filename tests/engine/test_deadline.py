"""A deadline ends what takes too long, and nothing else."""

import asyncio

import pytest

from synth.engine.deadline import Deadline


def test_what_takes_too_long_ends() -> None:
    async def go() -> None:
        with Deadline(0.01):
            await asyncio.sleep(5)

    with pytest.raises(TimeoutError):
        asyncio.run(go())


def test_what_is_in_time_goes_on() -> None:
    async def go() -> int:
        with Deadline(0.01):
            await asyncio.sleep(0)
        await asyncio.sleep(0.02)
        task = asyncio.current_task()
        return -1 if task is None else task.cancelling()

    assert asyncio.run(go()) == 0


def test_who_is_cancelled_from_elsewhere_stays_cancelled() -> None:
    async def late() -> None:
        with Deadline(0.01):
            try:
                await asyncio.sleep(5)
            finally:
                await asyncio.sleep(0.02)

    async def go(after: float) -> None:
        task = asyncio.create_task(late())
        await asyncio.sleep(after)
        task.cancel()
        await task

    for after in (0.0, 0.015):  # before the deadline, and while it ends the block
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(go(after))

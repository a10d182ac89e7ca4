"""The journal's thread: order, errors, and waits that are given up."""

import asyncio
import threading

import pytest

from persistence.disk.serial_executor import SerialExecutor


async def test_work_is_done_in_order_in_a_thread_of_its_own() -> None:
    thread = SerialExecutor("t")
    seen: list[tuple[int, str]] = []

    def note(number: int) -> int:
        seen.append((number, threading.current_thread().name))
        return number

    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(thread.do(lambda n=number: note(n))) for number in range(50)]
    assert [one.result() for one in asked] == list(range(50))
    assert seen == [(number, "t") for number in range(50)]
    thread.stop()


async def test_what_work_raises_reaches_who_asked_and_the_thread_goes_on() -> None:
    thread = SerialExecutor("t")
    with pytest.raises(ZeroDivisionError):
        await thread.do(lambda: 1 // 0)
    assert await thread.do(lambda: "still there") == "still there"
    thread.stop()


async def test_work_whose_wait_is_cancelled_is_done_all_the_same() -> None:
    thread = SerialExecutor("t")
    begin, done = threading.Event(), threading.Event()
    waiting = asyncio.create_task(thread.do(lambda: begin.wait(10) and done.set()))
    await asyncio.sleep(0)
    waiting.cancel()
    begin.set()
    await thread.do(lambda: None)
    assert done.is_set()
    assert waiting.cancelled()
    thread.stop()


async def test_the_thread_ends_once_its_work_is_done() -> None:
    thread = SerialExecutor("one that ends")
    mine = next(one for one in threading.enumerate() if one.name == "one that ends")
    last = asyncio.create_task(thread.do(lambda: "done"))
    await asyncio.sleep(0)
    thread.stop()
    assert await last == "done"
    await asyncio.to_thread(mine.join, 10)
    assert not mine.is_alive()


def test_work_that_outlives_its_event_loop_harms_nobody() -> None:
    thread, begin, end = SerialExecutor("t"), threading.Event(), threading.Event()

    def hold() -> None:
        begin.wait(10)

    async def leave() -> None:
        waiting = [asyncio.ensure_future(thread.do(work)) for work in (hold, end.set)]
        await asyncio.sleep(0)
        assert not any(one.done() for one in waiting)

    asyncio.run(leave())
    begin.set()
    assert end.wait(10)
    thread.stop()

"""Work done side by side, so that the wait for a store is waited once and not for each.

Not for: work that nobody awaits (`actors.background_tasks`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")


async def for_each(
    items: Iterable[Item], work: Callable[[Item], Awaitable[None]], at_once: int
) -> None:
    """Do `work` for every item, `at_once` of them side by side.

    After the first error no more is begun; it is raised once what was under way has ended.
    """
    left = iter(items)
    failure: Exception | None = None

    async def take_on() -> None:
        nonlocal failure
        for item in left:
            if failure is not None:
                return
            try:
                await work(item)
            except Exception as error:
                failure = failure or error

    await asyncio.gather(*(take_on() for _ in range(at_once)))
    if failure is not None:
        raise failure

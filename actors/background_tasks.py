"""Background tasks: work that nobody awaits, kept from the garbage collector until it has ended.

Not for: work whose failure somebody has to handle (`asyncio.TaskGroup`).
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class BackgroundTasks:
    """The tasks of one owner that are under way."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin `work`; an exception that nobody retrieves is logged by the event loop."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def wait_idle(self) -> None:
        """Return once none is under way but the task that calls this, if it is one of them."""
        while others := self._tasks - {asyncio.current_task()}:
            await asyncio.wait(others)

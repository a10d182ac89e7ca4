"""Background tasks: work that nobody awaits, kept from the garbage collector until it has ended.

Not for: work whose failure somebody has to handle (`asyncio.TaskGroup`).
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class BackgroundTasks:
    """The tasks of one owner that are under way.

    Args:
        failed: called with what a task raised; without it the event loop logs that.
    """

    __slots__ = ("_failed", "_tasks")

    def __init__(self, failed: Callable[[Exception], None] | None = None) -> None:
        self._failed = failed
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin `work`."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if self._failed is not None and not task.cancelled():
            error = task.exception()
            if isinstance(error, Exception):
                self._failed(error)

    async def wait_idle(self) -> None:
        """Return once none is under way but the task that calls this, if it is one of them."""
        while others := self._tasks - {asyncio.current_task()}:
            await asyncio.wait(others)

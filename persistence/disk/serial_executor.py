"""A thread that does one thing after the other for an event loop.

A journal hands over every batch.  `ThreadPoolExecutor` with `run_in_executor` makes two futures, a
condition and a lock for each: 60 us of CPU for work that does nothing, where the disk's part of a
batch is 90.

Not for: work that may go side by side.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

_Result = TypeVar("_Result")
_Job = tuple[Callable[[], Any], asyncio.Future[Any]]


class SerialExecutor:
    """Work for one thread, done in the order in which it is asked for."""

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    async def do(self, work: Callable[[], _Result]) -> _Result:
        """What `work` returns or raises.  Cancelling the wait does not stop it."""
        done: asyncio.Future[_Result] = asyncio.get_running_loop().create_future()
        self._jobs.put((work, done))
        return await done

    def stop(self) -> None:
        """End the thread once it has done what it was asked for."""
        self._jobs.put(None)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            work, done = job
            result, raised = None, None
            try:
                result = work()
            except BaseException as error:
                raised = error
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                done.get_loop().call_soon_threadsafe(_settle, done, result, raised)


def _settle(done: asyncio.Future[Any], result: object, raised: BaseException | None) -> None:
    if done.cancelled():
        return
    if raised is None:
        done.set_result(result)
    else:
        done.set_exception(raised)

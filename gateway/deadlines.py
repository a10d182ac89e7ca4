"""Tasks that may take only so long: one timer for all of them.

A timer for each, set and taken back with every request, costs as much as reading the request's body
(`asyncio.timeout`: four times that).

Not for: how long anything may take (`users`), or connections (`listening`).
"""

import asyncio
from typing import Any

CHECK_SECONDS = 0.25
"""How late a task may learn that it is late."""
LATE = object()
"""What a task is cancelled with when its time is up."""


class Deadlines:
    """Cancels tasks of one event loop that are late."""

    def __init__(self) -> None:
        self._late_at: dict[asyncio.Task[Any], float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def put(self, task: asyncio.Task[Any], seconds: float) -> None:
        """Cancel `task` with `LATE` unless it is dropped within `seconds`."""
        loop = asyncio.get_running_loop()
        self._late_at[task] = loop.time() + seconds
        if self._timer is None:
            self._timer = loop.call_later(CHECK_SECONDS, self._check)

    def drop(self, task: asyncio.Task[Any]) -> None:
        """`task` is done with what it had a deadline for."""
        del self._late_at[task]

    def _check(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for task, late_at in list(self._late_at.items()):
            if late_at <= now:
                task.cancel(LATE)
        self._timer = loop.call_later(CHECK_SECONDS, self._check) if self._late_at else None

"""Run queue: users with requests in their mailboxes, who are handled a little at a time.

One list of commands is worth milliseconds, and a user who was being loaded may find hundreds of
requests waiting.  What does not fit into one turn of the event loop goes on in the next ones, after
everybody else's.

Not for: order within a user (the mailbox keeps it), or what a turn does (`host`).
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable

from actors.background_tasks import BackgroundTasks
from actors.host.activation import Activation

RUN_SECONDS = 0.002
"""How long turns of what has just arrived may go on until other work is looked at."""
LATER_SECONDS = 0.0005
"""The same for what has waited.  Whoever asks for little meets a large user's list several times
(as they arrive, as their commit is done, as their reply leaves), each time for one such piece."""


def run_deadline() -> float:
    """When turns that begin now are to make room for others; compare with `time.monotonic`."""
    return time.monotonic() + RUN_SECONDS


def later_deadline() -> float:
    """The same for turns on requests that have waited."""
    return time.monotonic() + LATER_SECONDS


class RunQueue:
    """Activations with requests to handle, each as `busy` until its turn comes.

    Args:
        resume: handles what waits in the mailbox, and puts the activation back here when there is
            more than fits.
    """

    def __init__(self, tasks: BackgroundTasks, resume: Callable[[Activation], None]) -> None:
        self._tasks = tasks
        self._resume = resume
        self._waiting: deque[Activation] = deque()
        self._running = False

    def add(self, activation: Activation) -> None:
        """Handle its requests soon; until then others that arrive wait behind them."""
        activation.busy = True
        self._waiting.append(activation)
        if not self._running:
            self._running = True
            self._tasks.spawn(self._run())

    async def _run(self) -> None:
        try:
            deadline = 0.0
            while self._waiting:
                if time.monotonic() > deadline:
                    await asyncio.sleep(0)
                    deadline = later_deadline()
                activation = self._waiting.popleft()
                activation.busy = False
                self._resume(activation)
        finally:
            self._running = False

"""An event loop in a thread of its own, and calls into it from other threads.

`Killed` ends whatever the loop is doing at that very step; a callback then clears away what was
there, and the loop goes on.  So a process's death can be played inside one that lives.

Not for: what runs on the loop (`server`, `network`).
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")

CALL_SECONDS = 30.0
"""Whatever takes longer hangs: a test that fails says more than one that waits."""


class Killed(SystemExit):
    """Raised on the loop's thread: nothing after this step happens.

    An event loop hands `SystemExit` through at once where it would keep other errors for later.
    """


class LoopThread:
    """A running event loop.  Its thread is a daemon: a test run that is broken off ends.

    Args:
        on_killed: called in the thread, while the loop stands, after a `Killed`.
    """

    def __init__(self, name: str, on_killed: Callable[[], None] = lambda: None) -> None:
        self.loop = asyncio.SelectorEventLoop()
        self.loop.set_exception_handler(_report)
        self._on_killed = on_killed
        self._running = threading.Event()
        self._running.set()
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """What comes of `work`, run on the loop.

        Raises:
            TimeoutError: it hangs.
            Killed: the loop was killed meanwhile, and goes on again.
        """
        self.wait_running()
        try:
            return asyncio.run_coroutine_threadsafe(work, self.loop).result(CALL_SECONDS)
        except (Killed, CancelledError):
            self.wait_running()
            raise Killed from None

    def kill(self) -> NoReturn:
        """End what the loop is doing at this very step; from the loop's thread."""
        self._running.clear()
        raise Killed

    def wait_running(self) -> None:
        """Return once the loop is not just being killed."""
        if not self._running.wait(CALL_SECONDS):
            raise TimeoutError("a server that died did not start again")

    def is_current(self) -> bool:
        """Whether this is called from the loop's own thread."""
        return threading.current_thread() is self._thread

    def close(self) -> None:
        """Stop the loop and end its thread; what still runs on it is cancelled."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(CALL_SECONDS)
        self.loop.close()

    def cancel_all(self) -> None:
        """Cancel every task and wait for their ends; in the thread, while the loop stands."""
        self.loop.set_exception_handler(lambda loop, context: None)  # of what died, on purpose
        try:
            tasks = asyncio.all_tasks(self.loop)
            for task in tasks:
                task.cancel()
            if tasks:
                self.loop.run_until_complete(asyncio.wait(tasks, timeout=CALL_SECONDS))
        finally:
            self.loop.set_exception_handler(_report)

    def _main(self) -> None:
        asyncio.set_event_loop(self.loop)
        while True:
            try:
                self.loop.run_forever()
            except Killed:
                self._clear_away()
            else:
                self.cancel_all()
                return

    def _clear_away(self) -> None:
        try:
            self._on_killed()
        except Killed:  # what came next has died, too
            return self._clear_away()
        self._running.set()


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What nobody awaited; a death that was asked for is no news."""
    if not isinstance(context.get("exception"), Killed):
        loop.default_exception_handler(context)

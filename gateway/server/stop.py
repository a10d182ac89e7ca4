"""Stopping in order: nothing new is begun, what was accepted is finished, users are snapshotted.

A stop takes `drain_seconds` and at most `LEAVE_SECONDS` more, whatever is broken: a store that is
away, hosts that are dead, a Ray that does not answer.  What is not done by then costs nothing that
was acknowledged: it stands in the journals, and the next start folds them.

Not for: what a drain does (`actors.cluster`).
"""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import structlog
from rich.console import Console

from actors.cluster.contract import Cluster
from gateway.api.app import App
from gateway.http.listener import Listener
from gateway.server.supervisor import Supervisor

log = structlog.get_logger("questkeep.serve")

LEAVE_SECONDS = 4.5
"""A stop's most beyond `drain_seconds`; then the process ends where it stands."""
FAILED_DRAIN_SECONDS = 5.0
"""The most that a server which has failed waits for what it accepted."""
SNAPSHOT_SECONDS_MIN = 2.0
"""For snapshots, where requests took all of `drain_seconds`."""
CANCELLED_SECONDS = 1.0
"""For a drain that was cut short to leave the cluster."""
CLOSE_SECONDS = 1.0
"""For connections and workers to close."""
EXIT_INTERRUPTED = 128
SAME_SIGNAL_SECONDS = 0.3

Flush = Callable[[], None]
T = TypeVar("T")


class StopSignals:
    """SIGINT and SIGTERM: the first asks for a clean stop, any other ends the process at once.

    One that follows at once is the same one: wrappers such as `timeout` deliver it twice.

    Attributes:
        requested: set by the first signal.
    """

    def __init__(self, console: Console, flush: Flush) -> None:
        self.requested = asyncio.Event()
        self._console = console
        self._flush = flush
        self._requested_at = 0.0

    def listen(self) -> None:
        """Take the signals over."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal, number)

    async def unless_requested(
        self, start: Coroutine[Any, Any, T], on_request: Callable[[], None]
    ) -> T | None:
        """What `start` returns; None where a stop was asked for before, and it was broken off.

        Args:
            on_request: called before a start that is broken off cleans up after itself.
        """
        task = asyncio.create_task(start)
        requested = asyncio.create_task(self.requested.wait())
        await asyncio.wait([task, requested], return_when=asyncio.FIRST_COMPLETED)
        requested.cancel()
        if not task.done():
            on_request()
            task.cancel()
            await asyncio.wait([task])
            if task.cancelled() or task.exception() is not None:
                return None
        return task.result()

    def _on_signal(self, number: int) -> None:
        now = time.monotonic()
        if not self.requested.is_set():
            self._requested_at = now
            self.requested.set()
            return
        if now - self._requested_at < SAME_SIGNAL_SECONDS:
            return
        self._console.print("Left at once; what was acknowledged is kept.")
        self._flush()
        os._exit(EXIT_INTERRUPTED + number)


class Stop:
    """The stop of a server, in time.

    Args:
        drain_seconds: how long accepted requests and snapshots may take.
        flush: writes out what was logged and printed.
    """

    def __init__(self, drain_seconds: float, flush: Flush) -> None:
        self._drain_seconds = drain_seconds
        self.flush = flush
        self._began = 0.0
        self._exit_code = 0
        self._stuck = False
        self._ended = threading.Event()

    def begin(self, exit_code: int) -> None:
        """From here on the process has `drain_seconds` and a little to end, with this code.

        One that has failed has little to finish: what it stood on is gone.
        """
        if exit_code:
            self._drain_seconds = min(self._drain_seconds, FAILED_DRAIN_SECONDS)
        self._began = time.monotonic()
        self._exit_code = exit_code
        threading.Thread(target=self._end_in_time, name="stop", daemon=True).start()

    async def run(
        self, app: App, supervisor: Supervisor, cluster: Cluster, listener: Listener
    ) -> None:
        """Drain, and close everything; ends a process that has failed, or is stuck in a thread."""
        app.drain()
        seconds = self._drain_seconds
        idle = await asyncio.gather(app.wait_idle(seconds), supervisor.drain(seconds))
        if not all(idle):
            log.warning("requests were still being answered", waited_seconds=seconds)
        left = max(SNAPSHOT_SECONDS_MIN, self._began + seconds - time.monotonic())
        if not await self._within(left, cluster.drain()):
            log.warning(
                "not every user was snapshotted; the next start reads the journal",
                waited_seconds=round(time.monotonic() - self._began, 1),
            )
        await self._within(CLOSE_SECONDS, _together(listener.stop(), supervisor.stop()))
        # Python would wait for a stuck thread, and for whatever has failed to close itself.
        if self._stuck or self._exit_code:
            self._leave()

    def end(self) -> None:
        """Whatever was begun has ended."""
        self._ended.set()

    async def _within(self, seconds: float, work: Coroutine[Any, Any, Any]) -> bool:
        """Whether `work` ended in time; it is cancelled, and left behind if that does not help."""
        task = asyncio.create_task(work)
        await asyncio.wait({task}, timeout=seconds)
        in_time = task.done()
        if not in_time:
            task.cancel()
            await asyncio.wait({task}, timeout=CANCELLED_SECONDS)
        if not task.done():
            self._stuck = True
        elif not task.cancelled() and (error := task.exception()) is not None:
            log.error("a step of the stop failed", reason=str(error), exc_info=error)
            return False
        return in_time

    def _end_in_time(self) -> None:
        """In a thread: the event loop itself may be what is stuck."""
        if not self._ended.wait(self._drain_seconds + LEAVE_SECONDS):
            log.warning("the stop took too long and was cut short")
            self._leave()

    def _leave(self) -> None:
        self.flush()
        os._exit(self._exit_code)


async def _together(*work: Coroutine[Any, Any, None]) -> None:
    await asyncio.gather(*work)

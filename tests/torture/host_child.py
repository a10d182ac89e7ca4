"""A process with a real host, which dies, stops, holds or loses its disk when it is told to.

It has one link to whoever started it and ends with it.  Words it knows: `ask`, `arm`, `release`,
`break`, `heal`, `passivate`, `ping`, `vitals`.

Not for: starting it (`host_process`).
"""

import asyncio
import faulthandler
import os
import random
import resource
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog

from actors.host.eviction import hibernate_quiet, passivate_idle
from actors.host.host import Host
from actors.transport.call_channel import decode_batch, encode_replies
from persistence import failpoints
from persistence.disk.store import DiskStore
from persistence.objects.obstore_bucket import ObstoreBucket
from persistence.objects.store import ObjectStore
from persistence.open import file_root, open_store
from persistence.store import Store
from tests.persistence.disk.recorded_os_kit import StandIn
from tests.torture import mutants
from tests.torture.flaky_bucket import FlakyBucket
from tests.torture.plan import SEGMENT_BYTES, Plan, frame, next_frame

STALE_EXIT = 1
CRASHED_EXIT = 70
DROWSE_SECONDS = 0.02


def main(plan_bytes: bytes, link: socket.socket) -> None:
    """The life of one host: from its plan to the end of its link."""
    plan = msgspec.msgpack.decode(plan_bytes, type=Plan)
    os.environ.update(plan.environment)
    log = open(plan.log, "a", encoding="utf-8")
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(log))
    faulthandler.register(signal.SIGUSR1, file=log)
    with pytest.MonkeyPatch.context() as patch:
        mutants.apply(plan.mutant, patch)
        asyncio.run(_Child(plan).serve(link))
    os._exit(0)


class _Child:
    def __init__(self, plan: Plan) -> None:
        self._armed = ("", "", 0)  # what to do, at which step, at which arrival
        self._go_on = threading.Event()
        self._broken: _BrokenOs | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._patch = pytest.MonkeyPatch()
        self._lock = threading.Lock()
        self._host = Host(
            plan.host,
            _store(plan),
            plan.settings,
            now=lambda: time.time_ns() // 1000,
            on_fenced=lambda: os._exit(STALE_EXIT),
        )

    async def serve(self, link: socket.socket) -> None:
        """Answer frames until the link ends."""
        self._loop = asyncio.get_running_loop()
        failpoints.on_failpoint = self._reached
        reader, self._writer = await asyncio.open_connection(sock=link)
        self._drowsing = self._loop.create_task(self._drowse())
        self._drowsing.add_done_callback(self._handled)
        while True:
            try:
                number, word, payload = await next_frame(reader)
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            task = self._loop.create_task(self._handle(number, word, payload))
            self._tasks.add(task)
            task.add_done_callback(self._handled)

    async def _drowse(self) -> None:
        """Whoever is not asked at this moment falls asleep, as they would after seconds."""
        while True:
            await asyncio.sleep(DROWSE_SECONDS)
            await hibernate_quiet(self._host.activations, quiet_seconds=DROWSE_SECONDS)

    def _handled(self, task: asyncio.Task[None]) -> None:
        """A bug in the host is never taken for a death of ours."""
        self._tasks.discard(task)
        if (error := task.exception()) is not None:
            structlog.get_logger(__name__).error("crashed", exc_info=error)
            os._exit(CRASHED_EXIT)

    async def _handle(self, number: int, word: str, payload: Any) -> None:
        match word:
            case "ask":
                answer: Any = encode_replies([await self._host.ask(decode_batch(payload)[0])])
            case "arm":
                self._go_on.clear()
                self._armed, answer = tuple(payload), None
            case "release":
                answer = self._go_on.set()
            case "break":
                answer = self._break_disk(*payload)
            case "heal":
                self._patch.undo()
                answer = None
            case "passivate":
                answer = await passivate_idle(self._host.activations, idle_seconds=0)
            case "ping":
                answer = None
            case "vitals":
                answer = self._vitals()
        self._writer.write(frame(number, word, answer))

    def _reached(self, step: str) -> None:
        """Called by whichever thread stands at a step."""
        action, armed_step, left = self._armed
        if step != armed_step:
            return
        with self._lock:
            action, armed_step, left = self._armed
            self._armed = (action, armed_step, left - 1)
        if left != 1:
            return
        if action == "hold":
            self._loop.call_soon_threadsafe(self._writer.write, frame(0, "held", step))
            self._go_on.wait()
        else:
            os.kill(os.getpid(), signal.SIGKILL if action == "kill" else signal.SIGSTOP)

    def _break_disk(self, names: list[str], code: int) -> None:
        _BrokenOs(names, code).install(self._patch)

    def _vitals(self) -> dict[str, int]:
        commits = self._host.journal.commits
        return {
            "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "pending_bytes": 0 if commits is None else commits.pending_bytes,
            "users_awake": len(self._host.activations.awake),
            "tasks": len(asyncio.all_tasks()),
        }


class _BrokenOs(StandIn):
    """Every call of these names fails until the disk is healed; a failing write writes half."""

    def __init__(self, names: list[str], code: int) -> None:
        super().__init__()
        self._names = frozenset(names)
        self._code = code

    def before(self, name: str, *args: Any) -> None:
        if name not in self._names:
            return
        if name == "open" and not args[1] & os.O_CREAT:
            return
        if name == "write":
            os.write(args[0], args[1][: len(args[1]) // 2])
        raise OSError(self._code, os.strerror(self._code))


def _store(plan: Plan) -> Store:
    url = plan.settings.store_url
    if url.startswith("file:"):
        return DiskStore(Path(file_root(url)), SEGMENT_BYTES)
    if not plan.flaky:
        return open_store(url)
    return ObjectStore(FlakyBucket(ObstoreBucket(url), plan.flaky, random.Random(plan.seed)))

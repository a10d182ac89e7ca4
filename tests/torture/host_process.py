"""A host under test as its tormentor has it: asked, armed, killed, paused, woken up again.

Hosts are forked from one process that has everything imported, so that a life begins within
milliseconds.

Not for: what the host does (`host_child`), or whom to send commands to (`clients`).
"""

import asyncio
import contextlib
import itertools
import multiprocessing
import os
import signal
import socket
from collections.abc import Sequence
from typing import Any

import msgspec
import psutil

from actors.messages import Reply, Request
from actors.transport.call_channel import decode_replies, encode_batch
from tests.torture.host_child import main
from tests.torture.plan import Plan, frame, next_frame

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.torture.host_child"])

_POLL_SECONDS = 0.002


class HostDied(Exception):
    """The host is gone, or was left behind; what was sent may or may not have been done."""


class HostProcess:
    """One life of a host.  `late` is what it still answered after it was left behind."""

    def __init__(self, plan: Plan, number: int) -> None:
        self.number = number
        self.late: list[tuple[Sequence[Request], list[Reply]]] = []
        self.said: asyncio.Queue[str] = asyncio.Queue()
        self.ended = asyncio.Event()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, tuple[Sequence[Request], asyncio.Future[Any]]] = {}
        self._left_behind = False
        self._plan = plan

    async def start(self) -> None:
        """Bring it to life."""
        ours, theirs = socket.socketpair()
        arguments = (msgspec.msgpack.encode(self._plan), theirs)
        # Daemons end with this process, however it ends in peace; else the link's end tells them.
        self._process = _context.Process(target=main, args=arguments, daemon=True)
        self._process.start()
        theirs.close()
        assert self._process.pid is not None
        self.pid = self._process.pid
        reader, self._writer = await asyncio.open_connection(sock=ours)
        self._reading = asyncio.create_task(self._read(reader))

    async def ask(self, requests: Sequence[Request]) -> list[Reply]:
        """The host's replies.  Raises `HostDied`."""
        return decode_replies(await self._send("ask", encode_batch([requests]), requests))[0]

    async def order(self, word: str, payload: Any = None) -> Any:
        """Have it do something; see `host_child` for the words.  Raises `HostDied`."""
        return await self._send(word, payload, ())

    def tell(self, word: str, payload: Any = None) -> None:
        """The same for what may stop the host before it can answer."""
        self._writer.write(frame(next(self._numbers), word, payload))

    async def _send(self, word: str, payload: Any, requests: Sequence[Request]) -> Any:
        if self._writer.is_closing():
            raise HostDied
        number = next(self._numbers)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = (requests, answer)
        self._writer.write(frame(number, word, payload))
        return await answer

    async def _read(self, reader: asyncio.StreamReader) -> None:
        """Whatever it said before it died is read: its clients were told."""
        try:
            while True:
                number, word, payload = await next_frame(reader)
                if number == 0:
                    self.said.put_nowait(word)
                    continue
                if number not in self._waiting:
                    continue
                requests, answer = self._waiting.pop(number)
                if not answer.done():
                    answer.set_result(payload)
                elif requests and self._left_behind:
                    self.late.append((requests, decode_replies(payload)[0]))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        await asyncio.to_thread(self._process.join)
        self._fail_waiting()
        self._writer.close()
        self.ended.set()

    def leave_behind(self) -> None:
        """Its clients turn to another; what it answers from now on comes to `late`."""
        self._left_behind = True
        self._fail_waiting()

    def _fail_waiting(self) -> None:
        for _, answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(HostDied())
                answer.exception()  # whoever asked may have gone

    def kill(self) -> None:
        """kill -9; it may be dead already."""
        self._signal(signal.SIGKILL)

    def stop(self) -> None:
        """SIGSTOP, between any two instructions."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def tell_where_it_stands(self) -> None:
        """Have it write every thread's stack to its log."""
        self._signal(signal.SIGUSR1)

    def _signal(self, number: int) -> None:
        if not self.ended.is_set():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def stopped(self) -> None:
        """Return once the kernel says that it is stopped, or when it ended."""
        while not self.ended.is_set() and not self._is_stopped():  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(_POLL_SECONDS)

    def _is_stopped(self) -> bool:
        try:
            return psutil.Process(self.pid).status() == psutil.STATUS_STOPPED
        except psutil.NoSuchProcess:
            return False

    async def end(self) -> None:
        """Whatever state it is in, it is gone afterwards."""
        self.kill()
        await self.ended.wait()

    @property
    def exit_code(self) -> int | None:
        """Negative for a signal."""
        return self._process.exitcode

"""The client under test: it takes one JSON object a line, and prints what it saw.

Not for: what it ought to see (the cases).
"""

import asyncio
import json
import shlex
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

Seen = dict[str, Any]
LINE_BYTES_MAX = 16 * 1024 * 1024
END_SECONDS = 5.0

Start = Callable[[], Awaitable["ClientUnderTest"]]
"""Starts a client anew, for one case."""


class Failed(Exception):
    """The client did not do what the protocol asks of it; the text says what was expected."""


class ClientUnderTest(ABC):
    """A running client; what it printed is kept until a case asks for it."""

    def __init__(self) -> None:
        self._seen: list[Seen] = []
        self._more = asyncio.Event()
        self._has_ended = False

    @abstractmethod
    async def tell(self, verb: str, **fields: Any) -> None:
        """Give the client one line."""

    @abstractmethod
    async def stop(self) -> None:
        """Ask the client to close, and end it if it does not."""

    def printed(self, seen: Seen) -> None:
        """The client printed a line."""
        self._seen.append(seen)
        self._more.set()

    def has_ended(self) -> None:
        """The client will print nothing more."""
        self._has_ended = True
        self._more.set()

    def forget(self, fits: Callable[[Seen], bool]) -> None:
        """Let go of every line so far that fits."""
        self._seen = [seen for seen in self._seen if not fits(seen)]

    async def see(self, what: str, fits: Callable[[Seen], bool], seconds: float) -> Seen:
        """Wait until the client has printed a line that fits; it is taken, those before it stay.

        Raises:
            Failed: it did not within `seconds`.
        """
        try:
            async with asyncio.timeout(seconds):
                while True:
                    for number, seen in enumerate(self._seen):
                        if fits(seen):
                            return self._seen.pop(number)
                    if self._has_ended:
                        raise Failed(f"the client ended; expected {what}")
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            raise Failed(
                f"expected {what} within {seconds:g} s; it printed {self._tail()}"
            ) from None

    def all_seen(self, fits: Callable[[Seen], bool]) -> list[Seen]:
        """Every line so far that fits, in order; none is taken."""
        return [seen for seen in self._seen if fits(seen)]

    def _tail(self) -> str:
        return json.dumps(self._seen[-3:])[:600] if self._seen else "nothing"


class ClientOfCommand(ClientUnderTest):
    """A client as a process of its own."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        super().__init__()
        self._child = child
        self._reader = asyncio.create_task(self._read())

    async def tell(self, verb: str, **fields: Any) -> None:
        """Give the client one line."""
        stdin = self._child.stdin
        assert stdin is not None
        with suppress(ConnectionError):
            stdin.write(json.dumps({"do": verb, **fields}).encode() + b"\n")
            await stdin.drain()

    async def stop(self) -> None:
        """Ask the client to close, and end it if it does not."""
        await self.tell("close")
        if self._child.stdin is not None:
            self._child.stdin.close()
        try:
            async with asyncio.timeout(END_SECONDS):
                await self._child.wait()
        except TimeoutError:
            self._child.kill()
            await self._child.wait()
        await self._reader

    async def _read(self) -> None:
        stdout = self._child.stdout
        assert stdout is not None
        while line := await stdout.readline():
            with suppress(ValueError):
                self.printed(json.loads(line))
        self.has_ended()


def started_by(command: str) -> Start:
    """Starts a client by a command, as a shell would.

    Raises:
        OSError: (when started) there is no such program.
        ValueError: (when started) the command cannot be split into words.
    """

    async def start() -> ClientUnderTest:
        return ClientOfCommand(
            await asyncio.create_subprocess_exec(
                *shlex.split(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                limit=LINE_BYTES_MAX,
            )
        )

    return start

"""The client under test: a process that takes one JSON object a line, and prints what it saw.

Not for: what it ought to see (the cases).
"""

import asyncio
import json
import shlex
import subprocess
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

Seen = dict[str, Any]
LINE_BYTES_MAX = 16 * 1024 * 1024
END_SECONDS = 5.0


class Failed(Exception):
    """The client did not do what the protocol asks of it; the text says what was expected."""


class ClientUnderTest:
    """A running client; what it printed is kept until a case asks for it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._seen: list[Seen] = []
        self._more = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, command: str) -> Self:
        """Start `command`.

        Raises:
            OSError: there is no such program.
            ValueError: the command cannot be split into words.
        """
        process = await asyncio.create_subprocess_exec(
            *shlex.split(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            limit=LINE_BYTES_MAX,
        )
        return cls(process)

    async def tell(self, verb: str, **fields: Any) -> None:
        """Give the client one line."""
        stdin = self._process.stdin
        assert stdin is not None
        with suppress(ConnectionError):
            stdin.write(json.dumps({"do": verb, **fields}).encode() + b"\n")
            await stdin.drain()

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
                    if self._reader.done():
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

    async def stop(self) -> None:
        """Ask the client to close, and end it if it does not."""
        await self.tell("close")
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(END_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._reader

    async def _read(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        while line := await stdout.readline():
            with suppress(ValueError):
                self._seen.append(json.loads(line))
            self._more.set()
        self._more.set()

    def _tail(self) -> str:
        return json.dumps(self._seen[-3:])[:600] if self._seen else "nothing"

"""One connection to the server: a WebSocket with its format, opened, read and written in lists.

Commands that are sent in the same turn of the event loop leave in one frame.

Not for: what frames mean (`session`) or when to open the next line (`client`).
"""

import asyncio
from contextlib import suppress
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from questkeep_client.protocol.problems import Problem
from questkeep_client.protocol.session import Frame, Limits

FORMATS = ("msgpack", "json")
OPEN_SECONDS = 10.0


class Refused(Exception):
    """The upgrade was refused with a problem document, or with a bare status."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


class Line:
    """An open connection."""

    def __init__(self, socket: ClientConnection, form: str, limits: Limits) -> None:
        self._socket = socket
        self._limits = limits
        self.heard = 0
        self._waiting: list[Frame] = []
        self._writer: asyncio.Task[None] | None = None
        self._pack = msgspec.msgpack.encode if form == "msgpack" else msgspec.json.encode
        self._unpack = msgspec.msgpack.decode if form == "msgpack" else msgspec.json.decode
        self._text = form == "json"

    def write(self, frames: list[Frame]) -> None:
        """Send frames, in order, with everything else of this turn of the loop."""
        self._waiting += frames
        if self._waiting and self._writer is None:
            self._writer = asyncio.create_task(self._write_waiting())

    async def _write_waiting(self) -> None:
        with suppress(ConnectionClosed):
            while self._waiting:
                part = self._waiting[: self._limits.list]
                await self._send(part)
                del self._waiting[: len(part)]
        self._writer = None

    async def _send(self, frames: list[Frame]) -> None:
        content = self._pack(frames if len(frames) > 1 else frames[0])
        if len(content) > self._limits.frame_bytes and len(frames) > 1:
            half = len(frames) // 2
            await self._send(frames[:half])
            await self._send(frames[half:])
        else:
            await self._socket.send(content, text=self._text)

    async def read(self, quiet_seconds: float) -> list[Frame]:
        """The next frames from the server.

        Raises:
            TimeoutError: nothing came for `quiet_seconds`.
            ConnectionClosed: the connection ended.
        """
        async with asyncio.timeout(quiet_seconds):
            content = await self._socket.recv(decode=False)
        self.heard += 1
        frames: Any = self._unpack(content)
        return frames if isinstance(frames, list) else [frames]

    def cut(self) -> None:
        """Break the connection without a word."""
        self._socket.transport.abort()

    async def close(self) -> None:
        """Say goodbye, if anybody still listens."""
        if self._writer is not None:
            self._writer.cancel()
        await self._socket.close()


async def open_line(url: str, path: str, token: str, form: str, limits: Limits) -> Line:
    """Connect and upgrade.

    Raises:
        Refused: the server answered with something else than an upgrade.
        OSError, TimeoutError: it could not be reached.
    """
    try:
        socket = await connect(
            "ws" + url.removeprefix("http") + path,
            subprotocols=[f"questkeep.v1.{form}"],  # type: ignore[list-item]
            additional_headers={"Authorization": f"Bearer {token}"},
            compression=None,
            max_size=None,
            ping_interval=None,
            open_timeout=OPEN_SECONDS,
            close_timeout=1,
        )
    except InvalidStatus as refusal:
        raise Refused(_problem_of(refusal)) from None
    except InvalidHandshake as failure:
        raise OSError(str(failure)) from failure
    return Line(socket, form, limits)


def _problem_of(refusal: InvalidStatus) -> Problem:
    response = refusal.response
    try:
        document = msgspec.json.decode(response.body or b"")
    except msgspec.DecodeError:
        document = None
    if not isinstance(document, dict):
        document = {"title": response.reason_phrase}
    return Problem({"status": response.status_code} | document)

"""The line between the first gateway and a further one: calls both ways over a pair of sockets.

The pair has no name in any folder, so nobody else can be at the other end, and when one process
dies the kernel hangs up: each end learns of the other's death at once.

A frame is a length (4 bytes, big-endian) and that much msgpack: a number, what it is, its content.

Not for: what is said (`line_messages`).
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
import structlog

log = structlog.get_logger(__name__)

Answerers = Mapping[str, Callable[[Any], Awaitable[Any]]]
"""By a call's name, what answers it; contents are whatever msgpack carries."""

_LENGTH = struct.Struct(">I")
_encode = msgspec.msgpack.Encoder().encode


class LineCut(Exception):
    """The process at the other end is gone, or hung up."""


class LineFailed(Exception):
    """The other end could not answer; its log says why."""


class _Call(msgspec.Struct, tag="call", array_like=True):
    number: int
    name: str
    content: Any


class _Answer(msgspec.Struct, tag="answer", array_like=True):
    number: int
    content: Any


class _Failure(msgspec.Struct, tag="failure", array_like=True):
    number: int
    reason: str


_decode = msgspec.msgpack.Decoder(_Call | _Answer | _Failure).decode


class Line:
    """One end.

    Attributes:
        closed: set once the other end is gone or `close` was called.
    """

    def __init__(self, writer: asyncio.StreamWriter, answerers: Answerers) -> None:
        self.closed = asyncio.Event()
        self._writer = writer
        self._answerers = answerers
        self._number = 0
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls, end: socket.socket, answerers: Answerers) -> "Line":
        """Speak over `end`, which is the line's from now on."""
        reader, writer = await asyncio.open_unix_connection(sock=end)
        line = cls(writer, answerers)
        line._spawn(line._listen(reader))
        return line

    async def call(self, name: str, content: Any = None) -> Any:
        """What the other end answers; calls arrive in order, answers come in any.

        Raises:
            LineCut: it will never answer.
            LineFailed: it cannot.
        """
        if self.closed.is_set():
            raise LineCut(name)
        self._number += 1
        number = self._number
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            self._send(_Call(number, name, content))
            return await answer
        finally:
            del self._asked[number]

    def close(self) -> None:
        """Hang up."""
        self.closed.set()
        self._writer.close()
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(LineCut("hung up"))

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
                self._take(_decode(await reader.readexactly(length)))
        except (asyncio.IncompleteReadError, OSError):
            self.close()

    def _take(self, message: _Call | _Answer | _Failure) -> None:
        if isinstance(message, _Call):
            self._spawn(self._answer(message))
            return
        asked = self._asked.get(message.number)
        if asked is None or asked.done():
            return  # whoever asked has gone on without it
        if isinstance(message, _Answer):
            asked.set_result(message.content)
        else:
            asked.set_exception(LineFailed(message.reason))

    async def _answer(self, call: _Call) -> None:
        try:
            content = await self._answerers[call.name](call.content)
            self._send(_Answer(call.number, content))
        except Exception as error:
            log.exception("a call of another gateway could not be answered", call=call.name)
            self._send(_Failure(call.number, f"{call.name}: {error!r}"))

    def _send(self, message: _Call | _Answer | _Failure) -> None:
        if not self.closed.is_set():
            payload = _encode(message)
            self._writer.write(_LENGTH.pack(len(payload)) + payload)

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

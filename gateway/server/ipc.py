"""The IPC channel between the primary and a worker: calls both ways over a pair of sockets.

The pair has no name in any folder, so nobody else can be at the other end, and when one process
dies the kernel hangs up: each end learns of the other's death at once.

A frame is a length (4 bytes, big-endian) and that much msgpack: a correlation id, what it is, its
content.  No frame is longer than `FRAME_BYTES_MAX`: what would be longer fails that one call.

Not for: what is called (`ipc_messages`).
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
import structlog

log = structlog.get_logger(__name__)

FRAME_BYTES_MAX = 64 * 1024 * 1024
"""A rules file's text, or what a worker counted; both take some kilobytes."""

Handlers = Mapping[str, Callable[[Any], Awaitable[Any]]]
"""By a call's name, what answers it; contents are whatever msgpack carries."""

_LENGTH = struct.Struct(">I")
_encode = msgspec.msgpack.Encoder().encode


class PeerGone(Exception):
    """The process at the other end is gone, or hung up."""


class RemoteError(Exception):
    """The other end could not answer (its log says why), or the call is too large to carry."""


class _Call(msgspec.Struct, tag="call", array_like=True):
    correlation_id: int
    name: str
    content: Any


class _Answer(msgspec.Struct, tag="answer", array_like=True):
    correlation_id: int
    content: Any


class _Failure(msgspec.Struct, tag="failure", array_like=True):
    correlation_id: int
    reason: str


_Message = _Call | _Answer | _Failure
_decode = msgspec.msgpack.Decoder(_Message).decode


class IpcChannel:
    """One end.

    Attributes:
        closed: set once the other end is gone or `close` was called.
    """

    def __init__(self, writer: asyncio.StreamWriter, handlers: Handlers) -> None:
        self.closed = asyncio.Event()
        self._writer = writer
        self._handlers = handlers
        self._correlation_id = 0
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls, end: socket.socket, handlers: Handlers) -> "IpcChannel":
        """Speak over `end`, which is the channel's from now on."""
        reader, writer = await asyncio.open_unix_connection(sock=end)
        channel = cls(writer, handlers)
        channel._spawn(channel._receive(reader))
        return channel

    async def call(self, name: str, content: Any = None) -> Any:
        """What the other end answers; calls arrive in order, answers come in any.

        Raises:
            PeerGone: it will never answer.
            RemoteError: it cannot.
        """
        if self.closed.is_set():
            raise PeerGone(name)
        self._correlation_id += 1
        number = self._correlation_id
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            self._send(_Call(number, name, content))
            return await answer
        finally:
            del self._waiting[number]

    def close(self) -> None:
        """Hang up."""
        self.closed.set()
        self._writer.close()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(PeerGone("hung up"))

    async def _receive(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
                if length > FRAME_BYTES_MAX:
                    log.error("an IPC frame is too long", bytes=length, bytes_max=FRAME_BYTES_MAX)
                    self.close()
                    return
                self._dispatch(_decode(await reader.readexactly(length)))
        except (asyncio.IncompleteReadError, OSError):
            self.close()

    def _dispatch(self, message: _Message) -> None:
        if isinstance(message, _Call):
            self._spawn(self._answer(message))
            return
        answer = self._waiting.get(message.correlation_id)
        if answer is None or answer.done():
            return  # whoever called has gone on without it
        if isinstance(message, _Answer):
            answer.set_result(message.content)
        else:
            answer.set_exception(RemoteError(message.reason))

    async def _answer(self, call: _Call) -> None:
        try:
            content = await self._handlers[call.name](call.content)
            self._send(_Answer(call.correlation_id, content))
        except Exception as error:
            log.exception("a call of another gateway could not be answered", call=call.name)
            self._send(_Failure(call.correlation_id, f"{call.name}: {error!r}"[:1_000]))

    def _send(self, message: _Message) -> None:
        if self.closed.is_set():
            return
        payload = _encode(message)
        if len(payload) > FRAME_BYTES_MAX:
            raise RemoteError(f"{len(payload)} bytes, expected at most {FRAME_BYTES_MAX}")
        self._writer.write(_LENGTH.pack(len(payload)) + payload)

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

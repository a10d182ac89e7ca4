"""The IPC channel between the primary and a worker: calls both ways over a pair of sockets.

The pair has no name in any folder, so nobody else can be at the other end, and when one process
dies the kernel hangs up: each end learns of the other's death at once.

Frames are those of `actors.transport.frames`, each with one message: a correlation id, what it is,
its content.  None is longer than `FRAME_BYTES_MAX`: what would be longer fails that one call.

Not for: what is called (`ipc_messages`).
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
import structlog

from actors.background_tasks import BackgroundTasks
from actors.transport.frames import FRAME_BYTES_MAX, Frames, FrameTooLarge, frame

log = structlog.get_logger(__name__)

READ_BYTES = 64 * 1024

Handlers = Mapping[str, Callable[[Any], Awaitable[Any]]]
"""By a call's name, what answers it; contents are whatever msgpack carries."""


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
        self._tasks = BackgroundTasks()

    @classmethod
    async def open(cls, end: socket.socket, handlers: Handlers) -> "IpcChannel":
        """Speak over `end`, which is the channel's from now on."""
        reader, writer = await asyncio.open_unix_connection(sock=end)
        channel = cls(writer, handlers)
        channel._tasks.spawn(channel._receive(reader))
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
        frames = Frames()
        try:
            while data := await reader.read(READ_BYTES):
                for payload in frames.feed(data):
                    self._dispatch(_decode(payload))
        except FrameTooLarge as error:
            log.error("an IPC frame is too long", reason=str(error))
        except OSError:
            pass  # it died
        self.close()

    def _dispatch(self, message: _Message) -> None:
        if isinstance(message, _Call):
            self._tasks.spawn(self._answer(message))
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
        data = frame(message)
        if len(data) > FRAME_BYTES_MAX:
            raise RemoteError(f"{len(data)} bytes, expected at most {FRAME_BYTES_MAX}")
        self._writer.write(data)

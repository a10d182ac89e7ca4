"""A server that says back whatever it is told, on the WebSocket of live connections.

Autobahn asks for both kinds of message on one connection; a live connection takes one of them.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from websockets.frames import Frame, Opcode

from gateway.api.exchange import Exchange
from gateway.http.listener import Listener, free_address
from gateway.http.messages import Request, Response, Upgraded, UpgradedProtocol
from gateway.live.opening import Handshake
from gateway.live.websocket import WebSocket

MESSAGE_BYTES_MAX = 32 * 1024 * 1024


class EitherKind(WebSocket):
    """Takes text and binary messages, and sends what it says of the kind that came last."""

    def _whole(self, frame: Frame) -> bytes | None:
        if frame.opcode is not Opcode.CONT and frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._opcode = frame.opcode
        return super()._whole(frame)


class Echo(UpgradedProtocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._socket = EitherKind(self._transport, text=True, message_bytes_max=MESSAGE_BYTES_MAX)

    def data_received(self, data: bytes) -> None:
        closed = self._socket.closed
        for message in self._socket.receive(data):
            if closed is None:
                self._socket.send(message)
        self.written = self._socket.written

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._socket.release()

    def end(self) -> None:
        self._transport.close()

    def check_deadlines(self, now: float) -> None: ...


async def _answer(request: Request) -> Response | Upgraded:
    return Upgraded(Handshake(Exchange(request, ())).answer(), Echo)


@asynccontextmanager
async def echoing() -> AsyncIterator[int]:
    """The port of loopback on which it listens."""
    address = free_address("127.0.0.1", 0)
    listener = Listener(_answer, address)
    await listener.start()
    try:
        yield address.port
    finally:
        await listener.stop()

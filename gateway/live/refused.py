"""A browser's refused connection: it cannot see a refused upgrade, so a close code says why."""

import asyncio
from typing import cast

from gateway.http.messages import UpgradedProtocol
from gateway.live.close_codes import LEAVE_SECONDS_MAX, Close
from gateway.live.websocket import WebSocket


class RefusedConnection(UpgradedProtocol):
    """Closes as soon as it is open."""

    def __init__(self, close: Close, *, text: bool) -> None:
        self._close = close
        self._text = text
        self._since = asyncio.get_running_loop().time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._socket = WebSocket(self._transport, text=self._text, message_bytes_max=1)
        self._socket.close(self._close)
        self.written = self._socket.written

    def data_received(self, data: bytes) -> None:
        self._socket.receive(data)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._socket.release()

    def end(self) -> None:
        """See `UpgradedProtocol`."""
        self._transport.close()

    def check_deadlines(self, now: float) -> None:
        """See `UpgradedProtocol`."""
        if now - self._since > LEAVE_SECONDS_MAX:
            self._transport.abort()

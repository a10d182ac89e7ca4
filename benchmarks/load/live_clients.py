"""Clients of live connections: WebSockets that pipeline commands, or that stay quiet.

Messages are made with two joins and answers are searched, not read, so that the load takes little
of the machine it is on.

Not for: what is measured (`benchmarks.live`).
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import urlsplit

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

SUBPROTOCOL = Subprotocol("questkeep.v1.msgpack")
_ANSWERED, _REFUSED = b"\xa5reply", b"\xa7problem"


class Refused(Exception):
    """A command was refused, or the connection ended; the message has some of what came."""


class LiveClient(asyncio.Protocol):
    """One connection.  It answers pings and counts replies.

    Attributes:
        open: set once the upgrade was answered.
        answered: commands that were answered.
        seconds: how long each message of commands took to be answered.
    """

    def __init__(self, url: str, path: str, token: str) -> None:
        uri = parse_uri("ws" + url.removeprefix("http") + path)
        self.open = asyncio.Event()
        self.failure: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.answered = 0
        self.seconds: list[float] = []
        self._protocol = ClientProtocol(uri, subprotocols=[SUBPROTOCOL], max_size=None)
        self._token = token
        self._under_way: deque[tuple[int, float]] = deque()
        self._messages: Iterator[tuple[int, bytes]] = iter(())
        self._idle = asyncio.Event()

    def pipeline(self, messages: Iterator[tuple[int, bytes]], window: int) -> None:
        """Keep `window` messages under way: each a number of commands, and its bytes."""
        self._messages = messages
        for _ in range(window):
            self._next()

    async def end(self) -> None:
        """Send no more, and leave once everything is answered.  Raises `Refused`."""
        self._messages = iter(())
        if self._under_way:
            self._idle.clear()
            idle: asyncio.Future[Any] = asyncio.ensure_future(self._idle.wait())
            await asyncio.wait({idle, self.failure}, return_when=asyncio.FIRST_COMPLETED)
            idle.cancel()
        if self.failure.done():
            self.failure.result()
        self.failure.cancel()
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        request = self._protocol.connect()
        request.headers["Authorization"] = f"Bearer {self._token}"
        self._protocol.send_request(request)
        self._write()

    def data_received(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                if event.opcode is Opcode.BINARY:
                    self._count(bytes(event.data))
            elif self._protocol.state is State.OPEN:
                self.open.set()
        self._write()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.failure.done():
            self.failure.set_exception(
                Refused(f"the connection ended: {self._protocol.close_rcvd}")
            )

    def _count(self, message: bytes) -> None:
        if _REFUSED in message and not self.failure.done():
            self.failure.set_exception(Refused(repr(message[:500])))
        count = message.count(_ANSWERED)
        self.answered += count
        while count and self._under_way:
            left, sent_at = self._under_way[0]
            if left > count:
                self._under_way[0] = (left - count, sent_at)
                return
            count -= left
            self._under_way.popleft()
            self.seconds.append(time.perf_counter() - sent_at)
            self._next()
        if not self._under_way:
            self._idle.set()

    def _next(self) -> None:
        message = next(self._messages, None)
        if message is not None:
            count, content = message
            self._under_way.append((count, time.perf_counter()))
            self._protocol.send_binary(content)
            self._write()

    def _write(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)


async def open_client(url: str, path: str, token: str) -> LiveClient:
    """A connection, upgraded.

    Raises:
        Refused, OSError: it was not.
    """
    place = urlsplit(url)
    assert place.hostname is not None
    assert place.port is not None
    _, client = await asyncio.get_running_loop().create_connection(
        lambda: LiveClient(url, path, token), place.hostname, place.port
    )
    opened: asyncio.Future[Any] = asyncio.ensure_future(client.open.wait())
    await asyncio.wait({opened, client.failure}, return_when=asyncio.FIRST_COMPLETED)
    if client.failure.done():
        opened.cancel()
        client.failure.result()
    return client

"""A network that fails on request: a TCP proxy between clients and a server.

Not for: what the server does meanwhile, which is whole and well; that is `server` and `crashes`.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, Self
from urllib.parse import urlsplit

from questkeep_testing.loop_thread import LoopThread

Direction = Literal["to_server", "to_client"]

_READ_BYTES = 64 * 1024


class Network:
    """Another address of a server, behind which a test decides what gets through; `with` it.

    Attributes:
        url: what clients connect to.
        delay_seconds: how long whatever is sent stays on its way.
    """

    def __init__(self, server_url: str) -> None:
        self._server = urlsplit(server_url)
        self.delay_seconds = 0.0
        self._silent = self._offline = False
        self._left: dict[Direction, int | None] = {"to_server": None, "to_client": None}
        self._writers: set[asyncio.StreamWriter] = set()
        self._thread = LoopThread("questkeep network")
        self._proxy = self._thread.call(self._listen())
        self.url = "http://{}:{}".format(*self._proxy.sockets[0].getsockname()[:2])

    def cut(self) -> None:
        """Cut every connection, now."""
        self._thread.call(self._cut())

    def cut_after(self, byte_count: int, direction: Direction = "to_client") -> None:
        """Cut every connection once, after so many further bytes got through in a direction."""
        self._left[direction] = byte_count

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Drop whatever is sent in the block; connections stay open, as on a half-dead line.

        What was dropped never comes: the connections that met it are cut at the end.
        """
        self._silent = True
        try:
            yield
        finally:
            self.cut()
            self._silent = False

    @contextmanager
    def offline(self) -> Iterator[None]:
        """Cut everything, and let nobody connect in the block."""
        self._offline = True
        self.cut()
        try:
            yield
        finally:
            self._offline = False

    def close(self) -> None:
        """Cut everything and listen no more."""
        self._thread.call(self._end())
        self._thread.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._connected, "127.0.0.1", 0)

    async def _cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _end(self) -> None:
        self._offline = True
        self._proxy.close()
        await self._cut()
        while self._writers:  # noqa: ASYNC110 - each goes with its task
            await asyncio.sleep(0.001)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._offline:
            writer.transport.abort()
            return
        try:
            onward = await asyncio.open_connection(self._server.hostname, self._server.port)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, onward[1]}
        self._writers |= pair
        try:
            copying = {
                asyncio.create_task(self._copy(reader, onward[1], "to_server")),
                asyncio.create_task(self._copy(onward[0], writer, "to_client")),
            }
            _, rest = await asyncio.wait(copying, return_when=asyncio.FIRST_COMPLETED)
            for task in rest:
                task.cancel()
            await asyncio.wait(copying)
        finally:
            for each in pair:
                each.transport.abort()
            self._writers -= pair

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: Direction
    ) -> None:
        """Pass bytes on until either end goes, or the connection is cut."""
        try:
            while content := await reader.read(_READ_BYTES):
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                if self._silent:
                    continue
                through, is_cut = self._take(content, direction)
                writer.write(through)
                await writer.drain()
                if is_cut:
                    return await self._cut()
        except OSError:
            pass  # an end has gone

    def _take(self, content: bytes, direction: Direction) -> tuple[bytes, bool]:
        """What of `content` gets through, and whether that is the last."""
        left = self._left[direction]
        if left is None:
            return content, False
        is_cut = len(content) >= left
        self._left[direction] = None if is_cut else left - len(content)
        return content[:left], is_cut

"""A relay between a client and a server that counts connections and cuts what the client sends."""

import asyncio
import contextlib
import random
import threading
from collections.abc import Iterator

PIECE_BYTES_MAX = 100
UNCUT_BYTES_MIN = 2_000


class Relay:
    """Passes bytes on to a port of this machine, and back.

    The first connection's bytes are passed on in small pieces, the next one's as they arrive, and
    so on in turns; many bytes at once are never cut.

    Attributes:
        port: where it listens.
        connections: how many clients have connected.
        offers: how many reads from clients offered HTTP/2.
    """

    def __init__(self, target: int, seed: int) -> None:
        self.port = self.connections = self.offers = 0
        self._target = target
        self._dice = random.Random(seed)

    async def serve(self, ready: threading.Event) -> None:
        """Until `stop`."""
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._stopped.wait()
        server.close()

    def stop(self) -> None:
        """From any thread."""
        self._loop.call_soon_threadsafe(self._stopped.set)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        cut = self.connections % 2 == 1
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            with contextlib.suppress(ConnectionError):
                await asyncio.gather(
                    self._pass_on(reader, there_writer, cut),
                    self._pass_on(there_reader, writer, cut=False),
                )
        finally:
            for end in (there_writer, writer):
                end.transport.abort()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cut: bool
    ) -> None:
        while data := await reader.read(65_536):
            self.offers += b"\r\nupgrade: h2c\r\n" in data.lower()
            while data:
                small = cut and len(data) < UNCUT_BYTES_MIN
                size = self._dice.randint(1, PIECE_BYTES_MAX) if small else len(data)
                writer.write(data[:size])
                data = data[size:]
                await writer.drain()
        writer.write_eof()


@contextlib.contextmanager
def relay(target: int, seed: int) -> Iterator[Relay]:
    """A relay in a thread of its own."""
    ready, running = threading.Event(), Relay(target, seed)
    thread = threading.Thread(target=lambda: asyncio.run(running.serve(ready)))
    thread.start()
    ready.wait()
    try:
        yield running
    finally:
        running.stop()
        thread.join()

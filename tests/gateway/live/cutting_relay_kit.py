"""A relay that breaks connections after a random number of bytes, wherever that falls."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf

BYTES_MAX = 6_000
MESSAGE_BYTES = 30_000
"""More than the answers to all that a client of these tests repeats when it comes back."""
READ_BYTES = 512


class CuttingRelay:
    """Passes bytes on to a port of this machine, and back, until it cuts.

    Args:
        spares: every other way is never cut, and the rest early; else all are cut some time.

    Attributes:
        cuts: how many connections it broke.
        heals: nothing more is cut.
    """

    def __init__(self, target: int, seed: int, spares: bool) -> None:
        self.cuts = 0
        self.heals = False
        self._target = target
        self._spares = spares
        self._dice = random.Random(seed)
        self._ends: set[asyncio.StreamWriter] = set()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client's connection."""
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target)
        ends = {writer, there_writer}
        self._ends |= ends
        ways = [
            asyncio.create_task(self._pass_on(reader, there_writer)),
            asyncio.create_task(self._pass_on(there_reader, writer)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        self.abort(ends)

    def abort(self, ends: set[asyncio.StreamWriter] | None = None) -> None:
        """Break these, or all."""
        for end in set(self._ends if ends is None else ends):
            end.transport.abort()
            self._ends.discard(end)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        spared = self._spares and self._dice.random() < 0.5
        most = BYTES_MAX if self._spares else MESSAGE_BYTES
        left = inf if spared else self._dice.randrange(most)
        try:
            while data := await reader.read(READ_BYTES):
                whole = self.heals or len(data) <= left
                writer.write(data if whole else data[: int(left)])
                await writer.drain()
                left -= len(data)
                if not whole:
                    self.cuts += 1
                    return
        except ConnectionError:
            return


@asynccontextmanager
async def cutting(
    target: int, seed: int, *, spares: bool = True
) -> AsyncIterator[tuple[CuttingRelay, str]]:
    """A relay, and the address where it listens."""
    relay = CuttingRelay(target, seed, spares)
    listening = await asyncio.start_server(relay.connected, "127.0.0.1", 0)
    try:
        yield relay, f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()
        relay.abort()

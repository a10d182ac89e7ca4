"""A relay that breaks each connection after a random number of bytes, wherever that falls."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf

BYTES_MAX = 6_000
READ_BYTES = 512


class CuttingRelay:
    """Passes bytes on to a port of this machine, and back, until it cuts.

    Attributes:
        cuts: how many connections it broke.
        heals: nothing more is cut.
    """

    def __init__(self, target: int, seed: int) -> None:
        self.cuts = 0
        self.heals = False
        self._target = target
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
        left: float = self._dice.choice((inf, self._dice.randrange(BYTES_MAX)))
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
async def cutting(target: int, seed: int) -> AsyncIterator[tuple[CuttingRelay, str]]:
    """A relay, and the address where it listens."""
    relay = CuttingRelay(target, seed)
    listening = await asyncio.start_server(relay.connected, "127.0.0.1", 0)
    try:
        yield relay, f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()
        relay.abort()

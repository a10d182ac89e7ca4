"""Many clients on one event loop, each with a connection of its own and one request on its way.

Unlike wrk they tell answers apart by status, and a client that is refused does as `Retry-After`
says: it waits.  They take more of a core than wrk does, so rates are
compared only with each other.

Not for: the comparison with peers (`runs`).
"""

import asyncio
import random
import time
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

from msgspec import Struct

REFUSED = frozenset({429, 503})
_RETRY_AFTER = b"\r\nretry-after: "
_LENGTH = b"\r\ncontent-length: "
_HEAD_END = b"\r\n\r\n"

MakeRequest = Callable[[], bytes]


class Seen(Struct):
    """One answer: when it came (`time.perf_counter`), after how many seconds, and which one."""

    at: float
    seconds: float
    status: int
    told_to_wait: bool


class Clients:
    """Clients that share what they send and what they have seen.

    Args:
        patient: wait for as long as a refusal says, give or take half; else ask again at once.
    """

    def __init__(self, make_request: MakeRequest, *, patient: bool = True) -> None:
        self.seen: list[Seen] = []
        self.broken = 0
        self.make_request = make_request
        self.patient = patient
        self.dice = random.Random(11)
        self._connections: list[_Connection] = []

    async def connect(self, url: str, count: int, seconds: float = 0.0) -> None:
        """So many more of them begin, one after the other within `seconds`."""
        loop, place = asyncio.get_running_loop(), urlsplit(url)
        begin = loop.time()
        assert place.hostname is not None
        assert place.port is not None
        for number in range(count):
            await asyncio.sleep(begin + seconds * number / count - loop.time())
            _, connection = await loop.create_connection(
                lambda: _Connection(self), place.hostname, place.port
            )
            self._connections.append(connection)

    async def watch(self, seconds: float) -> list[Seen]:
        """What these clients see in this time."""
        self.seen = []
        await asyncio.sleep(seconds)
        return self.seen

    def leave(self, count: int) -> None:
        """So many of them hang up, whatever is on its way."""
        for _ in range(count):
            self._connections.pop().hang_up()


class _Connection(asyncio.Protocol):
    def __init__(self, clients: Clients) -> None:
        self._clients: Clients | None = clients
        self._buffer = b""
        self._asked_at = 0.0
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._clients is not None:
            self._clients.broken += 1
            self._clients = None

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer = self._buffer + data if self._buffer else data
        end = buffer.find(_HEAD_END)
        if end < 0 or self._clients is None:
            return
        head = buffer[: end + 2].lower()
        if len(buffer) < end + len(_HEAD_END) + _number(head, _LENGTH):
            return
        self._buffer = b""
        now = time.perf_counter()
        status, wait = int(buffer[9:12]), _number(head, _RETRY_AFTER)
        self._clients.seen.append(Seen(now, now - self._asked_at, status, wait > 0))
        if status in REFUSED and self._clients.patient:
            pause = wait * self._clients.dice.uniform(0.5, 1.5)
            asyncio.get_running_loop().call_later(pause, self._ask)
        else:
            self._ask()

    def _ask(self) -> None:
        if self._clients is not None and self._transport is not None:
            self._asked_at = time.perf_counter()
            self._transport.write(self._clients.make_request())

    def hang_up(self) -> None:
        self._clients = None
        if self._transport is not None:
            self._transport.abort()


def _number(head: bytes, name: bytes) -> int:
    start = head.find(name)
    if start < 0:
        return 0
    start += len(name)
    return int(head[start : head.index(b"\r", start)])

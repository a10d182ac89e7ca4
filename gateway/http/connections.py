"""All open connections of one listener: their deadlines, room for new ones, and their end.

Not for: what happens on one of them (`connection`), or accepting (`listener`).
"""

import asyncio
import contextlib
from collections import Counter
from email.utils import formatdate
from heapq import nsmallest
from ipaddress import IPv6Address

from gateway.http.connection import Connection
from gateway.http.messages import Answer
from gateway.http.upgraded import UpgradedConnection

LOOKED_AT_TOGETHER = 250
"""Connections whose deadlines are looked at in one turn of the event loop."""


def client_address(ip: str) -> str:
    """What stands for one client: its IPv4 address, or its IPv6 network, of 64 bits."""
    if ":" not in ip:
        return ip
    address = IPv6Address(ip.partition("%")[0])
    mapped = address.ipv4_mapped
    return str(mapped) if mapped else str(IPv6Address(int(address) >> 64 << 64))


class Connections:
    """All open connections of one listener.

    Attributes:
        answer: gives the response to each request.
        date: the `date` header of responses, at most a second old.
        count: connections that were admitted and are not closed yet.
    """

    def __init__(self, answer: Answer, per_client_max: int = 0) -> None:
        self.answer = answer
        self.count = 0
        self._per_client_max = per_client_max
        self._of_client: Counter[str] = Counter()
        self.date = formatdate(usegmt=True).encode()
        self._open: set[Connection | UpgradedConnection] = set()
        self._none_open = asyncio.Event()
        self._none_open.set()

    def admit(self, client: str) -> bool:
        """Count one more connection of a client, unless it has as many as are allowed.

        Whoever gets True calls `connect`, or `release` if the connection is lost before.
        """
        if self._per_client_max and self._of_client[client] >= self._per_client_max:
            return False
        self.count += 1
        self._of_client[client] += 1
        return True

    def release(self, client: str) -> None:
        """Count one connection of a client less."""
        self.count -= 1
        self._of_client[client] -= 1
        if not self._of_client[client]:
            del self._of_client[client]

    def connect(self, client: str) -> Connection:
        """The protocol of a connection that was admitted."""
        return Connection(self, client)

    def opened(self, connection: Connection) -> None:
        """Called by a connection that has its socket."""
        self._open.add(connection)
        self._none_open.clear()

    def upgraded(self, connection: Connection, successor: UpgradedConnection) -> None:
        """Called by a connection that another protocol has taken over."""
        self._open.discard(connection)
        self._open.add(successor)

    def closed(self, connection: Connection | UpgradedConnection) -> None:
        """Called by a connection that has lost its socket."""
        self._open.discard(connection)
        self.release(connection.address)
        if not self._open:
            self._none_open.set()

    async def close_expired(self, now: float) -> None:
        """Close connections whose deadline is before `now`, in the event loop's seconds.

        To be called about once a second: a timer for each connection would have to be set and
        cancelled with each request.  Whoever asks something meanwhile does not wait for all.
        """
        self.date = formatdate(usegmt=True).encode()
        for number, connection in enumerate(list(self._open), 1):
            if connection in self._open:
                connection.close_if_expired(now)
            if number % LOOKED_AT_TOGETHER == 0:
                await asyncio.sleep(0)

    def close_idle(self, count: int) -> int:
        """Close up to `count` idle connections to make room, and tell how many.

        Those that never had a request answered go first, then those that are idle longest.
        """
        idle = (connection for connection in self._open if connection.idle)
        longest = nsmallest(count, idle, key=lambda idle: (idle.served, idle.idle_since))
        for connection in longest:
            self._open.discard(connection)  # its socket is closed in the loop's next turn
            connection.abort()
        return len(longest)

    async def end(self, seconds_max: float) -> None:
        """Answer the requests that have arrived, then close; abort after `seconds_max`."""
        for connection in list(self._open):
            connection.end()
        if self._open:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds_max):
                    await self._none_open.wait()
        self.abort()

    def abort(self) -> None:
        """Close all at once, whatever was not sent yet."""
        for connection in list(self._open):
            connection.abort()

"""A connection that another protocol has taken over: counted, watched and ended like the others.

Not for: when that happens (`connection`), or what the protocol says.
"""

import asyncio
from collections.abc import Callable

from gateway.http.messages import UpgradedProtocol
from gateway.http.unsent import UnsentDeadline


class UpgradedConnection(asyncio.Protocol):
    """Hands everything on to the protocol that has taken the connection over.

    `closed` is called once the socket is lost.

    Attributes:
        address: the client's, see `client_address`.
        idle: false: it never makes room for new connections.
    """

    __slots__ = ("_closed", "_protocol", "_transport", "_unsent", "address")

    idle = False
    served = True
    idle_since = 0.0

    def __init__(
        self,
        address: str,
        transport: asyncio.Transport,
        protocol: UpgradedProtocol,
        closed: Callable[["UpgradedConnection"], None],
    ) -> None:
        self.address = address
        self._transport = transport
        self._protocol = protocol
        self._closed = closed
        self._unsent = UnsentDeadline()
        protocol.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.connection_lost(exc)
        self._closed(self)

    def data_received(self, data: bytes) -> None:
        self._protocol.data_received(data)

    def eof_received(self) -> bool | None:
        return self._protocol.eof_received()

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()

    def close_if_expired(self, now: float) -> None:
        """See `Connection.close_if_expired`; the protocol has deadlines of its own.

        Thousands of quiet connections are looked at each second: for those it is two comparisons.
        """
        protocol, unsent = self._protocol, self._unsent
        if not unsent.none_left or protocol.written != unsent.written:
            unsent.written = protocol.written
            if unsent.expired(self._transport, now):
                self._transport.abort()
                return
        if now >= protocol.due_at:
            protocol.check_deadlines(now)

    def end(self) -> None:
        """Have the protocol take its leave: the server stops."""
        self._protocol.end()

    def abort(self) -> None:
        """Close at once; unsent bytes are dropped."""
        self._transport.abort()

"""A request as it arrives, the response to it, and what gives one for the other.

Not for: bytes on a connection (`connection`), or what any of it means.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

Headers = Sequence[tuple[bytes, bytes]]

API_HEADERS: Headers = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)
CLOSE = (b"connection", b"close")
"""Among the headers of an answer: the connection is not used again."""


class Disconnected(Exception):
    """The client went away before its request was read; nobody waits for an answer."""


class Request:
    """A request as it arrives; the connection that reads it fills it.

    Attributes:
        address: of the client, or of the proxy in between: see `client_address`.
        version: of HTTP, `1.1` or `1.0`.
        path: as it was sent, before any decoding, without the query.
        headers: names in lower case, in order; trailers are dropped.
        upgrade: the protocols that may be gone on with, in lower case; empty if the client offers
            none, or offers them by HTTP/1.0 or with a body.
        complete: all of it is here.
        gone: the rest of it will never arrive.
    """

    __slots__ = (
        "_arrival",
        "_body",
        "_fields",
        "address",
        "complete",
        "gone",
        "headers",
        "method",
        "path",
        "query",
        "upgrade",
        "version",
        "waited_for",
    )

    def __init__(self, waited_for: Callable[[], None] = lambda: None, address: str = "") -> None:
        self.address = address
        self.method = ""
        self.version = "1.1"
        self.path = self.query = self.upgrade = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.complete = self.gone = False
        self.waited_for = waited_for
        """Called whenever the application begins to wait for more of the body."""
        self._body = bytearray()
        self._fields: dict[bytes, bytes] | None = None
        self._arrival: asyncio.Future[None] | None = None

    @property
    def fields(self) -> dict[bytes, bytes]:
        """The headers by name; several with one name are one list (RFC 9110, 5.2)."""
        if self._fields is None:
            self._fields = dict(self.headers)
            if len(self._fields) < len(self.headers):
                self._fields = _combined(self.headers)
        return self._fields

    @property
    def unread(self) -> int:
        """Bytes of the body that have arrived and were not taken."""
        return len(self._body)

    @property
    def expects_continue(self) -> bool:
        """The client waits to be told to go on before it sends the body."""
        expects = self.fields.get(b"expect", b"").lower()
        return expects == b"100-continue" and self.version != "1.0"

    def feed(self, chunk: bytes) -> None:
        """More of the body has arrived."""
        self._body += chunk
        self._wake()

    def end(self, *, gone: bool = False) -> None:
        """The body is complete, or `gone`: the rest of it will never arrive."""
        self.complete, self.gone = not gone, gone
        self._wake()

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    def take(self) -> bytes:
        """What has arrived of the body since the last call."""
        taken = bytes(self._body)
        self._body.clear()
        return taken

    async def more(self) -> None:
        """Return once more of the body has arrived, or the request is `complete` or `gone`."""
        if not self._body and not self.complete and not self.gone:
            self._arrival = asyncio.get_running_loop().create_future()
            self.waited_for()
            await self._arrival


class Response(NamedTuple):
    """What goes back.  `code` is the problem's, or empty; it is counted, not sent."""

    status: int
    content_type: bytes
    body: bytes
    headers: Headers = API_HEADERS
    code: str = ""


class UpgradedProtocol(asyncio.Protocol):
    """Base of a protocol that goes on with a connection after the upgrade it was asked for.

    Its transport is open and may be read; bytes that arrived behind the request are the first that
    it receives.

    Attributes:
        written: bytes that it has given to the transport, all in all: a client that takes none of
            them for too long is cut off.
        due_at: `check_deadlines` need not be called before, in the event loop's seconds.
    """

    __slots__ = ()
    written = 0
    due_at = 0.0

    def end(self) -> None:
        """The server stops: take leave and close; the transport is aborted some seconds later."""
        raise NotImplementedError

    def check_deadlines(self, now: float) -> None:
        """Called about once a second from `due_at` on, with the event loop's seconds."""


class Upgraded(NamedTuple):
    """The answer that takes the upgrade which a request offers: 101 with `headers`.

    Only for a request with `upgrade`.  `make_protocol` is called once the 101 is on its way.
    """

    headers: Headers
    make_protocol: Callable[[], UpgradedProtocol]


Answer = Callable[[Request], Awaitable[Response | Upgraded | None]]
"""Gives the response to a request; None when the client is gone and nobody waits for it."""


def _combined(headers: Headers) -> dict[bytes, bytes]:
    values: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        values.setdefault(name, []).append(value)
    return {name: b", ".join(each) for name, each in values.items()}

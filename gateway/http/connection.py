"""One HTTP/1.1 connection: parses requests, has them answered one at a time, in order.

httptools (llhttp) parses the bytes.  The rest of a connection's life is here, limits on size and
time above all: a general server took 20 us of a request's 50 (`docs/decisions/0015`).

Not for: addresses and accepting (`listener`), or the answers: they come from a callable.
"""

import asyncio
import contextlib
from collections import deque
from email.utils import formatdate
from http import HTTPStatus
from math import inf
from typing import cast

import httptools

from gateway.http.messages import API_HEADERS, CLOSE, Answer, Headers, Request, Response

HEAD_BYTES_MAX = 64 * 1024
"""Most bytes of a request's line and headers, give or take one read of the socket."""
HEAD_SECONDS_MAX = 30.0
"""How long the head of a request may take; for the first one, from the connection on."""
KEEP_ALIVE_SECONDS = 75.0
"""How long an idle connection is kept.  Longer than the 60 s of common load balancers, so that they
close it: a request that crosses our close on its way would be lost."""
UNWANTED_SECONDS_MAX = 30.0
"""How long the rest of a body may take that nobody reads, its request being answered."""
READER_SECONDS_MAX = 30.0
"""How long a client may leave an answer unread that its socket has no room for."""
UNREAD_BYTES_MAX = 64 * 1024
"""Most bytes of a body kept for the application; beyond it the socket is not read."""

_STATUS_LINES = {status: f"HTTP/1.1 {status} {status.phrase}\r\n".encode() for status in HTTPStatus}
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def _lines(headers: Headers) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in headers)


_API_LINES = _lines(API_HEADERS)


class Connections:
    """All open connections of one listener.

    Attributes:
        answer: gives the response to each request.
        date: the `date` header of responses, at most a second old.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self._open: set[Connection] = set()
        self._none_open = asyncio.Event()
        self.date = formatdate(usegmt=True).encode()

    def connect(self) -> "Connection":
        """The protocol of a new connection."""
        return Connection(self)

    def opened(self, connection: "Connection") -> None:
        """Called by a connection that has its socket."""
        self._open.add(connection)
        self._none_open.clear()

    def closed(self, connection: "Connection") -> None:
        """Called by a connection that has lost its socket."""
        self._open.discard(connection)
        if not self._open:
            self._none_open.set()

    def close_expired(self, now: float) -> None:
        """Close connections whose deadline is before `now`, in the event loop's seconds.

        To be called about once a second: a timer for each connection would have to be set and
        cancelled with each request.
        """
        self.date = formatdate(usegmt=True).encode()
        for connection in list(self._open):
            if connection.expires_at < now:
                connection.expire()

    async def end(self, seconds_max: float) -> None:
        """Answer the requests that have arrived, then close; abort after `seconds_max`."""
        for connection in list(self._open):
            connection.end()
        if self._open:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds_max):
                    await self._none_open.wait()
        for connection in list(self._open):
            connection.abort()


class Connection(asyncio.Protocol):
    """One client's connection.

    Attributes:
        expires_at: deadline of what the client is expected to do next, in the event loop's seconds.
        answering: the task that answers queued requests; None while there are none.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._incoming = Request(self._wanted)
        self._target = b""
        self._in_head = True
        self._head_bytes = 0
        # Requests without an answer; the first is the one that is being answered.
        self._queue: deque[Request] = deque()
        self.answering: asyncio.Task[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._reading = True
        self._last = False  # no request is taken after those in the queue
        self._discarding = False  # bytes that arrive are dropped
        self._refusal = b""  # sent after the last answer, to a client that sent no HTTP
        self._continue_sent: Request | None = None
        self.expires_at = self._loop.time() + HEAD_SECONDS_MAX

    # -- the transport's side --------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._connections.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._connections.closed(self)
        self._break_off()
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        if self._discarding:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._last = self._discarding = (
                True  # we stay with HTTP/1.1; what follows is something else
            )
        except httptools.HttpParserError:
            self._refuse(HTTPStatus.BAD_REQUEST)
        if self._in_head:
            # Most heads come in one piece and never get here.
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        if self._queue:
            if self.answering is None:
                self.answering = self._loop.create_task(self._answer())
            if len(self._queue) > 1 or self._queue[0].unread > UNREAD_BYTES_MAX:
                self._read(False)

    def eof_received(self) -> bool:
        """A client may close its side and still wait for its answers."""
        self._last = True
        self._break_off()
        return bool(self._queue)

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # -- the parser's side -----------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._incoming = Request(self._wanted)
        self._target = b""
        self._in_head = True
        self._head_bytes = 0
        self.expires_at = self._loop.time() + HEAD_SECONDS_MAX

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._incoming.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        request, target = self._incoming, self._target
        request.method = self._parser.get_method().decode("ascii")
        if target.startswith(b"/") and b"#" not in target:
            request.path, _, request.query = target.partition(b"?")
        else:  # with scheme and host, as for a proxy
            parts = httptools.parse_url(target)
            request.path, request.query = parts.path or b"/", parts.query or b""
        self._in_head = False
        self.expires_at = inf
        if not self._last:
            self._queue.append(request)
        if not self._parser.should_keep_alive() or self._parser.get_http_version() == "1.0":
            self._last = True

    def on_body(self, body: bytes) -> None:
        if self._incoming in self._queue:
            self._incoming.feed(body)

    def on_message_complete(self) -> None:
        self._incoming.end()
        if not self._queue:  # it was answered before all of it was here
            self.expires_at = self._loop.time() + KEEP_ALIVE_SECONDS

    # -- answers ---------------------------------------------------------------------------------

    async def _answer(self) -> None:
        """Answer the queued requests, one after the other."""
        try:
            while self._queue and self._transport is not None:
                request = self._queue[0]
                response = await self._connections.answer(request)
                self._queue.popleft()
                if response is not None:
                    self._send(request, response)
                if self._writable is not None:
                    self.expires_at = self._loop.time() + READER_SECONDS_MAX
                    await self._writable
                    self.expires_at = inf
        except BaseException:
            self.abort()
            raise
        self.answering = None
        if self._last:
            self.close()
        else:
            whole = self._incoming.complete
            patience = KEEP_ALIVE_SECONDS if whole else UNWANTED_SECONDS_MAX
            self.expires_at = self._loop.time() + patience
            self._read(True)

    def _send(self, request: Request, response: Response) -> None:
        if self._transport is None:
            return
        lines = _API_LINES
        if response.headers is not API_HEADERS:
            lines = _lines([header for header in response.headers if header != CLOSE])
            self._last = self._last or CLOSE in response.headers
        close = b"connection: close\r\n" if self._last and not self._queue else b""
        self._transport.write(
            b"%bdate: %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n%b%b\r\n%b"
            % (
                _STATUS_LINES[HTTPStatus(response.status)],
                self._connections.date,
                response.content_type,
                len(response.body),
                lines,
                close,
                b"" if request.method == "HEAD" else response.body,
            )
        )

    def _wanted(self) -> None:
        """The application waits for more of the first request's body: ask the client to go on."""
        request = self._queue[0]
        if self._continue_sent is not request and _expects_continue(request):
            self._continue_sent = request
            if self._transport is not None:
                self._transport.write(_CONTINUE)
        self._read(True)

    def _read(self, on: bool) -> None:
        if self._transport is not None and self._reading != on:
            self._reading = on
            if on:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    # -- the end ---------------------------------------------------------------------------------

    def end(self) -> None:
        """Take no more requests; close once the queued ones are answered."""
        self._last = True
        if self.answering is None:
            self.close()

    def close(self) -> None:
        """Close once all bytes are sent."""
        if self._transport is not None:
            self._transport.write(self._refusal)
            self._transport.close()

    def expire(self) -> None:
        """The deadline has passed: close, or abort while the client leaves an answer unread."""
        if self._writable is None:
            self.close()
        else:
            self.abort()

    def abort(self) -> None:
        """Close at once; unsent bytes are dropped."""
        if self._transport is not None:
            self._transport.abort()

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer bytes that are no request with `status`, after the answers to those before."""
        self._discarding = True
        if self._last:
            return  # and nothing was to come
        self._last = True
        self._refusal = b"%bconnection: close\r\ncontent-length: 0\r\n\r\n" % _STATUS_LINES[status]
        self._break_off()
        if not self._queue:
            self.close()

    def _break_off(self) -> None:
        """End the requests whose bodies are incomplete: the rest will not arrive."""
        for request in self._queue:
            if not request.complete:
                request.end(gone=True)


def _expects_continue(request: Request) -> bool:
    return any(
        name == b"expect" and value.lower() == b"100-continue" for name, value in request.headers
    )

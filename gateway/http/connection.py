"""One HTTP/1.1 connection: has its requests answered one at a time, in order, within deadlines.

Not for: the syntax of requests (`request_parser`), all connections together (`connections`), or the
answers: they come from a callable.
"""

import asyncio
from collections import deque
from math import inf
from typing import Protocol, cast

from gateway.http.messages import API_HEADERS, CLOSE, Answer, Request, Response, Upgraded
from gateway.http.request_parser import RequestParser, Stage
from gateway.http.responses import CONTINUE, refusal_bytes, response_pieces, upgrade_bytes
from gateway.http.unsent import UnsentDeadline
from gateway.http.upgraded import UpgradedConnection

HEAD_SECONDS_MAX = 30.0
"""How long the head of a request may take; for the first one, from the connection on."""
KEEP_ALIVE_SECONDS = 75.0
"""How long an idle connection is kept.  Longer than the 60 s of common load balancers, so that they
close it: a request that crosses our close on its way would be lost."""
UNWANTED_SECONDS_MAX = 30.0
"""How long bytes are read and dropped that nobody wants, so that the client reads its answer: the
rest of the body of an answered request, and whatever follows the last answer."""
UNREAD_BYTES_MAX = 64 * 1024
"""Most bytes of a body kept for the application; beyond it the socket is not read."""

# Looked up with each piece that arrives; an enum's own attributes are slow.
_BETWEEN, _HEAD, _BODY, _UPGRADE = Stage


class Owner(Protocol):
    """What a connection belongs to: see `Connections`."""

    answer: Answer
    date: bytes

    def opened(self, connection: "Connection") -> None:
        """The connection has its socket."""

    def upgraded(self, connection: "Connection", successor: UpgradedConnection) -> None:
        """Another protocol has taken the connection over."""

    def closed(self, connection: "Connection | UpgradedConnection") -> None:
        """The connection has lost its socket."""


class Connection(asyncio.Protocol):
    """One client's connection.

    Attributes:
        address: the client's, see `client_address`.
        expires_at: deadline of what the client is expected to do next, in the event loop's seconds.
        answering: the task that answers queued requests; None while there are none.
        served: a request of this connection was answered.
        idle_since: when the last answer was given, or the connection opened.
    """

    def __init__(self, owner: Owner, address: str) -> None:
        self.address = address
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        # Requests without an answer; the first is the one that is being answered.
        self._queue: deque[Request] = deque()
        self._parser = RequestParser(self._queue, self._wanted, address)
        self._stage = _BETWEEN
        self.answering: asyncio.Task[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._reading = True
        self._half_closed = False  # the client sends nothing more
        self._ending = False  # the server stops
        self._discarding = False  # bytes that arrive are dropped
        self._refusal = b""  # sent after the last answer, to a client that sent no request
        self._refused: Request | None = None  # whose body it is that was no HTTP
        self._continue_sent: Request | None = None
        self._unsent = UnsentDeadline()
        self.served = False
        self.idle_since = self._loop.time()
        self.expires_at = self.idle_since + HEAD_SECONDS_MAX

    # -- the transport's side --------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._owner.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner.closed(self)
        self._break_off()
        self.resume_writing()
        self._let_go()

    def data_received(self, data: bytes) -> None:
        if self._discarding:
            return
        self._parse(data)
        queue, parser = self._queue, self._parser
        if queue:
            if self.answering is None:
                self.expires_at = inf
                self.answering = self._loop.create_task(self._answer())
            if len(queue) > 1 or queue[0].unread > UNREAD_BYTES_MAX or parser.stage is _UPGRADE:
                self._read(False)
        elif parser.stage is not self._stage and not self._discarding:
            self._expect(self._loop.time())

    def eof_received(self) -> bool:
        """A client may close its side and still wait for its answers."""
        self._half_closed = self._parser.last = True
        self._break_off()
        return bool(self._queue)

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # -- requests and answers --------------------------------------------------------------------

    def _parse(self, data: bytes) -> None:
        self._parser.feed(data)
        if self._parser.rejection is not None and not self._discarding:
            self._refuse()

    async def _answer(self) -> None:
        """Answer the queued requests, one after the other."""
        queue = self._queue
        try:
            while queue and self._transport is not None:
                request = queue[0]
                response = await self._owner.answer(request)
                if not request.complete:
                    self._parser.discard_body()
                if queue:  # the connection is not lost
                    queue.popleft()
                    if isinstance(response, Upgraded):
                        self.answering = None
                        self._hand_over(response)
                        return
                    self._send(request, response)
                    if self._parser.held:
                        self._parse(b"")
                if self._writable is not None:
                    await self._writable
        except BaseException:
            self.answering = None  # the exception's traceback refers to this connection
            self.abort()
            raise
        self.answering = None
        self.served = True
        if self._parser.last:
            self._finish()
        else:
            self.idle_since = self._loop.time()
            self._expect(self.idle_since)
            self._read(True)

    def _send(self, request: Request, response: Response | None) -> None:
        parser = self._parser
        if parser.offered and not self._queue:
            parser.decline_upgrade()
        if response is None:
            return
        if response.headers is not API_HEADERS and CLOSE in response.headers:
            parser.last = True
        if request is self._refused:
            self._refusal = b""  # the application did without the body
        close = parser.last and not self._queue and not self._refusal
        for piece in response_pieces(request, response, self._owner.date, close):
            self._write(piece)

    def _hand_over(self, upgraded: Upgraded) -> None:
        """Answer 101, and leave the connection to the protocol that it is upgraded to."""
        transport, parser, owner = self._transport, self._parser, self._owner
        assert parser.stage is _UPGRADE, "an upgrade cannot be taken that was not offered alone"
        if transport is None or transport.is_closing() or self._half_closed:
            self.abort()
            return
        transport.write(upgrade_bytes(upgraded, owner.date))
        protocol = upgraded.make_protocol()
        successor = UpgradedConnection(self.address, transport, protocol, owner.closed)
        transport.set_protocol(successor)
        owner.upgraded(self, successor)
        unread = parser.unparsed
        self._let_go()
        if self._writable is not None:
            successor.pause_writing()
        if unread:
            successor.data_received(unread)
        if self._ending:
            successor.end()
        transport.resume_reading()

    def _wanted(self) -> None:
        """The application waits for more of the first request's body: ask the client to go on."""
        request = self._queue[0]
        if self._continue_sent is not request and request.expects_continue:
            self._continue_sent = request
            self._write(CONTINUE)
        self._read(True)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._unsent.written += len(data)
            self._transport.write(data)

    def _read(self, on: bool) -> None:
        if self._transport is not None and self._reading != on:
            self._reading = on
            change = self._transport.resume_reading if on else self._transport.pause_reading
            change()

    # -- deadlines -------------------------------------------------------------------------------

    def _expect(self, now: float) -> None:
        """Set the deadline of what the client is to do next, no request being unanswered."""
        self._stage = self._parser.stage
        if self._stage is _HEAD:
            seconds = HEAD_SECONDS_MAX
        elif self._stage is _BODY:
            seconds = UNWANTED_SECONDS_MAX
        else:
            seconds = KEEP_ALIVE_SECONDS
        self.expires_at = now + seconds

    def close_if_expired(self, now: float) -> None:
        """Close if the client is late, `now` in the event loop's seconds, with what it is to send
        or, in every state, with taking what is to be sent.  To be called about once a second."""
        if self._transport is None:
            return
        if self._unsent.expired(self._transport, now):
            self._transport.abort()
        elif self.expires_at < now:
            self._transport.close()  # once all bytes are sent

    @property
    def idle(self) -> bool:
        """No request of this connection is being answered."""
        return not self._queue

    # -- the end ---------------------------------------------------------------------------------

    def end(self) -> None:
        """Take no more requests; close once the queued ones are answered."""
        self._ending = self._parser.last = True
        if self.answering is None and self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once; unsent bytes are dropped."""
        if self._transport is not None:
            self._transport.abort()

    def _finish(self) -> None:
        """Send the refusal, if there is one, and close.

        Where a client may still be sending, its socket is read on until it closes: a close with
        bytes unread would reset the connection, and the client might lose its answer.
        """
        if self._transport is None or self._transport.is_closing():
            return
        self._write(self._refusal)
        parser = self._parser
        sending = parser.dropped or parser.rejection is not None or parser.stage is not _BETWEEN
        if self._half_closed or not sending:
            self._transport.close()
            return
        self._discarding = True
        self._transport.write_eof()
        self.expires_at = self._loop.time() + UNWANTED_SECONDS_MAX
        self._read(True)

    def _let_go(self) -> None:
        """Requests and parser refer to this connection: only the collector would free it."""
        self._transport = None
        self._queue.clear()
        self._parser.close()
        self._continue_sent = self._refused = None

    def _refuse(self) -> None:
        """Answer bytes that are no request, after the answers to the requests before them."""
        self._discarding = True
        status, in_body = self._parser.rejection, self._parser.stage is _BODY
        self._refused = self._parser.newest if in_body else None
        if status is not None and (self._refused is not None or not in_body):
            self._refusal = refusal_bytes(status)  # the rejected one has no answer yet
        self._break_off()
        if not self._queue:
            self._finish()

    def _break_off(self) -> None:
        """End the requests whose bodies are incomplete: the rest will not arrive."""
        for request in self._queue:
            if not request.complete:
                request.end(gone=True)

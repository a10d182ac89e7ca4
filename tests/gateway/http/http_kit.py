"""The HTTP server as its tests drive it: a small application, and connections without a socket."""

import asyncio
import re
from typing import Any, NamedTuple

from gateway.http.connection import Connection
from gateway.http.connections import Connections
from gateway.http.messages import CLOSE, Disconnected, Request, Response

BODY_BYTES_MAX = 64 * 1024
HEALTH = b"GET /healthz HTTP/1.1\r\nhost: here\r\n\r\n"
LAST_HEALTH = b"GET /healthz HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n"
UP = b'{"status":"up"}'
BODY = b'{"quest_id":"q-1"}'
LENGTH = b"content-length: %d\r\n" % len(BODY)


def post(path: bytes, headers: bytes = LENGTH, body: bytes = BODY) -> bytes:
    """The bytes of a POST."""
    return b"POST %b HTTP/1.1\r\nhost: here\r\n%b\r\n%b" % (path, headers, body)


ECHO = post(b"/echo")


class Seen(NamedTuple):
    """What the application saw of a request when it arrived."""

    method: str
    path: bytes
    headers: list[tuple[bytes, bytes]]


class Application:
    """Answers what the tests ask for.

    `/healthz` is up; `/known` answers 304; `/echo` answers with the body of the request, or 413 and
    the end of the connection; `/unread` answers 401 and leaves the body; `/held` reads the body and
    answers once `go` is set; `/fail` raises.

    Attributes:
        asked: a permit for each request that waits at `/held`.
        requests: every request, in order.
    """

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.asked = asyncio.Semaphore(0)
        self.requests: list[Seen] = []

    async def answer(self, request: Request) -> Response | None:
        self.requests.append(Seen(request.method, request.path, list(request.headers)))
        if request.path == b"/unread":
            return Response(401, b"text/plain", b"who are you?")
        if request.path == b"/healthz":
            if request.method not in ("GET", "HEAD"):
                return Response(405, b"text/plain", b"")
            return Response(200, b"application/json", UP)
        if request.path == b"/known":
            return Response(304, b"", b"", ((b"etag", b'"e.7"'),))
        if request.path == b"/fail":
            raise RuntimeError("a bug of the application")
        if request.path not in (b"/echo", b"/held"):
            return Response(404, b"text/plain", b"")
        try:
            body = await read(request)
        except Disconnected:
            return None
        if request.path == b"/held":
            self.asked.release()
            await self.go.wait()
        if len(body) > BODY_BYTES_MAX:
            return Response(413, b"text/plain", b"too large", (CLOSE,))
        return Response(200, b"application/octet-stream", body)


async def read(request: Request) -> bytes:
    """The body, read until it is complete or too large."""
    body = request.take()
    while not request.complete and len(body) <= BODY_BYTES_MAX:
        await request.more()
        if request.gone:
            raise Disconnected
        body += request.take()
    return body


class MemoryTransport(asyncio.Transport):
    """A transport that keeps what is written, for connections without a socket."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.unsent = 0  # bytes that the client has not taken
        self.closed = self.aborted = self.ended = False
        self.reading = True

    def write(self, data: Any) -> None:
        assert not self.closed
        assert not self.ended
        self.sent += data

    def write_eof(self) -> None:
        self.ended = True

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> Any:
        return self._protocol

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


def connection_of(connections: Connections) -> Connection:
    """A new connection, of a client at some address."""
    assert connections.admit("198.51.100.1")
    return connections.connect("198.51.100.1")


def connected(application: Application | None = None) -> tuple[Connection, MemoryTransport]:
    """A connection on a transport of its own."""
    transport = MemoryTransport()
    connection = connection_of(Connections((application or Application()).answer))
    connection.connection_made(transport)
    return connection, transport


def head(line: bytes, *headers: bytes) -> bytes:
    """The bytes of a request without a body."""
    return b"\r\n".join((line, *headers, b"", b""))


async def statuses(connection: Connection, transport: MemoryTransport) -> list[bytes]:
    """The statuses that were sent once nothing is left to answer."""
    while (task := connection.answering) is not None:
        await task
    return re.findall(rb"HTTP/1\.1 (\d+) ", transport.sent)


async def answer_complete_requests() -> None:
    """Let the application answer what is complete."""
    for _ in range(20):
        await asyncio.sleep(0)

"""The HTTP server as its tests drive it: a small application, and connections without a socket."""

import asyncio
import re
from typing import Any

from gateway.http.connection import Connection, Connections
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


class Application:
    """Answers what the tests ask for.

    `/healthz` is up; `/echo` answers with the body of the request, or 413 and the end of the
    connection; `/unread` answers 401 and leaves the body; `/held` reads the body and answers once
    `go` is set.

    Attributes:
        asked: a permit for each request that waits at `/held`.
        requests: the method and path of each request, in order.
    """

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.asked = asyncio.Semaphore(0)
        self.requests: list[tuple[str, bytes]] = []

    async def answer(self, request: Request) -> Response | None:
        self.requests.append((request.method, request.path))
        if request.path == b"/unread":
            return Response(401, b"text/plain", b"who are you?")
        if request.path == b"/healthz":
            if request.method not in ("GET", "HEAD"):
                return Response(405, b"text/plain", b"")
            return Response(200, b"application/json", UP)
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
        self.closed = False
        self.reading = True

    def write(self, data: Any) -> None:
        assert not self.closed
        self.sent += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


def connected(application: Application | None = None) -> tuple[Connection, MemoryTransport]:
    """A connection on a transport of its own."""
    transport = MemoryTransport()
    connection = Connections((application or Application()).answer).connect()
    connection.connection_made(transport)
    return connection, transport


async def statuses(connection: Connection, transport: MemoryTransport) -> list[bytes]:
    """The statuses that were sent once nothing is left to answer."""
    while (task := connection.answering) is not None:
        await task
    return re.findall(rb"HTTP/1\.1 (\d+) ", transport.sent)


async def answer_complete_requests(connection: Connection) -> None:
    """Let the application answer what is complete."""
    for _ in range(20):
        await asyncio.sleep(0)

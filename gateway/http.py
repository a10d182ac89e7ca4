"""One HTTP exchange over ASGI: what came, read within limits, and what goes back.

Not for: paths (`routes`), or what any of it means.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from actors.envelope import Media
from gateway.auth import Caller
from gateway.deadlines import LATE, Deadlines
from gateway.errors import Problem
from gateway.wire import CONTENT_TYPE, PROBLEM_TYPE, media_of_answer, write

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

API_HEADERS: Headers = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)


class Disconnected(Exception):
    """The client went away before its request was read; nobody waits for an answer."""


class Response(NamedTuple):
    """What goes back.  `code` is the problem's, or empty; it is counted, not sent."""

    status: int
    content_type: bytes
    body: bytes
    headers: Headers = API_HEADERS
    code: str = ""


class Exchange:
    """A request on its way through the gateway.

    Attributes:
        parameters: the path's parts that stand for something, decoded, not yet checked.
        answer: how the client wants the answer written.
        caller: who sent it; set for endpoints that ask for a token.
    """

    caller: Caller

    def __init__(
        self, scope: Scope, receive: Receive, deadlines: Deadlines, parameters: tuple[str, ...]
    ) -> None:
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.parameters = parameters
        self.answer = media_of_answer(self.headers.get(b"accept"))
        self._scope = scope
        self._receive = receive
        self._deadlines = deadlines

    def authorization(self) -> bytes | None:
        """The `Authorization` header.

        Raises:
            Problem: there are several, and proxies may disagree on which one counts.
        """
        given = self.headers.get(b"authorization")
        if len(self.headers) < len(self._scope["headers"]):
            names = [name for name, _ in self._scope["headers"]]
            if names.count(b"authorization") > 1:
                raise Problem("unauthenticated", "Several Authorization headers came, expected one")
        return given

    def query(self) -> list[tuple[str, str]]:
        """What stands behind the path's `?`, decoded, in order."""
        given = self._scope.get("query_string", b"")
        return parse_qsl(given.decode("latin-1"), keep_blank_values=True)

    async def read(self, bytes_max: int, seconds_max: float) -> bytes:
        """The whole body, never more than `bytes_max` of it in memory.

        Raises:
            Problem: `body_too_large`, before anything is read where the length was declared;
                `body_too_slow` when it is not complete after `seconds_max`.
            Disconnected: the client went away.
        """
        declared = self.headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared[:20]) > bytes_max:
            raise _too_large(bytes_max)
        reader = asyncio.current_task()
        assert reader is not None
        self._deadlines.put(reader, seconds_max)
        try:
            return await self._read(bytes_max)
        except asyncio.CancelledError as cancelled:
            if cancelled.args != (LATE,):
                raise
            reader.uncancel()
            detail = f"The body was not complete after {seconds_max:g} seconds"
            raise Problem("body_too_slow", detail) from None
        finally:
            self._deadlines.drop(reader)

    async def _read(self, bytes_max: int) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            if size > bytes_max:
                raise _too_large(bytes_max)
            chunks.append(chunk)
            if not message.get("more_body", False):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def answered(body: bytes, media: Media) -> Response:
    """A 200 with a body that is encoded already."""
    return Response(200, CONTENT_TYPE[media], body)


def refused(problem: Problem, media: Media) -> Response:
    """A problem document."""
    return Response(
        problem.status,
        PROBLEM_TYPE[media],
        write(problem.document(), media),
        (*API_HEADERS, *problem.response_headers()),
        problem.code,
    )


async def send_response(send: Send, response: Response, head: bool) -> None:
    """Send it; without the body, but with its length, where the request was a HEAD."""
    headers = [
        (b"content-type", response.content_type),
        (b"content-length", b"%d" % len(response.body)),
        *response.headers,
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else response.body})


def _too_large(bytes_max: int) -> Problem:
    # The rest of the body is never read, so the connection cannot be used again.
    close = [(b"connection", b"close")]
    return Problem("body_too_large", f"A body has at most {bytes_max} bytes", headers=close)

"""One exchange of the API: a request read within limits, and the response to it.

Not for: bytes on a connection (`gateway.http`), paths (`routes`), or what a body means.
"""

import asyncio
from urllib.parse import parse_qsl

from actors.messages import Media
from gateway.api.media import CONTENT_TYPE, PROBLEM_TYPE, media_of_answer, write
from gateway.auth.authenticator import Caller
from gateway.http.messages import API_HEADERS, CLOSE, Disconnected, Headers, Request, Response
from gateway.problems import Problem

QUERY_FIELDS_MAX = 8
"""Most fields of one query: more are refused uncounted."""


class Exchange:
    """A request on its way through the gateway.

    Attributes:
        parameters: the path's parts that stand for something, decoded, not yet checked.
        answer: how the client wants the answer written.
        caller: who sent it; set for endpoints that ask for a token.
    """

    caller: Caller

    def __init__(self, request: Request, parameters: tuple[str, ...]) -> None:
        self.headers = request.fields
        self.parameters = parameters
        self.answer = media_of_answer(self.headers.get(b"accept"))
        self._request = request

    def authorization(self) -> bytes | None:
        """The `Authorization` header.

        Raises:
            Problem: there are several, and proxies may disagree on which one counts.
        """
        authorization = self.headers.get(b"authorization")
        if len(self.headers) < len(self._request.headers):
            names = [name for name, _ in self._request.headers]
            if names.count(b"authorization") > 1:
                raise Problem("unauthenticated", "Several Authorization headers came, expected one")
        return authorization

    @property
    def address(self) -> str:
        """Of the client, or of the proxy in between."""
        return self._request.address

    @property
    def upgrade(self) -> bytes:
        """The protocols that may be gone on with, in lower case; empty for none."""
        return self._request.upgrade

    @property
    def has_query(self) -> bool:
        """Whether anything stands behind the path's `?`."""
        return bool(self._request.query)

    def query(self) -> list[tuple[str, str]]:
        """What stands behind the path's `?`, decoded, in order.

        Raises:
            Problem: `invalid_field`, of more fields than any path takes.
        """
        text = self._request.query.decode("latin-1")
        try:
            return parse_qsl(text, keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAX)
        except ValueError:
            detail = f"The query has more fields than {QUERY_FIELDS_MAX}"
            raise Problem("invalid_field", detail) from None

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
        body = self._request.take()
        if not self._request.complete:  # most bodies come with their heads and never get here
            try:
                async with asyncio.timeout(seconds_max):
                    body = await self._rest(body, bytes_max)
            except TimeoutError:
                detail = f"The body was not complete after {seconds_max:g} seconds"
                raise Problem("body_too_slow", detail) from None
        if len(body) > bytes_max:
            raise _too_large(bytes_max)
        return body

    async def _rest(self, begun: bytes, bytes_max: int) -> bytes:
        request = self._request
        body = bytearray(begun)
        while not request.complete and len(body) <= bytes_max:
            await request.more()
            if request.gone:
                raise Disconnected
            body += request.take()
        return bytes(body)


def answered(body: bytes, media: Media, headers: Headers = API_HEADERS) -> Response:
    """A 200 with a body that is encoded already."""
    return Response(200, CONTENT_TYPE[media], body, headers)


def refused(problem: Problem, media: Media) -> Response:
    """A problem document."""
    return Response(
        problem.status,
        PROBLEM_TYPE[media],
        write(problem.document(), media),
        (*API_HEADERS, *problem.response_headers()),
        problem.code,
    )


def _too_large(bytes_max: int) -> Problem:
    # The rest of the body is never read, so the connection cannot be used again.
    return Problem("body_too_large", f"A body has at most {bytes_max} bytes", headers=[CLOSE])

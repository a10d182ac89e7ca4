"""The bytes of a response.

Not for: when they are sent (`connection`).
"""

from http import HTTPStatus

from gateway.http.messages import API_HEADERS, CLOSE, Headers, Request, Response, Upgraded

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_STATUS_LINES: dict[int, bytes] = {
    status: f"HTTP/1.1 {status} {status.phrase}\r\n".encode() for status in HTTPStatus
}
# A length would be that of the content which they leave out (RFC 9110, 8.6).
_WITHOUT_CONTENT = frozenset({204, 304})


def header_lines(headers: Headers) -> bytes:
    """The lines of `headers`, without the empty one."""
    return b"".join(b"%b: %b\r\n" % header for header in headers)


_API_LINES = header_lines(API_HEADERS)


BODY_COPIED_MAX = 64 * 1024
"""A larger body leaves behind its head, not in one piece with it, so that it is not copied."""


def response_pieces(
    request: Request, response: Response, date: bytes, close: bool
) -> tuple[bytes, ...]:
    """The response to `request`; with `close` it says that the connection is not used again."""
    head = _head(response, date, close)
    body = b"" if _is_without_body(request, response) else response.body
    return (head, body) if len(body) > BODY_COPIED_MAX else (head + body,)


def _is_without_body(request: Request, response: Response) -> bool:
    return request.method == "HEAD" or response.status in _WITHOUT_CONTENT


def _head(response: Response, date: bytes, close: bool) -> bytes:
    lines = _API_LINES
    if response.headers is not API_HEADERS:
        lines = header_lines([header for header in response.headers if header != CLOSE])
    end = b"connection: close\r\n" if close else b""
    status = _STATUS_LINES[response.status]
    if response.status in _WITHOUT_CONTENT:  # a 304 leaves to the client what it says of a body
        return b"%bdate: %b\r\n%b%b\r\n" % (status, date, lines, end)
    return b"%bdate: %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n%b%b\r\n" % (
        status,
        date,
        response.content_type,
        len(response.body),
        lines,
        end,
    )


def upgrade_bytes(upgraded: Upgraded, date: bytes) -> bytes:
    """The response after which the connection is another protocol's."""
    lines = header_lines(upgraded.headers)
    return b"%bdate: %b\r\n%b\r\n" % (_STATUS_LINES[HTTPStatus.SWITCHING_PROTOCOLS], date, lines)


def refusal_bytes(status: HTTPStatus) -> bytes:
    """The answer to bytes that are no request."""
    return b"%bconnection: close\r\ncontent-length: 0\r\n\r\n" % _STATUS_LINES[status]

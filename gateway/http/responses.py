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


def response_bytes(request: Request, response: Response, date: bytes, close: bool) -> bytes:
    """The response to `request`; with `close` it says that the connection is not used again."""
    if response.status in _WITHOUT_CONTENT:
        lines = header_lines([header for header in response.headers if header != CLOSE])
        end = b"connection: close\r\n" if close else b""
        return b"%bdate: %b\r\n%b%b\r\n" % (_STATUS_LINES[response.status], date, lines, end)
    lines = _API_LINES
    if response.headers is not API_HEADERS:
        lines = header_lines([header for header in response.headers if header != CLOSE])
    if response.status == HTTPStatus.NOT_MODIFIED:  # what it would say of a body is the client's
        return b"%bdate: %b\r\n%b%b\r\n" % (
            _STATUS_LINES[response.status],
            date,
            lines,
            b"connection: close\r\n" if close else b"",
        )
    return b"%bdate: %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n%b%b\r\n%b" % (
        _STATUS_LINES[response.status],
        date,
        response.content_type,
        len(response.body),
        lines,
        b"connection: close\r\n" if close else b"",
        b"" if request.method == "HEAD" else response.body,
    )


def upgrade_bytes(upgraded: Upgraded, date: bytes) -> bytes:
    """The response after which the connection is another protocol's."""
    lines = header_lines(upgraded.headers)
    return b"%bdate: %b\r\n%b\r\n" % (_STATUS_LINES[HTTPStatus.SWITCHING_PROTOCOLS], date, lines)


def refusal_bytes(status: HTTPStatus) -> bytes:
    """The answer to bytes that are no request."""
    return b"%bconnection: close\r\ncontent-length: 0\r\n\r\n" % _STATUS_LINES[status]

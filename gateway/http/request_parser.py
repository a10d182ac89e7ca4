"""Parses the bytes of one connection into requests.

httptools (llhttp, the parser of Node.js) reads the syntax.  Here is what it leaves to its user: one
limit on all bytes that are no body, trailers that never count as headers, versions, `Host`, and
upgrades that are offered but not taken.

Not for: deadlines, answers and their order (`connection`).
"""

import re
from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from http import HTTPStatus

import httptools

from gateway.http.messages import Request

HEAD_BYTES_MAX = 16 * 1024
"""Most bytes in a row that are no body: a request line with its headers, the extensions of a chunk,
all trailers.  They are counted in pieces of `PIECE_BYTES`, so one piece more may pass."""
HEADERS_MAX = 256
"""Most headers of a request: small ones take many times their bytes in memory."""
PIPELINED_MAX = 16
"""So many requests wait to be answered, and those of one more piece; what follows stays bytes."""
PIECE_BYTES = 4 * 1024
FRAMING_BYTES_MAX = 16
"""So many bytes of chunk sizes and extensions may come with each byte of a body."""

_HOST = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+;=%-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")
_FRAMING = frozenset({b"content-length", b"transfer-encoding"})


class Stage(Enum):
    """What the next bytes of a connection belong to."""

    BETWEEN = auto()
    """The next request, if there is one."""
    HEAD = auto()
    """The line and headers of a request that was not received yet."""
    BODY = auto()
    """The body and trailers of the newest request."""
    UPGRADE = auto()
    """Perhaps another protocol, which the newest request offers; it is not answered yet."""


_BETWEEN, _HEAD, _BODY, _UPGRADE = Stage


class RequestParser:
    """The parser of one connection.

    Each request is put into `queue` once its head is complete, and taken out by whoever answers it;
    its body is fed to it as it arrives.  `waited_for` and `address` are handed to the requests.

    Attributes:
        stage: what the next bytes belong to.
        newest: the request that was received last, until its body is complete or discarded.
        last: no request is received after those that were; may be set from outside.
        dropped: bytes arrived behind the last request.
        offered: the newest request offers an upgrade, and is not answered yet.
        unparsed: the bytes behind it.
        held: bytes that are parsed by another call of `feed`, once requests have been answered.
        rejection: the status for bytes that are no request; nothing is parsed after them.
    """

    def __init__(self, queue: deque[Request], waited_for: Callable[[], None], address: str) -> None:
        self.stage = _BETWEEN
        self.newest: Request | None = None
        self.last = self.dropped = self.offered = False
        self.unparsed = self.held = b""
        self.rejection: HTTPStatus | None = None
        self._queue = queue
        self._waited_for = waited_for
        self._address = address
        self._llhttp: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._usual_host = b""  # of this connection, found valid
        self._piece = b""  # what is being parsed
        self._earlier = b""  # the pieces before it with the begin of the same head
        self._overhead = 0  # bytes that are no body
        self._skipped: list[tuple[bytes, bytes]] = []  # framing of a body that llhttp skips

    def feed(self, data: bytes) -> None:
        """Parse bytes that arrived, behind those that are held."""
        if len(data) <= PIECE_BYTES and not self.held:
            self._feed(data)
            return
        data, self.held = self.held + data, b""
        for start in range(0, len(data), PIECE_BYTES):
            if len(self._queue) >= PIPELINED_MAX and self.stage is not _UPGRADE:
                self.held = data[start:]
                return
            self._feed(data[start : start + PIECE_BYTES])

    def _feed(self, data: bytes) -> None:
        if self.stage is _UPGRADE:
            self.unparsed += data
        elif self.last and self.stage is _BETWEEN:
            self.dropped = True
        elif self.rejection is None and self._llhttp is not None:
            self._parse(self._llhttp, data)

    def discard_body(self) -> None:
        """Drop the rest of the newest request's body: the request is answered."""
        self.newest = None

    def decline_upgrade(self) -> None:
        """Go on with HTTP/1.1: the request that offered an upgrade is being answered.

        Its client waits for the answer before it sends anything else.  Bytes that arrived before
        may be of either protocol: they are dropped, and no request is received after them.
        """
        self.offered = False
        if self.stage is _UPGRADE:
            self.stage = _BETWEEN
            self._llhttp = httptools.HttpRequestParser(self)
            if self.unparsed:
                self.last = self.dropped = True
                self.unparsed = b""

    def close(self) -> None:
        """Let go of everything: the connection is lost.

        llhttp's callbacks and this parser refer to each other; only the collector would notice.
        """
        self.last = True
        self.stage = _BETWEEN
        self.newest = self._llhttp = None
        del self._queue, self._waited_for

    def _parse(self, llhttp: httptools.HttpRequestParser, piece: bytes) -> None:
        self._overhead += len(piece)
        self._piece = piece
        try:
            llhttp.feed_data(piece)
        except httptools.HttpParserUpgrade as pause:
            self._read_past_upgrade(piece[pause.args[0] :])
        except httptools.HttpParserError:
            self._reject(HTTPStatus.BAD_REQUEST)
        if self._overhead > HEAD_BYTES_MAX:
            self._reject(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif self.stage is _HEAD:
            self._earlier += piece
            if len(self._headers) > HEADERS_MAX:
                self._reject(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        self._piece = b""

    def _read_past_upgrade(self, rest: bytes) -> None:
        """llhttp has read the head of a request that offers an upgrade, and stops there."""
        if self.rejection is not None or self.dropped:
            return
        self._overhead = 0
        if self._skipped:
            # Another one goes on with the body, once it has read a head that announces the same.
            self._llhttp = httptools.HttpRequestParser(self)
            lines = b"".join(b"%b: %b\r\n" % header for header in self._skipped)
            self._skipped = []
            self._feed(b"POST / HTTP/1.1\r\n%b\r\n" % lines)
        else:
            self.stage = _UPGRADE
        if rest:
            self._feed(rest)

    def _reject(self, status: HTTPStatus) -> None:
        if self.last and self.stage is _BETWEEN:
            self.dropped = True
        elif self.rejection is None:
            self.rejection = status
            self.last = True
            self.held = b""

    # -- callbacks of httptools ------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self.stage is not _BETWEEN:
            return
        if self.last or self.offered:
            self.last = self.dropped = True
            return
        self.stage = _HEAD
        self._target = b""
        self._overhead = 0

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.stage is not _HEAD:
            return  # a trailer
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if self.stage is not _HEAD or self.rejection is not None or self._llhttp is None:
            return
        llhttp = self._llhttp
        request = Request(self._waited_for, self._address)
        request.method = llhttp.get_method().decode("ascii")
        request.version = llhttp.get_http_version()
        request.headers = self._headers
        request.path, _, request.query = self._target.partition(b"?")
        fields = request.fields
        if (
            fields.get(b"host") != self._usual_host
            or len(fields) != len(request.headers)
            or len(fields) > HEADERS_MAX
            or request.version != "1.1"
            or b"RTSP/" in self._piece
            or self._earlier
            or not self._target.startswith(b"/")
            or b"#" in self._target
        ):
            status = self._check(request)
            if status is not None:
                self._reject(status)
                return
        self.stage = _BODY
        self._headers = []
        self._earlier = b""
        if llhttp.should_upgrade():
            self.offered = True
            self._skipped = [header for header in request.headers if header[0] in _FRAMING]
            if request.version == "1.1" and not self._skipped:
                request.upgrade = fields[b"upgrade"].lower()
        if not self.last:
            self.newest = request
            self.last = not llhttp.should_keep_alive() or request.version == "1.0"
            self._queue.append(request)

    def on_body(self, body: bytes) -> None:
        overhead = self._overhead - len(body) * (1 + FRAMING_BYTES_MAX)
        self._overhead = overhead if overhead > 0 else 0
        if self.newest is not None:
            self.newest.feed(body)

    def on_message_complete(self) -> None:
        if self.stage is not _BODY or self._skipped:
            return
        self.stage = _BETWEEN
        self._overhead = 0
        if self.newest is not None:
            self.newest.end()
            self.newest = None

    # -- what llhttp lets pass -------------------------------------------------------------------

    def _check(self, request: Request) -> HTTPStatus | None:
        """The status that refuses the request, or None.  Most requests never get here."""
        if len(request.headers) > HEADERS_MAX:
            return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        # llhttp does not tell the protocol of a line.  The same line may stand in another request
        # of this piece; who sends one of RTSP to the same place is refused with either.
        if self._target + b" RTSP/" in self._earlier + self._piece:
            return HTTPStatus.BAD_REQUEST
        if request.version not in ("1.1", "1.0"):
            return HTTPStatus.HTTP_VERSION_NOT_SUPPORTED
        if request.version == "1.0" and b"transfer-encoding" in request.fields:
            return HTTPStatus.BAD_REQUEST  # older proxies would read another body (RFC 9112, 6.1)
        if request.method == "CONNECT":
            return HTTPStatus.NOT_IMPLEMENTED
        if not self._hosts_are_valid(request):
            return HTTPStatus.BAD_REQUEST
        return self._read_target(request)

    def _hosts_are_valid(self, request: Request) -> bool:
        hosts = [value for name, value in request.headers if name == b"host"]
        if not hosts:
            return request.version == "1.0"
        if len(hosts) > 1 or not _HOST.fullmatch(hosts[0]):
            return False
        self._usual_host = hosts[0]
        return True

    def _read_target(self, request: Request) -> HTTPStatus | None:
        """Read a target with scheme and host, as proxies get it, or with a fragment."""
        if self._target.startswith(b"/") and b"#" not in self._target:
            return None
        try:
            parts = httptools.parse_url(self._target)
        except httptools.HttpParserInvalidURLError:
            return HTTPStatus.BAD_REQUEST
        request.path, request.query = parts.path or b"/", parts.query or b""
        return None

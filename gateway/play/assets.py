"""The files of the page: read once, compressed once, with an entity tag and a strict policy.

Browsers ask whether a file changed each time they load the page, so that a newer server is never
seen through older files.

Not for: what the files do (`gateway/play/static`).
"""

import gzip
from functools import cache
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from gateway.api.exchange import Exchange
from gateway.http.messages import Headers, Response
from gateway.problems import Problem

FOLDER = Path(__file__).with_name("static")
PAGE = "index.html"

_TYPES = {
    ".css": b"text/css; charset=utf-8",
    ".html": b"text/html; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
    ".txt": b"text/plain; charset=utf-8",
}
_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Headers = (
    (b"cache-control", b"no-cache"),
    (b"vary", b"accept-encoding"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", _POLICY),
)


class Asset(Struct, frozen=True):
    """One file, as it is and with gzip."""

    content_type: bytes
    content: bytes
    compressed: bytes
    tag: bytes


@cache
def assets() -> dict[str, Asset]:
    """Every file of the page, by its path below the folder."""
    paths = sorted(path for path in FOLDER.rglob("*") if path.suffix in _TYPES)
    return {path.relative_to(FOLDER).as_posix(): _read(path) for path in paths}


def _read(path: Path) -> Asset:
    content = path.read_bytes()
    tag = b'"%s"' % sha256(content).hexdigest()[:16].encode()
    return Asset(_TYPES[path.suffix], content, gzip.compress(content, 9, mtime=0), tag)


async def page(exchange: Exchange) -> Response:
    """`GET /play`."""
    return _answered(exchange, PAGE)


async def asset(exchange: Exchange) -> Response:
    """`GET /play/{asset}`."""
    return _answered(exchange, exchange.parameters[0])


async def vendored(exchange: Exchange) -> Response:
    """`GET /play/vendor/{asset}`."""
    return _answered(exchange, f"vendor/{exchange.parameters[0]}")


def _answered(exchange: Exchange, name: str) -> Response:
    found = assets().get(name)
    if found is None:
        raise Problem("not_found", "Nothing is at this path; the page is at /play")
    headers = (*_HEADERS, (b"etag", found.tag))
    if exchange.headers.get(b"if-none-match") == found.tag:
        return Response(304, b"", b"", headers)
    if b"gzip" not in exchange.headers.get(b"accept-encoding", b""):
        return Response(200, found.content_type, found.content, headers)
    compressed = (*headers, (b"content-encoding", b"gzip"))
    return Response(200, found.content_type, found.compressed, compressed)

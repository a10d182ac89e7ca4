"""Pages of other origins: which may call from a browser (CORS), and what the log says if not.

A browser asks first (a preflight), and shows a page only answers that allow its origin.  A request
without an `Origin` is no page's, and one of this host needs nothing.

Not for: who may do what; that takes a token, whatever page it comes from.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import structlog

from gateway.http.messages import API_HEADERS, Headers, Response
from gateway.problems import Problem

PREFLIGHT_SECONDS = b"600"
"""How long a browser remembers that it may ask."""
ANY = "*"
NAMED_MAX = 100
"""Most origins that the log names, each once."""

_METHODS = b"GET, HEAD, POST, OPTIONS"
_REQUEST_HEADERS = b"authorization, content-type, accept, if-none-match, prefer"
_EXPOSED = b"etag, retry-after"

log = structlog.get_logger("questkeep.http")


class CrossOrigin:
    """The origins whose pages may call."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = frozenset(allowed)
        self._named: set[bytes] = set()

    def foreign(self, headers: Mapping[bytes, bytes]) -> bytes | None:
        """The origin of the page that asks, if it is of another host than this."""
        origin = headers.get(b"origin")
        if origin is None or _is_of_host(_text(origin), _text(headers.get(b"host", b""))):
            return None
        return origin

    def allows(self, origin: bytes) -> bool:
        """Whether its pages may call; if not, the log names it and the option."""
        if ANY in self._allowed or _text(origin) in self._allowed:
            return True
        if origin not in self._named and len(self._named) < NAMED_MAX:
            self._named.add(origin)
            shown = _text(origin)[:200]
            log.warning(
                "a page of another origin was refused", origin=shown, option="--allow-origin"
            )
        return False

    def check(self, headers: Mapping[bytes, bytes]) -> None:
        """Return if the page that asks may.

        Raises:
            Problem: `not_allowed`.
        """
        origin = self.foreign(headers)
        if origin is not None and not self.allows(origin):
            detail = f"Origin is {_text(origin)[:200]!r}, which is not among allow_origins"
            raise Problem("not_allowed", detail)

    def preflight(self, method: str, headers: Mapping[bytes, bytes]) -> Response | None:
        """The answer to a browser that asks whether a page may ask; None for any other request.

        The origin that is allowed is written by `shown`, as on every answer.
        """
        if method != "OPTIONS" or b"access-control-request-method" not in headers:
            return None
        origin = self.foreign(headers)
        if origin is None or not self.allows(origin):
            return None
        more = (
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-allow-headers", _REQUEST_HEADERS),
            (b"access-control-max-age", PREFLIGHT_SECONDS),
        )
        return Response(204, b"text/plain", b"", (*API_HEADERS, *more))

    def shown(self, response: Response, headers: Mapping[bytes, bytes]) -> Response:
        """The response as the page that asked may read it."""
        origin = self.foreign(headers)
        if origin is None or not self.allows(origin):
            return response
        exposed = (b"access-control-expose-headers", _EXPOSED)
        return response._replace(headers=(*response.headers, *_allow(origin), exposed))


def _allow(origin: bytes) -> Headers:
    return ((b"access-control-allow-origin", origin), (b"vary", b"origin"))


def _is_of_host(origin: str, host: str) -> bool:
    try:
        return bool(host) and urlsplit(origin).netloc == host
    except ValueError:  # such as a bracket that is never closed
        return False


def _text(value: bytes) -> str:
    return value.decode("latin-1")

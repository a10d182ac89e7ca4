"""From a path to the endpoint that answers it.

Paths are split before they are percent-decoded, so that an encoded slash stays inside its part and
cannot lead anywhere else.

Not for: what an endpoint does, or what a part may be (`parameters`).
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from gateway.api.exchange import Exchange
from gateway.http.messages import Response

Endpoint = Callable[[Exchange], Awaitable[Response]]


class Route(NamedTuple):
    """A path with its endpoints by method.

    `{name}` in the template stands for one part of the path.  With `private` set the endpoint
    runs only for a caller with a valid token.
    """

    template: str
    endpoints: dict[str, Endpoint]
    private: bool = True

    @property
    def allow(self) -> bytes:
        """The `Allow` header: HEAD goes wherever GET does."""
        methods = set(self.endpoints) | ({"HEAD"} if "GET" in self.endpoints else set())
        return ", ".join(sorted(methods)).encode()


class Match(NamedTuple):
    """The route a path leads to, and what its parameters stand for."""

    route: Route
    parameters: tuple[str, ...]


class Routes:
    """All routes, by their number of parts."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.all = tuple(routes)
        self._by_length: dict[int, list[tuple[list[str], Route]]] = {}
        for route in routes:
            parts = route.template.split("/")[1:]
            self._by_length.setdefault(len(parts), []).append((parts, route))

    def match(self, raw_path: bytes) -> Match | None:
        """The route of this path as it came, before any decoding; None when there is none."""
        given = _split(raw_path)
        for parts, route in self._by_length.get(len(given), ()):
            parameters = _parameters(parts, given)
            if parameters is not None:
                return Match(route, parameters)
        return None


def _split(raw_path: bytes) -> list[str]:
    """The path's parts, decoded after they were split.

    What is not UTF-8 becomes a character that no id and no template has.
    """
    if b"%" not in raw_path:
        return raw_path.decode("utf-8", "replace").split("/")[1:]
    return [unquote_to_bytes(part).decode("utf-8", "replace") for part in raw_path.split(b"/")[1:]]


def _parameters(parts: list[str], given: list[str]) -> tuple[str, ...] | None:
    found = []
    for part, came_as in zip(parts, given, strict=True):
        if part.startswith("{"):
            found.append(came_as)
        elif part != came_as:
            return None
    return tuple(found)

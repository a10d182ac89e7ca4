"""Routes as data: from a method and a path to the endpoint, and everything the docs say of it.

Paths are split before they are percent-decoded, so that an encoded slash stays inside its part and
cannot lead anywhere else.

Not for: what an endpoint does, or what a part may be (`parameters`).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from gateway.api.exchange import Exchange
from gateway.http.messages import Response

Endpoint = Callable[[Exchange], Awaitable[Response]]


class QueryParameter(NamedTuple):
    """What a query may name once.

    Attributes:
        schema: of the value, for clients.
        expected: the same in words.
        read: the value that a text stands for; None where it is none.
    """

    name: str
    description: str
    schema: dict[str, Any]
    expected: str
    read: Callable[[str], Any]


class Operation(NamedTuple):
    """What clients are told of a route; the OpenAPI document is made from it.

    Attributes:
        id: the `operationId`: what generated clients call it.
        request: the name of the body's schema; empty where there is no body.
        response: the name of the schema of a 200's body; empty where it is plain text.
        codes: of the refusals it may answer.
    """

    id: str
    tag: str
    summary: str
    response: str
    codes: frozenset[str]
    description: str = ""
    request: str = ""
    query: tuple[QueryParameter, ...] = ()


class Route(NamedTuple):
    """A method on a path, and the endpoint that answers it.

    `{name}` in the template stands for one part of the path.  With `private` set the endpoint
    runs only for a caller with a valid token.  Pages for people have no `operation`.
    """

    method: str
    template: str
    endpoint: Endpoint
    operation: Operation | None = None
    private: bool = True


class Match(NamedTuple):
    """The routes of the path that was asked for, by method, and what its parameters stand for."""

    template: str
    routes: Mapping[str, Route]
    parameters: tuple[str, ...]

    def route(self, method: str) -> Route | None:
        """The route of this method; HEAD goes wherever GET does."""
        return self.routes.get("GET" if method == "HEAD" else method)

    @property
    def allow(self) -> bytes:
        """The `Allow` header."""
        methods = {*self.routes, *({"HEAD"} if "GET" in self.routes else ())}
        return ", ".join(sorted(methods)).encode()


class _Place:
    """One part of a path, with the parts that may follow it and the routes that end here."""

    __slots__ = ("literals", "parameter", "routes", "template")

    def __init__(self) -> None:
        self.literals: dict[str, _Place] = {}
        self.parameter: _Place | None = None
        self.routes: dict[str, Route] = {}
        self.template = ""

    def after(self, part: str) -> "_Place":
        """The place that this part of a template leads to, made if there is none."""
        if not part.startswith("{"):
            return self.literals.setdefault(part, _Place())
        if self.parameter is None:
            self.parameter = _Place()
        return self.parameter


class Routes:
    """All routes, as a tree of the parts of their templates; a literal part beats a parameter."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.all = tuple(routes)
        self._root = _Place()
        for route in routes:
            place = self._root
            for part in route.template.split("/")[1:]:
                place = place.after(part)
            place.template = route.template
            place.routes[route.method] = route

    def match(self, raw_path: bytes) -> Match | None:
        """The routes of this path as it came, before any decoding; None when there is none."""
        parameters = []
        place = self._root
        for part in _split(raw_path):
            following = place.literals.get(part)
            if following is None:
                following = place.parameter
                if following is None:
                    return None
                parameters.append(part)
            place = following
        return Match(place.template, place.routes, tuple(parameters)) if place.routes else None


def _split(raw_path: bytes) -> list[str]:
    """The path's parts, decoded after they were split.

    What is not UTF-8 becomes a character that no id and no template has.
    """
    if b"%" not in raw_path:
        return raw_path.decode("utf-8", "replace").split("/")[1:]
    return [unquote_to_bytes(part).decode("utf-8", "replace") for part in raw_path.split(b"/")[1:]]

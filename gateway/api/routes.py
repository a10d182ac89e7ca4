"""Routes as data: from a method and a path to the endpoint, and everything the docs say of it.

Paths are split before they are percent-decoded, so that an encoded slash stays inside its part and
cannot lead anywhere else.

Not for: what an endpoint does, or what a part may be (`parameters`).
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from gateway.api.exchange import Exchange
from gateway.http.messages import Response, Upgraded

Endpoint = Callable[[Exchange], Awaitable[Response | Upgraded]]


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
        conditional: it has an entity tag and honours `If-None-Match`.
        upgrades: it answers with a WebSocket in place of a 200.
    """

    id: str
    tag: str
    summary: str
    response: str
    codes: frozenset[str]
    description: str = ""
    request: str = ""
    query: tuple[QueryParameter, ...] = ()
    conditional: bool = False
    upgrades: bool = False


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


class Place:
    """Where a path leads: the routes that end here, and the parts that may follow.

    Attributes:
        template: of the routes that end here.
        routes: the same by method.
    """

    __slots__ = ("_literals", "_parameter", "routes", "template")

    def __init__(self) -> None:
        self._literals: dict[str, Place] = {}
        self._parameter: Place | None = None
        self.routes: dict[str, Route] = {}
        self.template = ""

    def route(self, method: str) -> Route | None:
        """The route of this method; HEAD goes wherever GET does."""
        return self.routes.get("GET" if method == "HEAD" else method)

    @property
    def allow(self) -> bytes:
        """The `Allow` header."""
        methods = {*self.routes, *({"HEAD"} if "GET" in self.routes else ())}
        return ", ".join(sorted(methods)).encode()

    def add(self, part: str) -> "Place":
        """The place that this part of a template leads to, made if there is none."""
        if not part.startswith("{"):
            return self._literals.setdefault(part, Place())
        if self._parameter is None:
            self._parameter = Place()
        return self._parameter

    def find(self, path: Sequence[str]) -> "tuple[Place | None, tuple[str, ...]]":
        """Where a path from here leads, and what its parameters are; a literal part comes first."""
        place, parameters = self, []
        for part in path:
            following = place._literals.get(part)
            if following is None:
                following = place._parameter
                if following is None:
                    return None, ()
                parameters.append(part)
            place = following
        return (place, tuple(parameters)) if place.routes else (None, ())


class Routes:
    """All routes, as a tree of the parts of their templates."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.all = tuple(routes)
        self._root = Place()
        for route in routes:
            place = self._root
            for part in route.template.split("/")[1:]:
                place = place.add(part)
            place.template = route.template
            place.routes[route.method] = route

    def match(self, raw_path: bytes) -> tuple[Place | None, tuple[str, ...]]:
        """Where this path leads as it came, before any decoding, and its parameters, decoded."""
        return self._root.find(_split(raw_path))


def _split(raw_path: bytes) -> list[str]:
    """The path's parts, decoded after they were split.

    What is not UTF-8 becomes a character that no id and no template has.
    """
    if b"%" not in raw_path:
        return raw_path.decode("utf-8", "replace").split("/")[1:]
    return [unquote_to_bytes(part).decode("utf-8", "replace") for part in raw_path.split(b"/")[1:]]

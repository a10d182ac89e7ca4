"""From a path to the endpoint that answers it.

Paths are split before they are percent-decoded, so that an encoded slash stays inside its part and
cannot lead anywhere else.  Ids in paths are checked here, in one place.

Not for: what an endpoint does.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from domain.ids import ID_RULE, is_id, is_user_id
from gateway.auth.authenticator import Caller
from gateway.http.messages import Exchange, Response
from gateway.problems import FieldError, Problem
from gateway.schema_text import came, shown

PAGE = {"after": (0, 2**53 - 1), "limit": (1, 1_000)}
"""What a query of a view in pages may name, and its limits."""
_PARAMETERS = " and ".join(PAGE)

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


def user_of(exchange: Exchange) -> str:
    """The user id that the path names first; `me` is the caller.

    Raises:
        Problem: `invalid_id`, or `not_your_user` for a player who names somebody else.
    """
    named = exchange.parameters[0]
    caller: Caller = exchange.caller
    user_id = caller.sub if named == "me" else named
    if user_id == "me" or (user_id != caller.sub and not is_user_id(user_id)):
        raise Problem("invalid_id", f"user_id is {came(user_id)}, expected {ID_RULE}, and not 'me'")
    if not caller.may_reach(user_id):
        raise Problem("not_your_user", f"user_id is {user_id}, expected your own, {caller.sub}")
    return user_id


def key_of(exchange: Exchange, name: str) -> str:
    """The id that the path names after the user.

    Raises:
        Problem: `invalid_id`.
    """
    key = exchange.parameters[1]
    if not is_id(key):
        raise Problem("invalid_id", f"{name} is {came(key)}, expected {ID_RULE}")
    return key


def page_of(exchange: Exchange) -> tuple[int, int]:
    """`after` and `limit` of the query: 0 where they are left out.

    Raises:
        Problem: `invalid_field`, with every parameter that is wrong or unknown.
    """
    found = dict.fromkeys(PAGE, 0)
    wrong = []
    for name, text in exchange.query():
        least, most = PAGE.get(name, (0, 0))
        number = int(text) if text.isascii() and text.isdigit() and len(text) <= 16 else -1
        if name in PAGE and least <= number <= most:
            found[name] = number
            continue
        fits = f"a whole number from {least} to {most}" if name in PAGE else f"only {_PARAMETERS}"
        wrong.append(FieldError(shown(name), came(text), fits))
    if wrong:
        first = wrong[0]
        detail = f"{first.field} is {first.came}, expected {first.expected}"
        raise Problem("invalid_field", detail, errors=wrong)
    return found["after"], found["limit"]


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

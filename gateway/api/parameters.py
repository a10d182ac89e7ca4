"""What a path and a query name: ids, pages and filters, each checked in one place.

Not for: finding the route (`routes`), or bodies (`commands.validation`).
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from domain.ids import ID_LENGTH_MAX, ID_RULE, is_id, is_user_id
from domain.state.position import Position
from domain.wording import describe_value, shorten
from gateway.api.exchange import Exchange
from gateway.api.routes import QueryParameter
from gateway.auth.authenticator import Caller
from gateway.problems import FieldError, Problem

_INTEGER_DIGITS_MAX = 16
_HEADER_BYTES_MAX = 1024
"""Of a header that is a list; what comes after it is not read."""


def whole_number(name: str, least: int, most: int, description: str) -> QueryParameter:
    """A number from `least` to `most`."""

    def read(text: str) -> int | None:
        is_number = text.isascii() and text.isdigit() and len(text) <= _INTEGER_DIGITS_MAX
        return int(text) if is_number and least <= int(text) <= most else None

    schema = {"type": "integer", "minimum": least, "maximum": most}
    expected = f"a whole number from {least} to {most}"
    return QueryParameter(name, description, schema, expected, read)


def words(name: str, known: type[StrEnum], description: str) -> QueryParameter:
    """Some of the known words, with commas between them."""
    names = [str(word) for word in known]

    def read(text: str) -> tuple[str, ...] | None:
        chosen = tuple(text.split(","))
        return chosen if set(chosen) <= set(names) and len(chosen) <= len(names) else None

    schema = {"type": "array", "items": {"type": "string", "enum": names}}
    expected = f"some of {', '.join(names)}, with commas between them"
    return QueryParameter(name, description, schema, expected, read)


def word(name: str, known: Sequence[str], description: str) -> QueryParameter:
    """One of the known words."""

    def read(text: str) -> str | None:
        return text if text in known else None

    schema = {"type": "string", "enum": list(known)}
    return QueryParameter(name, description, schema, f"one of {', '.join(known)}", read)


def row_id(name: str, description: str) -> QueryParameter:
    """The id of a row."""

    def read(text: str) -> str | None:
        return text if is_id(text) else None

    schema = {"type": "string", "maxLength": ID_LENGTH_MAX}
    return QueryParameter(name, description, schema, f"an id, {ID_RULE}", read)


def position(name: str, description: str) -> QueryParameter:
    """The position of a user."""
    pattern = r"^([0-9A-Za-z]{1,64}\.)?(0|[1-9][0-9]{0,15})$"
    schema = {"type": "string", "pattern": pattern}
    expected = "a position: the era, a dot and the version; or a version of this era"
    return QueryParameter(name, description, schema, expected, Position.parse)


def user_of(exchange: Exchange) -> str:
    """The user id that the path names first; `me` is the caller.

    Raises:
        Problem: `invalid_id`, or `not_your_user` for a player who names somebody else.
    """
    named = exchange.parameters[0]
    caller: Caller = exchange.caller
    user_id = caller.sub if named == "me" else named
    if user_id == "me" or (user_id != caller.sub and not is_user_id(user_id)):
        raise Problem(
            "invalid_id", f"user_id is {describe_value(user_id)}, expected {ID_RULE}, and not 'me'"
        )
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
        raise Problem("invalid_id", f"{name} is {describe_value(key)}, expected {ID_RULE}")
    return key


def prefers_minimal(exchange: Exchange) -> bool:
    """Whether `Prefer` has `return=minimal` (RFC 7240)."""
    prefer = exchange.headers.get(b"prefer")
    if prefer is None:
        return False
    preferences = prefer[:_HEADER_BYTES_MAX].lower().replace(b" ", b"").replace(b'"', b"")
    return b"return=minimal" in preferences.replace(b";", b",").split(b",")


def is_known(exchange: Exchange, etag: bytes) -> bool:
    """Whether `If-None-Match` names this entity tag: the client has the body already."""
    known = exchange.headers.get(b"if-none-match")
    if known is None:
        return False
    tags = known[:_HEADER_BYTES_MAX].replace(b"W/", b"").split(b",")
    return any(tag.strip() in (etag, b"*") for tag in tags)


def query_of(exchange: Exchange, parameters: Sequence[QueryParameter]) -> dict[str, Any]:
    """The values that the query names, by the parameters' names.

    Raises:
        Problem: `invalid_field`, with the first parameter that is wrong, unknown or named twice.
    """
    if not exchange.has_query:
        return {}
    values: dict[str, Any] = {}
    for name, text in exchange.query():
        parameter = next((known for known in parameters if known.name == name), None)
        if parameter is None:
            raise _invalid(name, text, _only(parameters))
        if name in values:  # which one counts is nothing to guess
            raise _invalid(name, text, "it once")
        values[name] = parameter.read(text)
        if values[name] is None:
            raise _invalid(name, text, parameter.expected)
    return values


def _only(parameters: Sequence[QueryParameter]) -> str:
    if not parameters:
        return "no parameters"
    *others, last = (known.name for known in parameters)
    return f"only {', '.join(others)} and {last}" if others else f"only {last}"


def _invalid(name: str, text: str, expected: str) -> Problem:
    error = FieldError(shorten(name), describe_value(text), expected)
    detail = f"{error.field} is {error.came}, expected {expected}"
    return Problem("invalid_field", detail, errors=[error])

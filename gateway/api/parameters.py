"""What a path and a query name: ids and pages, each checked in one place.

Not for: finding the route (`routes`), or bodies (`command_validation`).
"""

from domain.ids import ID_RULE, is_id, is_user_id
from domain.wording import describe_value, shorten
from gateway.api.exchange import Exchange
from gateway.api.routes import QueryParameter
from gateway.auth.authenticator import Caller
from gateway.problems import FieldError, Problem

PAGE = (
    QueryParameter("after", 0, 2**53 - 1, "Entries that come after this sequence"),
    QueryParameter("limit", 1, 1_000, "How many at most"),
)
"""What a query of a view in pages may name."""


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


def page_of(exchange: Exchange) -> tuple[int, int]:
    """`after` and `limit` of the query: 0 where they are left out.

    Raises:
        Problem: `invalid_field`, with the first parameter that is wrong or unknown.
    """
    numbers = dict.fromkeys((parameter.name for parameter in PAGE), 0)
    for name, text in exchange.query():
        parameter = next((known for known in PAGE if known.name == name), None)
        if parameter is None:
            known = " and ".join(each.name for each in PAGE)
            raise _invalid(name, text, f"only {known}")
        number = int(text) if text.isascii() and text.isdigit() and len(text) <= 16 else -1
        if not parameter.least <= number <= parameter.most:
            expected = f"a whole number from {parameter.least} to {parameter.most}"
            raise _invalid(name, text, expected)
        numbers[name] = number
    return numbers["after"], numbers["limit"]


def _invalid(name: str, text: str, expected: str) -> Problem:
    error = FieldError(shorten(name), describe_value(text), expected)
    detail = f"{error.field} is {error.came}, expected {expected}"
    return Problem("invalid_field", detail, errors=[error])

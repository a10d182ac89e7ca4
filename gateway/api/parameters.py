"""What a path and a query name: ids and pages, each checked in one place.

Not for: finding the route (`routes`), or bodies (`command_validation`).
"""

from domain.ids import ID_RULE, is_id, is_user_id
from domain.wording import describe_value, shorten
from gateway.api.exchange import Exchange
from gateway.auth.authenticator import Caller
from gateway.problems import FieldError, Problem

PAGE = {"after": (0, 2**53 - 1), "limit": (1, 1_000)}
"""What a query of a view in pages may name, and its limits."""
_PARAMETERS = " and ".join(PAGE)


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
        wrong.append(FieldError(shorten(name), describe_value(text), fits))
    if wrong:
        first = wrong[0]
        detail = f"{first.field} is {first.came}, expected {first.expected}"
        raise Problem("invalid_field", detail, errors=wrong)
    return found["after"], found["limit"]

"""Command validation: from a decoded body to typed commands that their sender may send.

The order of the checks is part of the contract: the type must exist, the caller's role must be
allowed to send it, and only then are its fields looked at, so that a player learns nothing about
commands that are not theirs.

Not for: bytes (`media`), nor whether a command makes sense now (`domain.decide`).
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from domain.ids import ID_LENGTH_MAX, ID_PATTERN, ID_RULE, is_id, is_user_id
from domain.messages.commands import COMMAND_TYPES, Command, command_adapter, decode_command
from domain.wording import describe_value, shorten
from gateway.auth.authenticator import Caller
from gateway.problems import FieldError, Problem
from gateway.schema_text import Schema, describe_schema, schema_at

FIELDS_MAX = 64
"""Most fields of one command: more are refused unread."""
ERRORS_SHOWN = 100
"""Most wrong fields that the refusals of one body name together; they count the others."""

CHECK_SECONDS = 0.002
"""How long the commands of one body are checked until other work is looked at."""

Checked = TypeVar("Checked")

_ID_LIMITS = {"string_pattern_mismatch": ID_PATTERN, "string_too_long": ID_LENGTH_MAX}
"""The errors of an id, and the limit that tells it from other text."""
_UNKNOWN = {"unexpected_keyword_argument", "extra_forbidden", "invalid_key"}


def commands_in(body: object, most: int) -> list[Any]:
    """The body's commands, unchecked; a body that is one command is a list of one.

    Raises:
        Problem: neither an object nor a list, or a list of more than `most`.
    """
    if isinstance(body, dict):
        return [body]
    if not isinstance(body, list):
        detail = f"The body is {describe_value(body)}, expected one command or a list of them"
        raise Problem("malformed_body", detail)
    if len(body) > most:
        error = FieldError("body", describe_value(body), f"a list of at most {most} commands")
        raise _invalid(error, None)
    return body


async def check_all(
    check: Callable[[object], Checked], commands: Sequence[object]
) -> list[Checked]:
    """What `check` says of each command; if that takes long, other requests come in between."""
    checked: list[Checked] = []
    deadline = time.perf_counter() + CHECK_SECONDS
    for command in commands:
        checked.append(check(command))
        if time.perf_counter() > deadline:
            await asyncio.sleep(0)
            deadline = time.perf_counter() + CHECK_SECONDS
    return checked


class CommandChecker:
    """Checks the commands of one body, and bounds what the refusals of that body say together."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._errors_left = ERRORS_SHOWN

    def check(self, value: object) -> Command | Problem:
        """The command that `value` holds, of a type that the caller may send, every field in form.

        A problem is one of `malformed_body`, `unknown_command`, `not_allowed`, `invalid_id` and
        `invalid_field`.
        """
        if not isinstance(value, dict):
            detail = f"A command is {describe_value(value)}, expected an object"
            return Problem("malformed_body", detail)
        command_type = value.get("type")
        if not isinstance(command_type, str) or command_type not in self._caller.commands:
            return _refuse_type(value, self._caller)
        if len(value) > FIELDS_MAX:
            expected = f"a command of at most {FIELDS_MAX} fields"
            error = FieldError("body", describe_value(value), expected)
            return _invalid(error, command_id_of(value))
        try:
            return decode_command(value)
        except ValidationError as wrong:
            return self._refuse(wrong, command_type, command_id_of(value))

    def check_addressed(self, value: object) -> tuple[str, Command | Problem]:
        """The same of one that says whose it is in `user_id`; empty where that is no user."""
        if not isinstance(value, dict):
            return "", self.check(value)
        user_id = value.get("user_id")
        if not (isinstance(user_id, str) and is_user_id(user_id)):
            what = describe_value(user_id) if "user_id" in value else "missing"
            detail = f"user_id is {what}, expected {ID_RULE}, and not 'me'"
            return "", Problem("invalid_id", detail, command_id=command_id_of(value))
        return user_id, self.check({name: value[name] for name in value if name != "user_id"})

    def _refuse(self, error: ValidationError, command_type: str, command_id: str | None) -> Problem:
        details = error.errors(include_url=False)
        # The first one makes the sentence, also where no other may be named.
        named = [_field_error(each, command_type) for each in details[: max(1, self._errors_left)]]
        listed = named[: self._errors_left]
        self._errors_left -= len(listed)
        only_ids = all(_is_of_an_id(each) for each in details)
        return Problem(
            "invalid_id" if only_ids else "invalid_field",
            _sentence(named[0], len(details), len(listed)),
            command_id=command_id,
            errors=listed,
        )


def _is_of_an_id(error: ErrorDetails) -> bool:
    limits = error.get("ctx", {}).values()
    return error["type"] in _ID_LIMITS and _ID_LIMITS[error["type"]] in limits


def command_id_of(value: object) -> str | None:
    """The id a refusal can name: the body's own, where it is one."""
    command_id = value.get("command_id") if isinstance(value, dict) else None
    return command_id if isinstance(command_id, str) and is_id(command_id) else None


def type_label(value: object) -> str:
    """The command's type for counting: one that exists, or `unknown`."""
    command_type = value.get("type") if isinstance(value, dict) else None
    known = isinstance(command_type, str) and command_type in COMMAND_TYPES
    return str(command_type) if known else "unknown"


def _refuse_type(fields: dict[str, Any], caller: Caller) -> Problem:
    """Why the caller may not send a command of this type."""
    command_id = command_id_of(fields)
    if "type" not in fields:
        return _invalid(FieldError("type", "nothing", "the name of a command"), command_id)
    command_type = fields["type"]
    if not isinstance(command_type, str):
        came = describe_value(command_type)
        return _invalid(FieldError("type", came, "the name of a command"), command_id)
    if command_type not in COMMAND_TYPES:
        known = ", ".join(sorted(COMMAND_TYPES))
        detail = f"type is {describe_value(command_type)}, expected one of {known}"
        return Problem("unknown_command", detail, command_id=command_id)
    detail = f"A {caller.role} may not send {command_type}: only a service may"
    return Problem("not_allowed", detail, command_id=command_id)


def _invalid(error: FieldError, command_id: str | None) -> Problem:
    return Problem("invalid_field", _sentence(error, 1, 1), command_id=command_id, errors=[error])


def _sentence(error: FieldError, count: int, listed: int) -> str:
    """The first wrong field in full, how many more there are, and how many `errors` names."""
    is_what = "missing" if error.came == "nothing" else error.came
    more = f"; {count - 1} more" if count > 1 else ""
    if more and listed:
        more += " in errors" if listed == count else f"; errors names the first {listed}"
    return f"{error.field} is {is_what}, expected {error.expected}{more}"


def _field_error(error: ErrorDetails, command_type: str) -> FieldError:
    """One of pydantic's errors in our words.  The first part of its path is the command's type."""
    path = error["loc"][1:]
    root, definitions = _schema(command_type)
    if error["type"] in _UNKNOWN:
        parent = schema_at(root, definitions, path[:-1]) or root
        owner = command_type if len(path) == 1 else _field(path[:-1])
        known = ", ".join(parent.get("properties", {}))
        expectation = f"nothing: it is no field of {owner}, which has {known}"
        return FieldError(_field(path), describe_value(error["input"]), expectation)
    there = schema_at(root, definitions, path)
    what = "nothing" if error["type"] == "missing" else describe_value(error["input"])
    if error["type"] in ("value_error", "assertion_error") or there is None:
        return FieldError(_field(path), what, error["msg"])
    return FieldError(_field(path), what, describe_schema(there, definitions))


def _field(path: Sequence[str | int]) -> str:
    """`objectives[0].target`; a key of a map is named like the entry it stands for."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part != "[key]":
            text += f".{shorten(part)}" if text else shorten(part)
    return text or "body"


@cache
def _schema(command_type: str) -> tuple[Schema, Schema]:
    """The JSON schema of one command, and the definitions it refers to."""
    whole = command_adapter.json_schema()
    definitions = whole["$defs"]
    name = whole["discriminator"]["mapping"][command_type].rpartition("/")[2]
    return definitions[name], definitions

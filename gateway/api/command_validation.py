"""From a decoded body to commands that may be sent: who may send what, and every field's form.

The order of the checks is part of the contract: the type must exist, the caller's role must be
allowed to send it, and only then are its fields looked at, so that a player learns nothing about
commands that are not theirs.

Not for: bytes (`media`), nor whether a command makes sense now (`domain.decide`).
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from domain.ids import is_id
from domain.messages.commands import COMMAND_TYPES, command_adapter, decode_command
from gateway.auth.authenticator import Caller
from gateway.options import LIST_MAX
from gateway.problems import FieldError, Problem
from gateway.schema_text import Schema, describe_schema, describe_value, schema_at, shorten

FIELDS_MAX = 64
"""Most fields of one command: more are refused unread."""
ERRORS_SHOWN = 100
"""Most wrong fields that one refusal names; it counts the others."""

_ID_ERRORS = {"string_pattern_mismatch", "string_too_long"}
_UNKNOWN = {"unexpected_keyword_argument", "extra_forbidden", "invalid_key"}


def check_body(value: object) -> list[Any] | None:
    """The body's list of commands, or None for a body that is one command.

    Raises:
        Problem: neither an object nor a list, or a list that is too long.
    """
    if isinstance(value, dict):
        return None
    if not isinstance(value, list):
        raise Problem(
            "malformed_body",
            f"The body is {describe_value(value)}, expected one command or a list of them",
        )
    if len(value) > LIST_MAX:
        error = FieldError("body", describe_value(value), f"a list of at most {LIST_MAX} commands")
        raise _invalid([error], 1, None)
    return value


def check_command(value: object, caller: Caller) -> None:
    """Accept `value` as the fields of a command that `caller` may send, each of them in form.

    Raises:
        Problem: `malformed_body`, `unknown_command`, `not_allowed`, `invalid_id`, `invalid_field`.
    """
    if not isinstance(value, dict):
        raise Problem("malformed_body", f"A command is {describe_value(value)}, expected an object")
    command_type = _type_of(value)
    if not caller.may_send(command_type):
        raise Problem(
            "not_allowed",
            f"A {caller.role} may not send {command_type}: only a service may",
            command_id=command_id_of(value),
        )
    if len(value) > FIELDS_MAX:
        most = FieldError(
            "body", describe_value(value), f"a command of at most {FIELDS_MAX} fields"
        )
        raise _invalid([most], 1, command_id_of(value))
    try:
        decode_command(value)
    except ValidationError as error:
        raise _refuse(error, command_type, command_id_of(value)) from None


def command_id_of(value: object) -> str | None:
    """The id a refusal can name: the body's own, where it is one."""
    given = value.get("command_id") if isinstance(value, dict) else None
    return given if isinstance(given, str) and is_id(given) else None


def _type_of(fields: dict[str, Any]) -> str:
    if "type" not in fields:
        missing = FieldError("type", "nothing", "the name of a command")
        raise _invalid([missing], 1, command_id_of(fields))
    given = fields["type"]
    if not isinstance(given, str):
        wrong = FieldError("type", describe_value(given), "the name of a command")
        raise _invalid([wrong], 1, command_id_of(fields))
    if given not in COMMAND_TYPES:
        raise Problem(
            "unknown_command",
            f"type is {describe_value(given)}, expected one of {', '.join(sorted(COMMAND_TYPES))}",
            command_id=command_id_of(fields),
        )
    return given


def _refuse(error: ValidationError, command_type: str, command_id: str | None) -> Problem:
    wrong = error.errors(include_url=False, include_context=False)
    named = [_field_error(one, command_type) for one in wrong[:ERRORS_SHOWN]]
    if all(one["type"] in _ID_ERRORS for one in wrong):
        return Problem(
            "invalid_id", _sentence(named, len(wrong)), command_id=command_id, errors=named
        )
    return _invalid(named, len(wrong), command_id)


def _invalid(errors: Sequence[FieldError], count: int, command_id: str | None) -> Problem:
    return Problem("invalid_field", _sentence(errors, count), command_id=command_id, errors=errors)


def _sentence(errors: Sequence[FieldError], count: int) -> str:
    """The first wrong field in full, and how many more there are."""
    first = errors[0]
    is_what = "missing" if first.came == "nothing" else first.came
    more = f"; {count - 1} more in errors" if count > 1 else ""
    return f"{first.field} is {is_what}, expected {first.expected}{more}"


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

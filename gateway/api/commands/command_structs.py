"""Command structs: for each command a struct that msgspec decodes and checks, made from its fields.

A struct takes nothing that its command refuses; a command with a check of its own, that msgspec
does not know, has none.  Encoded with sorted names it is the command's canonical content.

Not for: ids, which are checked together (`ids_of`, `domain.ids.are_ids`), or saying what is wrong
(`validation`).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from functools import partial
from itertools import chain
from operator import attrgetter
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import msgspec
from annotated_types import Ge, Le, MaxLen
from msgspec import UNSET, Meta, Struct, UnsetType
from pydantic import BeforeValidator, Strict, StringConstraints
from pydantic.fields import FieldInfo

from domain.ids import ID_LENGTH_MAX, ID_PATTERN
from domain.messages.command_parts import refuse_bytes
from domain.messages.commands import Command

Ids = Callable[[Any], Iterable[str | None]]
"""Every id that a struct holds, unchecked; None where one is left out."""

_ID = Annotated[str, Meta(min_length=1, max_length=ID_LENGTH_MAX)]


class CommandStruct(Struct, kw_only=True):
    """What every one of them has.  `user_id` stands only in a list of many users' commands."""

    command_id: _ID
    since: str | None
    user_id: _ID | UnsetType = UNSET


class NoStruct(Exception):
    """A field has a check that msgspec does not know."""


class _Field(NamedTuple):
    type: Any
    ids: Ids | None
    """The ids in a value of it."""


def command_struct(kind: type[Command]) -> type[CommandStruct]:
    """The struct of one kind of command.  Raises `NoStruct`."""
    struct, ids = _struct_of(kind, CommandStruct, tag=_tag(kind))
    _IDS[struct] = ids
    return struct


def ids_of(command: CommandStruct) -> Iterable[str | None]:
    """Every id in it but its user's, to be checked."""
    return _IDS[type(command)](command)


_IDS: dict[type[Struct], Ids] = {}


def _tag(kind: type) -> str:
    return next(str(field.default) for field in fields(kind) if field.name == "type")


def _struct_of(kind: type, base: type[Any] | None, tag: str | None) -> tuple[type[Any], Ids]:
    """The struct of a dataclass of pydantic's, and how its ids are found."""
    hints = get_type_hints(kind, include_extras=True)
    members: list[Any] = []
    names: list[str] = []
    nested: list[tuple[Callable[[Any], Any], Ids]] = []
    for field in fields(kind):
        if field.name == "type" and tag is not None:
            continue
        found = _field_of(hints[field.name])
        if found.ids is _is_id:
            names.append(field.name)
        elif found.ids is not None:
            nested.append((attrgetter(field.name), found.ids))
        members.append((field.name, found.type, *_default(field)))
    struct = msgspec.defstruct(
        kind.__name__,
        members,
        bases=None if base is None else (base,),
        tag_field=None if tag is None else "type",
        tag=tag,
        kw_only=True,
        forbid_unknown_fields=True,
    )
    return struct, _ids_in(names, nested)


def _ids_in(names: list[str], nested: list[tuple[Callable[[Any], Any], Ids]]) -> Ids:
    # With one name a getter gives a text, with more a tuple of them.
    own = attrgetter(*names, names[0]) if names else _no_ids
    if not nested:
        return own

    def ids(value: Any) -> Iterator[str | None]:
        return chain(own(value), *(ids_in(get(value)) for get, ids_in in nested))

    return ids


def _default(field: Any) -> tuple[Any, ...]:
    if field.default is not MISSING:
        return (field.default,)
    if field.default_factory is not MISSING:
        return (msgspec.field(default_factory=field.default_factory),)
    return ()


def _field_of(hint: Any) -> _Field:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _annotated(arguments[0], arguments[1:])
    if origin in (Union, UnionType):
        [optional] = (each for each in arguments if each is not NoneType)
        inner = _field_of(optional)
        ids = inner.ids if inner.ids in (None, _is_id) else partial(_in_optional, inner.ids)
        return _Field(inner.type | None, ids)
    if origin is dict:
        keys, values = map(_field_of, arguments)
        return _Field(dict[keys.type, values.type], _in_keys if keys.ids else None)  # type: ignore[name-defined]
    if origin is tuple and arguments[1:] == (...,):
        entry = _field_of(arguments[0])
        return _Field(tuple[entry.type, ...], entry.ids and partial(_in_entries, entry.ids))  # type: ignore[name-defined]
    if isinstance(hint, type) and is_dataclass(hint):
        return _Field(*_struct_of(hint, None, tag=None))
    if origin is Literal or isinstance(hint, type):
        return _Field(hint, None)
    raise NoStruct(hint)


def _annotated(hint: Any, checks: tuple[Any, ...]) -> _Field:
    limits: dict[str, Any] = {}
    for check in chain.from_iterable(
        check.metadata if isinstance(check, FieldInfo) else (check,) for check in checks
    ):
        match check:
            case StringConstraints(pattern=pattern) if pattern == ID_PATTERN:
                return _Field(_ID, _is_id)
            case StringConstraints(pattern=str(pattern), max_length=None):
                limits["pattern"] = pattern.removesuffix("$") + r"\Z"
            case Ge():
                limits["ge"] = check.ge
            case Le():
                limits["le"] = check.le
            case MaxLen():
                limits["max_length"] = check.max_length
            case Strict():
                pass  # as msgspec is
            case BeforeValidator(func=func) if func is refuse_bytes:
                pass  # as msgspec does
            case _:
                raise NoStruct(check)
    inner = _field_of(hint)
    return _Field(Annotated[inner.type, Meta(**limits)] if limits else inner.type, inner.ids)


def _no_ids(value: Any) -> tuple[str, ...]:
    return ()


def _is_id(value: str) -> tuple[str]:
    return (value,)


def _in_optional(ids: Ids, value: Any) -> Iterable[str | None]:
    return () if value is None else ids(value)


def _in_keys(value: dict[str, Any]) -> Iterable[str]:
    return value


def _in_entries(ids: Ids, value: tuple[Any, ...]) -> Iterable[str | None]:
    return chain.from_iterable(map(ids, value))

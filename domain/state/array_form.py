"""Array form: structs as they are stored, each as the list of its fields without their names.

A field's place is its name, and a tagged struct (an event) has its tag in front.  So whoever adds,
removes or moves a field of a stored struct raises the format of what is stored and writes an
upcaster (`persistence.codec.formats`).

Not for: bodies that clients see: those have names.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial, reduce
from operator import or_
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Struct, defstruct
from msgspec.structs import astuple, fields

Row = TypeVar("Row", bound=Struct)


def to_array(row: Struct) -> Sequence[Any]:
    """The fields of `row` in order; structs among them, also in tuples and lists, likewise."""
    return _WRITERS[type(row)](row)


def from_array(kind: type[Row], values: Any) -> Row:
    """The `kind` that `to_array` was given.

    Raises:
        msgspec.ValidationError: a value of another type, or fields too many or too few.
    """
    row: Row = _original(msgspec.convert(values, _stored_form(kind)))
    return row


_encode = msgspec.msgpack.Encoder().encode


def encode_array(row: Struct) -> bytes:
    """The msgpack of the array form."""
    return _encode(to_array(row))


@cache
def array_decoder(kind: type[Row]) -> Callable[[bytes], Row]:
    """What makes a `kind` again of what `encode_array` gave."""
    decode = msgspec.msgpack.Decoder(_stored_form(kind)).decode

    def decode_array(content: bytes) -> Row:
        row: Row = _original(decode(content))
        return row

    return decode_array


Writer = Callable[[Any], Sequence[Any]]
Part = tuple[int, Writer, bool]
"""The place of a field in which structs may stand, what writes one, and whether it is a list."""


class _Writers(dict[type[Struct], Writer]):
    """`to_array` by kind of struct, each worked out once: every turn takes a dozen of them."""

    def __missing__(self, kind: type[Struct]) -> Writer:
        parts = tuple(_part(place, fields(kind)[place].type) for place in _struct_places(kind))
        untagged = partial(_write, parts) if parts else astuple
        tag = kind.__struct_config__.tag
        self[kind] = untagged if tag is None else lambda row: (tag, *untagged(row))
        return self[kind]


_WRITERS = _Writers()


def _part(place: int, annotation: Any) -> Part:
    kinds = set(_structs_in(annotation))
    write = _WRITERS[kinds.pop()] if len(kinds) == 1 else to_array
    return place, write, get_origin(annotation) in (tuple, list)


def _write(parts: tuple[Part, ...], row: Struct) -> Sequence[Any]:
    """The fields of `row`, those of `parts` in array form where they are not empty."""
    values = astuple(row)
    after: list[Any] | None = None
    for place, write, is_list in parts:
        if part := values[place]:
            if after is None:
                after = list(values)
            after[place] = list(map(write, part)) if is_list else write(part)
    return values if after is None else after


def _original(stored: Struct) -> Any:
    """The struct as the domain has it in place of that of the stored form."""
    reader = _READERS.get(type(stored))
    if reader is None:
        kind = _ORIGINALS[type(stored)]
        reader = partial(_read_parts, kind, _struct_places(kind))
        _READERS[type(stored)] = reader
    return reader(stored)


_READERS: dict[type[Struct], Callable[[Any], Any]] = {}


def _read_parts(kind: type[Struct], places: tuple[int, ...], stored: Struct) -> Any:
    if not places:
        return kind(*astuple(stored))
    values = list(astuple(stored))
    for place in places:
        part = values[place]
        if isinstance(part, Struct):
            values[place] = _original(part)
        elif part:
            values[place] = type(part)(map(_original, part))
    return kind(*values)


_ORIGINALS: dict[type[Struct], type[Struct]] = {}
"""What each struct of the stored form is read for."""


@cache
def _struct_places(kind: type[Struct]) -> tuple[int, ...]:
    """The places of the fields in which structs may stand."""
    return tuple(place for place, field in enumerate(fields(kind)) if any(_structs_in(field.type)))


def _structs_in(annotation: Any) -> Iterator[type[Struct]]:
    if isinstance(annotation, type) and issubclass(annotation, Struct):
        yield annotation
    for part in get_args(annotation):
        yield from _structs_in(part)


@cache
def _stored_form(annotation: Any) -> Any:
    """The type to read `annotation` as: its structs with the same fields, as arrays."""
    if isinstance(annotation, type) and issubclass(annotation, Struct):
        stored = defstruct(
            annotation.__name__,
            [(field.name, _stored_form(field.type)) for field in fields(annotation)],
            array_like=True,
            forbid_unknown_fields=True,
            tag=annotation.__struct_config__.tag,
        )
        _ORIGINALS[stored] = annotation
        return stored
    if not any(_structs_in(annotation)):
        return annotation
    origin, parts = get_origin(annotation), get_args(annotation)
    inside = tuple(part if part is Ellipsis else _stored_form(part) for part in parts)
    return reduce(or_, inside) if origin in (Union, UnionType) else origin[inside]

"""What is wrong with a rules file, said to the designer: the key, what came, what was expected.

Each sentence also says how to mend it.  Places in lists are told as a person counts them: `level 3`
where the list holds levels, `entry 3` elsewhere.

Not for: finding the problems (the sections' own checks).
"""

from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError
from pydantic_core import ErrorDetails

_BY_LEVEL = frozenset({"xp_to_next", "total_xp", "strengths"})
_LIMITS = {
    "greater_than_equal": ("ge", "at least", "raise it"),
    "less_than_equal": ("le", "at most", "lower it"),
}
_KINDS = {
    "int_type": ("an integer", "write it without quotes and without a decimal point"),
    "bool_type": ("true or false", "write it without quotes"),
    "string_type": ("a text", "put it in quotes"),
    "tuple_type": ("a list", "write it in square brackets"),
}


def sentences(error: ValidationError, file: type[BaseModel]) -> list[str]:
    """Every problem of `error` as one sentence each; `file` is the model that was checked."""
    return [line for one in error.errors() for line in _lines(one, file)]


def _lines(error: ErrorDetails, file: type[BaseModel]) -> Iterator[str]:
    path = _path(error["loc"])
    match error["type"]:
        case "value_error":
            text = error["msg"].removeprefix("Value error, ")
            if not isinstance(error["input"], dict | BaseModel):
                text = f"it is {_shown(error['input'])}, {text}"
            yield from (f"{path}: {line}" if path else line for line in text.split("\n"))
        case "missing":
            yield _missing(error["loc"], path)
        case "extra_forbidden":
            yield f"{path} is no key here: remove it, or write {_keys(error['loc'][:-1], file)}"
        case "union_tag_invalid":
            tags = error["ctx"]["expected_tags"].replace("'<", '"').replace(">'", '"')
            kind = _shown(error["input"].get("kind"))
            yield f"{path}.kind is {kind}, expected one of {tags}: choose one of them"
        case "union_tag_not_found" | "model_type" | "model_attributes_type" | "dict_type":
            mend = f"a section: write its keys under [{path}]"
            if error["loc"] and isinstance(error["loc"][-1], int):
                mend = "keys and values in braces: write { key = value, ... }"
            yield f"{path or 'the file'} is {_shown(error['input'])}, expected {mend}"
        case "too_short" if len(error["input"]) >= error["ctx"]["min_length"]:
            # Pydantic counts what is right in a list; what is wrong in it is told by itself.
            return
        case _:
            yield f"{path} is {_shown(error['input'])}, expected {_expected(error)}"


def _expected(error: ErrorDetails) -> str:
    """What a single value should have been, and how to mend it."""
    kind, ctx = error["type"], error.get("ctx", {})
    if kind in _LIMITS:
        name, words, mend = _LIMITS[kind]
        return f"{words} {ctx[name]}: {mend}"
    if kind in _KINDS:
        return ": ".join(_KINDS[kind])
    if kind in ("literal_error", "enum"):
        return f"{ctx['expected'].replace(chr(39), chr(34))}: choose one of them"
    if kind in ("too_short", "string_too_short"):
        return f"at least {ctx['min_length']} in it: add to it"
    if kind in ("too_long", "string_too_long"):
        return f"at most {ctx['max_length']} in it: shorten it"
    return f"something else: {error['msg'][0].lower()}{error['msg'][1:]}"


def _missing(loc: tuple[int | str, ...], path: str) -> str:
    """Where the missing key or section should stand."""
    above = _path(loc[:-1])
    if not above and loc[-1] != "name":
        return f"{path} is missing: add a section [{path}], as the default rules have it"
    if not above:
        return f'{path} is missing: add the line {path} = "..." at the top of the file'
    if isinstance(loc[-2], int):
        return f"{path} is missing: add {loc[-1]} = ... to the entry"
    return f"{path} is missing: add the line {loc[-1]} = ... to [{above}]"


def _path(loc: tuple[int | str, ...]) -> str:
    """The dotted path; the marks of a section's form are left out."""
    path = ""
    for part, before in zip(loc, ("", *loc), strict=False):
        if isinstance(part, int):
            path += f" of level {part + 1}" if before in _BY_LEVEL else f" (entry {part + 1})"
        elif not part.startswith("<"):
            path += f".{part}" if path else part
    return path


def _shown(value: object) -> str:
    """The value as the file writes it, cut short."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() > 200:
        return f"an integer of {value.bit_length()} bits"
    if isinstance(value, str):
        text = '"' + value.replace("\n", "\\n") + '"'
    elif isinstance(value, dict):
        text = "a section"
    elif isinstance(value, list):
        short = len(value) <= 4 and not any(isinstance(one, list | dict) for one in value)
        inside = ", ".join(_shown(one) for one in value) if short else ""
        text = f"[{inside}]" if short and len(inside) < 60 else f"a list of {len(value)}"
    else:
        text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _keys(loc: tuple[int | str, ...], file: type[BaseModel]) -> str:
    """The keys that the section at `loc` may have."""
    model = _model_at(loc, file)
    return "one of " + ", ".join(model.model_fields) if model else "a key it knows"


def _model_at(loc: tuple[int | str, ...], file: type[BaseModel]) -> type[BaseModel] | None:
    """The model of the section at `loc`: along fields, list entries and forms of a section."""
    place: Any = file
    for part in loc:
        if get_origin(place) is dict:
            place = get_args(place)[1]
        elif isinstance(part, int):
            place = next((one for one in _inside(place) if get_origin(one) is tuple), place)
            place = get_args(place)[0]
        elif part.startswith("<"):
            place = next(
                get_args(form)[0]
                for form in _inside(place)
                if any(isinstance(mark, Tag) and mark.tag == part for mark in get_args(form)[1:])
            )
        else:
            place = place.model_fields[part].annotation
    return place if isinstance(place, type) and issubclass(place, BaseModel) else None


def _inside(annotation: Any) -> Iterator[Any]:
    """The annotation and everything it is made of."""
    yield annotation
    for part in get_args(annotation):
        yield from _inside(part)

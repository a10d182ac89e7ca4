"""What is wrong with a rules file, in sentences: the key, its value, what was expected, the remedy.

Places in lists are counted from 1: `level 3` where the list holds levels, `entry 3` elsewhere.

Not for: finding the problems (the sections' own checks).
"""

import re
from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError
from pydantic_core import ErrorDetails

from domain.wording import TEXT_SHOWN, describe_value, nearest, shorten

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
    return [line for details in error.errors() for line in _lines(details, file)]


def _lines(error: ErrorDetails, file: type[BaseModel]) -> Iterator[str]:
    path = _path(error["loc"])
    match error["type"]:
        case "value_error":
            text = error["msg"].removeprefix("Value error, ")
            if not isinstance(error["input"], dict | BaseModel):
                text = f"it is {_describe(error['input'])}, {text}"
            yield from (f"{path}: {line}" if path else line for line in text.split("\n"))
        case "missing":
            yield _missing(error["loc"], path)
        case "extra_forbidden":
            yield f"{path} is no key here: {_instead(error['loc'], file)}"
        case "union_tag_invalid":
            tags = error["ctx"]["expected_tags"].replace("'<", '"').replace(">'", '"')
            kind = _describe(error["input"].get("kind"))
            yield f"{path}.kind is {kind}, expected one of {tags}: choose one of them"
        case "union_tag_not_found" | "model_type" | "model_attributes_type" | "dict_type":
            mend = f"a section: write its keys under [{path}]"
            if error["loc"] and isinstance(error["loc"][-1], int):
                mend = "keys and values in braces: write { key = value, ... }"
            yield f"{path or 'the file'} is {_describe(error['input'])}, expected {mend}"
        case "too_short" if len(error["input"]) >= error["ctx"]["min_length"]:
            # Pydantic counts what is right in a list; what is wrong in it is told by itself.
            return
        case _:
            yield f"{path} is {_describe(error['input'])}, expected {_expected(error)}"


def not_toml(error: ValueError, text: str) -> str:
    """What TOML's own reader found, with the line it stopped at, cut short."""
    place = re.search(r"at line (\d+)", str(error))
    if place is None:
        return f"not TOML: {error}"
    line = shorten(text.splitlines()[int(place[1]) - 1].strip())
    return (
        f"not TOML: {error}, where it says {line or 'nothing'}: look there and in the line before "
        f"for a quote, bracket or comma too many or too few"
    )


def _expected(error: ErrorDetails) -> str:
    """What a single value should have been, and how to mend it."""
    kind, ctx, value = error["type"], error.get("ctx", {}), error["input"]
    if kind == "int_type" and _in_permille(error["loc"]) and not isinstance(value, str):
        return "an integer of thousandths: write 1000 for one time, 1500 for one and a half"
    if kind == "int_type" and isinstance(value, bool):
        return "an integer: write a whole number"
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


def _describe(value: object) -> str:
    """The value as the file writes it: tables are sections, and a short list is written out."""
    if isinstance(value, dict):
        return "a section"
    if isinstance(value, list) and len(value) <= 4:
        items = [] if any(isinstance(item, list | dict) for item in value) else value
        text = f"[{', '.join(describe_value(item) for item in items)}]"
        if len(items) == len(value) and len(text) <= TEXT_SHOWN:
            return text
    return describe_value(value)


def _in_permille(loc: tuple[int | str, ...]) -> bool:
    """Whether the value at `loc` is in thousandths, which the names of keys say."""
    return any(isinstance(part, str) and part.endswith("permille") for part in loc[-2:])


def _instead(loc: tuple[int | str, ...], file: type[BaseModel]) -> str:
    """What to write in place of the unknown key at `loc`."""
    model, unknown = _model_at(loc[:-1], file), str(loc[-1])
    keys = list(model.model_fields) if model else []
    if keys == ["kind"]:
        kinds = ", ".join(f'"{kind}"' for kind in _kinds_at(loc[:-1], file))
        return f"without a kind the section is off; write kind = one of {kinds}, or remove the key"
    meant = nearest(unknown, keys)
    hint = f" ({meant} may be meant)" if meant else ""
    return f"remove it, or write one of {', '.join(keys)}{hint}"


def _kinds_at(loc: tuple[int | str, ...], file: type[BaseModel]) -> Iterator[str]:
    """The kinds that the section at `loc` may have, but for the one that is off."""
    section = _place_at(loc[:-1] if str(loc[-1]).startswith("<") else loc, file)
    for form in _inside(section):
        for mark in get_args(form)[1:]:
            if isinstance(mark, Tag) and mark.tag != "<none>":
                yield mark.tag.strip("<>")


def _model_at(loc: tuple[int | str, ...], file: type[BaseModel]) -> type[BaseModel] | None:
    """The model of the section at `loc`."""
    place = _place_at(loc, file)
    return place if isinstance(place, type) and issubclass(place, BaseModel) else None


def _place_at(loc: tuple[int | str, ...], file: type[BaseModel]) -> Any:
    """What stands at `loc`: along fields, names of tables, list entries and forms of a section."""
    place: Any = file
    for part in loc:
        if get_origin(place) is dict:
            place = get_args(place)[1]
        elif isinstance(part, int):
            place = next((part for part in _inside(place) if get_origin(part) is tuple), place)
            place = get_args(place)[0]
        elif part.startswith("<"):
            place = next(
                get_args(form)[0]
                for form in _inside(place)
                if any(isinstance(mark, Tag) and mark.tag == part for mark in get_args(form)[1:])
            )
        else:
            place = place.model_fields[part].annotation
    return place


def _inside(annotation: Any) -> Iterator[Any]:
    """The annotation and everything it is made of."""
    yield annotation
    for part in get_args(annotation):
        yield from _inside(part)

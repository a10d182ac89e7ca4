"""What is wrong with a rules file, said to the designer: the key, what came, what was expected.

Each sentence also says how to mend it.  Places in lists are told as a person counts them: `level 3`
where the list holds levels, `entry 3` elsewhere.

Not for: finding the problems (the sections' own checks).
"""

import re
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
            yield f"{path} is no key here: {_instead(error['loc'], file)}"
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


def not_toml(error: ValueError, text: str) -> str:
    """What TOML's own reader found, with the line it stopped at, cut short."""
    found = re.search(r"at line (\d+)", str(error))
    if found is None:
        return f"not TOML: {error}"
    line = text.splitlines()[int(found[1]) - 1].strip()
    line = line if len(line) <= 60 else f"{line[:57]}..."
    return (
        f"not TOML: {error}, where it says {line or 'nothing'}: look there and in the line before "
        f"for a quote, bracket or comma too many or too few"
    )


def _expected(error: ErrorDetails) -> str:
    """What a single value should have been, and how to mend it."""
    kind, ctx, came = error["type"], error.get("ctx", {}), error["input"]
    if kind == "int_type" and _in_permille(error["loc"]) and not isinstance(came, str):
        return "an integer of thousandths: write 1000 for one time, 1500 for one and a half"
    if kind == "int_type" and isinstance(came, bool):
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
    likely = min(keys, key=lambda key: _edits(unknown, key), default="")
    meant = f" ({likely} may be meant)" if 3 * _edits(unknown, likely) <= len(unknown) else ""
    return f"remove it, or write one of {', '.join(keys)}{meant}"


def _edits(one: str, other: str) -> int:
    """How many letters have to be changed, added or taken to make `other` of `one`."""
    costs = list(range(len(other) + 1))
    for done, letter in enumerate(one, start=1):
        before, costs[0] = costs[0], done
        for place, wanted in enumerate(other, start=1):
            kept = before + (letter != wanted)
            before = costs[place]
            costs[place] = min(kept, before + 1, costs[place - 1] + 1)
    return costs[-1]


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
    return place


def _inside(annotation: Any) -> Iterator[Any]:
    """The annotation and everything it is made of."""
    yield annotation
    for part in get_args(annotation):
        yield from _inside(part)

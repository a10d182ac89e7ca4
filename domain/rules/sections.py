"""What every section of a rules file is made of: the base model, and the kinds of number in it.

All numbers are integers: thousandths ("permille") for factors, fractions in quotes for exponents.
A floating point number is refused wherever one is written, so that no machine rounds otherwise.

Not for: any section's keys (they stand beside the rule they feed) or error texts (`problems`).
"""

from collections.abc import Callable
from math import gcd
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, Tag

from domain.state.rows import INTEGER_MAX

LEVELS_MAX = 10_000
"""The highest level cap a rules file may have."""

Permille = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
"""Thousandths: 1000 is all of it, 1500 half as much again."""
Share = Annotated[int, Field(strict=True, ge=0, le=1000)]
"""Thousandths of a whole: never more than 1000."""
LevelNumber = Annotated[int, Field(strict=True, ge=1, le=LEVELS_MAX)]
Xp = Annotated[int, Field(strict=True, ge=0, le=INTEGER_MAX)]
Weight = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]


class Section(BaseModel):
    """A table of the file: unknown keys are refused, and nothing changes once it is read.

    What checks it is built when a file is first read: hosts are given rules that were compiled.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


def refuse(problems: list[str]) -> None:
    """Refuse a section for all of `problems` at once: one line each, the first twenty of them.

    Raises:
        ValueError: there is a problem.
    """
    if len(problems) > 20:
        problems = [*problems[:20], f"and {len(problems) - 20} more of the same kind"]
    if problems:
        raise ValueError("\n".join(problems))


class Ratio(NamedTuple):
    """An exact fraction in lowest terms; `denominator` is 1 or more."""

    numerator: int
    denominator: int


def ratio(most: int) -> Callable[[Any], Ratio]:
    """A check that reads `3` or `"3/2"` as a fraction, both parts from 1 to `most`."""

    def read(value: object) -> Ratio:
        parts = [value] if _is_integer(value) else _parts(value)
        numbers = [int(part) for part in parts]  # type: ignore[call-overload]
        if not 1 <= len(numbers) <= 2 or not all(1 <= number <= most for number in numbers):
            raise ValueError(
                f'expected a whole number or a fraction in quotes, such as "3/2", '
                f"both parts from 1 to {most}"
            )
        over, under = numbers[0], numbers[1] if len(numbers) == 2 else 1
        return Ratio(over // gcd(over, under), under // gcd(over, under))

    return read


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _parts(value: object) -> list[str]:
    """The digits before and after the bar of `"3/2"`; nothing when it is no such text."""
    parts = value.split("/") if isinstance(value, str) else []
    return parts if all(part.isascii() and part.isdigit() for part in parts) else []


Exponent = Annotated[Ratio, PlainValidator(ratio(20))]
Base = Annotated[Ratio, PlainValidator(ratio(1_000_000))]


def tag(kind: str) -> Tag:
    """The mark of one of several forms of a section; it never shows in an error's path."""
    return Tag(f"<{kind}>")


def by_kind(default: str) -> Callable[[Any], str | None]:
    """Tells the forms of a section apart by its `kind`; `default` is meant when it has none."""

    def kind_of(section: Any) -> str | None:
        if isinstance(section, dict):
            return f"<{section.get('kind', default)}>"
        return f"<{getattr(section, 'kind', default)}>" if isinstance(section, Section) else None

    return kind_of

"""The reference strength of a rules file: how strong one is expected to be at each level.

A formula or a table; never falling, and never below 1.
"""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, model_validator

from domain.rules.curves.integer_roots import power_floor
from domain.rules.sections import LEVELS_MAX, Exponent, Section, by_kind, refuse, tag

_Strength = Annotated[int, Field(strict=True, ge=1, le=10**15)]
_Step = Annotated[int, Field(strict=True, ge=0, le=10**9)]
_First = Annotated[int, Field(strict=True, ge=1, le=10**9)]


class LinearStrength(Section):
    """`base + per_level * (level - 1)`."""

    kind: Literal["linear"] = "linear"
    base: _First
    per_level: _Step

    def at(self, level: int) -> int:
        """The strength at `level`."""
        return self.base + self.per_level * (level - 1)


class PowerStrength(Section):
    """`⌊base + scale * (level - 1)^exponent⌋`; the exponent may be a fraction, up to 3."""

    kind: Literal["power"]
    base: _First
    scale: _Step
    exponent: Exponent

    @model_validator(mode="after")
    def _not_too_steep(self) -> Self:
        if self.exponent.numerator > 3 * self.exponent.denominator:
            raise ValueError(
                f"exponent is {self.exponent.numerator}/{self.exponent.denominator}, "
                f"expected at most 3: lower it"
            )
        return self

    def at(self, level: int) -> int:
        """The strength at `level`."""
        return self.base + power_floor(self.scale, level - 1, *self.exponent)


class TableStrength(Section):
    """One number a level; the last one also holds for every level beyond."""

    kind: Literal["table"]
    strengths: Annotated[tuple[_Strength, ...], Field(min_length=1, max_length=LEVELS_MAX)]

    @model_validator(mode="after")
    def _never_falls(self) -> Self:
        refuse(
            [
                f"strengths of level {level} is {after}, expected at least the {before} of level "
                f"{level - 1}: raise it"
                for level, (before, after) in enumerate(pairwise(self.strengths), start=2)
                if after < before
            ]
        )
        return self

    def at(self, level: int) -> int:
        """The strength at `level`."""
        return self.strengths[min(level, len(self.strengths)) - 1]


StrengthCurve = Annotated[
    Annotated[LinearStrength, tag("linear")]
    | Annotated[PowerStrength, tag("power")]
    | Annotated[TableStrength, tag("table")],
    Discriminator(by_kind("linear")),
]

"""The XP curve of a rules file: a table, a formula, or a published curve by its name.

Whatever the form, it ends as `costs`: what levels 1, 2, 3, ... cost.  Checked on load: every cost
is 1 or more, none is below the one before it (unless `costs_may_fall` says that the curve means
it), and all together fit in 53 bits.

Not for: the arithmetic (`curves`).
"""

from collections.abc import Iterator
from itertools import islice, pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Discriminator, Field, TypeAdapter, model_validator

from domain.rules.curves import formulas
from domain.rules.curves.published import PUBLISHED, CurveName
from domain.rules.sections import LEVELS_MAX, Base, Exponent, Section, Xp, by_kind, refuse, tag
from domain.state.rows import INTEGER_MAX

_Coefficient = Annotated[int, Field(strict=True, ge=-(10**15), le=10**15)]
_Divisor = Annotated[int, Field(strict=True, ge=1, le=10**9)]
_Scale = Annotated[int, Field(strict=True, ge=1, le=10**12)]
_Offset = Annotated[int, Field(strict=True, ge=-LEVELS_MAX, le=1)]
LevelCap = Annotated[int, Field(strict=True, ge=2, le=LEVELS_MAX)]


class LevelCurve(Section):
    """What all forms share."""

    costs_may_fall: bool = Field(default=False, strict=True)

    @property
    def costs(self) -> tuple[int, ...]:
        """What levels 1, 2, 3, ... cost in XP; the cap is one above the last."""
        raise NotImplementedError

    @model_validator(mode="after")
    def _fits(self) -> Self:
        refuse(list(self._problems(self.costs)))
        return self

    def _problems(self, costs: tuple[int, ...]) -> Iterator[str]:
        for level, cost in enumerate(costs, start=1):
            if cost < 1:
                yield (
                    f"level {level} costs {cost} XP, expected 1 or more: "
                    f"raise what it takes to reach level {level + 1}"
                )
        for level, (cost, after) in enumerate(pairwise(costs), start=2):
            if 0 < after < cost and not self.costs_may_fall:
                yield (
                    f"level {level} costs {after} XP, expected at least the {cost} of level "
                    f"{level - 1}: raise it, or write costs_may_fall = true if it is meant"
                )
        if (total := sum(costs)) > INTEGER_MAX:
            yield (
                f"level {len(costs) + 1} is reached at {total} XP, expected at most "
                f"{INTEGER_MAX}: lower the costs or the level cap"
            )


class TableCurve(LevelCurve):
    """`xp_to_next`: what levels 1, 2, ... cost; or `total_xp`: what reaches levels 1, 2, ..."""

    kind: Literal["table"] = "table"
    xp_to_next: Annotated[tuple[Xp, ...], Field(min_length=1, max_length=LEVELS_MAX - 1)] | None = (
        None
    )
    total_xp: Annotated[tuple[Xp, ...], Field(min_length=2, max_length=LEVELS_MAX)] | None = None

    @model_validator(mode="after")
    def _one_table(self) -> Self:
        if (self.xp_to_next is None) is (self.total_xp is None):
            named = "neither" if self.xp_to_next is None else "both"
            raise ValueError(
                f"{named} of xp_to_next and total_xp given, expected exactly one: write "
                f"xp_to_next = [cost of level 1, cost of level 2, ...]"
            )
        if self.total_xp and self.total_xp[0] != 0:
            raise ValueError(
                f"total_xp of level 1 is {self.total_xp[0]}, expected 0: "
                f"begin the table with what reaches level 1, which is nothing"
            )
        return self

    @property
    def costs(self) -> tuple[int, ...]:
        """The table, or the steps between its totals."""
        if self.total_xp is None:
            return self.xp_to_next or ()
        return tuple(after - total for total, after in pairwise(self.total_xp))


class FormulaCurve(LevelCurve):
    """A formula, up to a level cap."""

    level_cap: LevelCap

    def totals(self) -> Iterator[int]:
        """The total XP that reaches levels 2, 3, ..., without end."""
        raise NotImplementedError

    @property
    def costs(self) -> tuple[int, ...]:
        """The steps between the totals; the first total over 53 bits is the last one taken."""
        totals = [0]
        for total in islice(self.totals(), self.level_cap - 1):
            totals.append(total)
            if total > INTEGER_MAX:
                break
        return tuple(after - total for total, after in pairwise(totals))


class LinearCurve(FormulaCurve):
    """Level L costs `first + (L - 1) * increase`."""

    kind: Literal["linear"]
    first: _Scale
    increase: Annotated[int, Field(strict=True, ge=-(10**12), le=10**12)]

    def totals(self) -> Iterator[int]:
        """See `curves.linear`."""
        return formulas.linear(self.first, self.increase)


class PolynomialCurve(FormulaCurve):
    """Total of level L: `⌊(c0 + c1 n + c2 n² + ...) / divisor⌋` with `n = L - offset`."""

    kind: Literal["polynomial"]
    coefficients: Annotated[tuple[_Coefficient, ...], Field(min_length=2, max_length=8)]
    divisor: _Divisor = 1
    offset: _Offset = 0

    def totals(self) -> Iterator[int]:
        """See `curves.polynomial`."""
        return formulas.polynomial(self.coefficients, self.divisor, self.offset)


class PowerCurve(FormulaCurve):
    """Total of level L: `⌊scale * (L - 1)^exponent⌋`; the exponent may be a fraction."""

    kind: Literal["power"]
    scale: _Scale
    exponent: Exponent

    def totals(self) -> Iterator[int]:
        """See `curves.power`."""
        return formulas.power(self.scale, self.exponent)


class ExponentialCurve(FormulaCurve):
    """Total of level L: `⌊Σ ⌊per_level * i + scale * base^(i/period)⌋ / divisor⌋`, i below L."""

    kind: Literal["exponential"]
    level_cap: Annotated[int, Field(strict=True, ge=2, le=1000)]
    scale: _Scale
    base: Base
    period: Annotated[int, Field(strict=True, ge=1, le=100)] = 1
    per_level: Annotated[int, Field(strict=True, ge=0, le=10**12)] = 0
    divisor: _Divisor = 1

    def totals(self) -> Iterator[int]:
        """See `curves.exponential`."""
        return formulas.exponential(
            self.scale, self.base, self.period, self.per_level, self.divisor
        )


class CurvePiece(Section):
    """One stretch of a stepped curve: up to and with `through_level`."""

    through_level: LevelCap
    slope: _Coefficient = 0
    intercept: _Coefficient
    inner_divisor: _Divisor = 1
    divisor: _Divisor = 1


class SteppedCurve(FormulaCurve):
    """Total of level L: `n^exponent * ⌊(slope n + intercept) / inner_divisor⌋ / divisor`, by piece.

    The pieces rise; the last one also holds for every level beyond its own.
    """

    kind: Literal["stepped"]
    exponent: Annotated[int, Field(strict=True, ge=1, le=10)]
    offset: _Offset = 0
    pieces: Annotated[tuple[CurvePiece, ...], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _pieces_rise(self) -> Self:
        ends = [piece.through_level for piece in self.pieces]
        refuse(
            [
                f"pieces (entry {entry}) ends at level {after}, expected above the {end} of the "
                f"entry before it: put the pieces in rising order"
                for entry, (end, after) in enumerate(pairwise(ends), start=2)
                if after <= end
            ]
        )
        return self

    def totals(self) -> Iterator[int]:
        """See `curves.stepped_power`."""
        pieces = tuple(
            (piece.through_level, piece.slope, piece.intercept, piece.inner_divisor, piece.divisor)
            for piece in self.pieces
        )
        return formulas.stepped_power(self.exponent, self.offset, pieces)


class PresetCurve(LevelCurve):
    """A published curve by its neutral name; `level_cap` may end it earlier."""

    kind: Literal["preset"] = "preset"
    preset: CurveName
    level_cap: LevelCap | None = None
    # The published curves are checked; some of them fall, and mean it.
    costs_may_fall: Literal[True] = True

    @property
    def costs(self) -> tuple[int, ...]:
        """The published costs, up to the cap."""
        whole = _forms.validate_python(PUBLISHED[self.preset]).costs
        return whole if self.level_cap is None else whole[: self.level_cap - 1]

    @model_validator(mode="after")
    def _long_enough(self) -> Self:
        if self.level_cap is not None and len(self.costs) < self.level_cap - 1:
            raise ValueError(
                f"level_cap is {self.level_cap}, but {self.preset} ends at level "
                f"{len(self.costs) + 1}: lower the cap, or leave it out"
            )
        return self


def _form_of(levels: Any) -> str | None:
    """A section with a `preset` and no `kind` means the preset; one with neither means a table."""
    named = isinstance(levels, dict) and "preset" in levels
    return by_kind("preset" if named else "table")(levels)


AnyCurve = Annotated[
    Annotated[TableCurve, tag("table")]
    | Annotated[LinearCurve, tag("linear")]
    | Annotated[PolynomialCurve, tag("polynomial")]
    | Annotated[PowerCurve, tag("power")]
    | Annotated[ExponentialCurve, tag("exponential")]
    | Annotated[SteppedCurve, tag("stepped")]
    | Annotated[PresetCurve, tag("preset")],
    Discriminator(_form_of),
]

_forms: TypeAdapter[LevelCurve] = TypeAdapter(AnyCurve, config=ConfigDict(defer_build=True))

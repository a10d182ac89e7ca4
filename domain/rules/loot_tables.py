"""Loot tables as a rules file writes them: what always drops, what may, and how likely each is.

Weights are whole numbers against each other, amounts a number or a range.  Nothing here is rolled.

Not for: opening a table (`loot`), or who pays with one (`command_parts`, `rules_file.TierRules`).
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field, PlainValidator, model_validator

from domain.ids import ID_RULE, is_id
from domain.rules.sections import Section, Weight, refuse

AMOUNT_MAX = 10**12
"""Largest amount of one drop, so that all drops of a reward together fit in every JSON number."""
ROLLS_MAX = 10
"""Most rolls in one opening of a table."""
GUARANTEED_MAX = 20
DROPS_MAX = 100
TABLES_MAX = 1000

GoodsKind = Literal["item", "currency", "affinity"]
KINDS: tuple[GoodsKind, ...] = ("item", "currency", "affinity")


class Span(NamedTuple):
    """From and to, both included, each number in it equally likely."""

    least: int
    most: int


def _span(least: int, most: int) -> PlainValidator:
    """A check that reads `3` or `[1, 3]`."""

    def read(value: Any) -> Span:
        bounds = value if isinstance(value, list | tuple) else [value, value]
        whole = all(isinstance(bound, int) and not isinstance(bound, bool) for bound in bounds)
        if whole and len(bounds) == 2 and least <= bounds[1] < bounds[0] <= most:
            raise ValueError(
                f"expected [from, to] in rising order: write [{bounds[1]}, {bounds[0]}]"
            )
        if not whole or len(bounds) != 2 or not least <= bounds[0] <= bounds[1] <= most:
            raise ValueError(
                f"expected a whole number from {least} to {most}, or two of them in rising order "
                f"as [from, to]: write one or both"
            )
        return Span(*bounds)

    return PlainValidator(read)


def _name(value: Any) -> str:
    if isinstance(value, str) and is_id(value):
        return value
    raise ValueError(f"expected an id: {ID_RULE}; choose another")


_Id = Annotated[str, PlainValidator(_name)]


class Goods(Section):
    """So much of one thing: `item`, `currency` or `affinity` names it, and only one of them."""

    item: _Id | None = None
    currency: _Id | None = None
    affinity: _Id | None = None
    amount: Annotated[Span, _span(-AMOUNT_MAX, AMOUNT_MAX)] = Span(1, 1)

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        named = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(named) != 1:
            mend = "keep one, and give the other an entry of its own" if named else "add one"
            raise ValueError(
                f"it names {' and '.join(named) or 'nothing'}, expected exactly one of item, "
                f"currency, affinity: {mend}"
            )
        if self.kind != "affinity" and self.amount.least < 1:
            raise ValueError(
                f"amount is {self.amount.least} at least, expected 1 or more of {self.kind} "
                f"{self.id}: raise it (a chance of nothing is written as nothing = WEIGHT)"
            )
        return self

    @property
    def kind(self) -> GoodsKind:
        """What is named."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def id(self) -> str:
        """The id it is named by."""
        named: str = getattr(self, self.kind)
        return named


class WeightedGoods(Goods):
    """Goods that a roll may fall on: `weight` out of all weights of the table."""

    weight: Weight


class LootTable(Section):
    """One table: everything in `guaranteed`, then `rolls` rolls over `drops` and `nothing`."""

    rolls: Annotated[Span, _span(1, ROLLS_MAX)] = Span(1, 1)
    nothing: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] = 0
    drops: Annotated[tuple[WeightedGoods, ...], Field(max_length=DROPS_MAX)] = ()
    guaranteed: Annotated[tuple[Goods, ...], Field(max_length=GUARANTEED_MAX)] = ()

    @model_validator(mode="after")
    def _gives_something(self) -> Self:
        if not self.drops and not self.guaranteed:
            raise ValueError(
                "it has no drops and nothing guaranteed, expected one of them: "
                'add drops = [{ item = "...", weight = 1 }], or remove the table'
            )
        if not self.drops and self.nothing:
            raise ValueError(
                f"nothing is {self.nothing}, expected 0 where there are no drops to weigh it "
                f"against: remove it, or add drops"
            )
        return self

    @property
    def weights(self) -> int:
        """All weights together; 0 when nothing is rolled for."""
        return sum(drop.weight for drop in self.drops) + self.nothing


def name_problems(tables: dict[str, LootTable]) -> Iterator[str]:
    """What is wrong with how tables are called."""
    if len(tables) > TABLES_MAX:
        yield f"there are {len(tables)} tables, expected at most {TABLES_MAX}: remove some"
    for name in tables:
        if not is_id(name):
            yield f'"{name}" names a table, expected an id: {ID_RULE}; rename it'


def refuse_names(tables: dict[str, LootTable]) -> dict[str, LootTable]:
    """`tables`, all of them under names that a reward can say."""
    refuse(list(name_problems(tables)))
    return tables

"""Loot tables in figures: how likely each roll is, and what an opening gives on average.

Exact, from the weights alone; nothing is rolled.  Not for: drawing them (`tables`).
"""

from fractions import Fraction

from msgspec import Struct

from domain.rules.loot_tables import GoodsKind, LootTable, Span


class Odds(Struct, frozen=True):
    """One line of a table.

    `chance` is that of a single roll, 1 for what is guaranteed; `average` is how much one opening
    gives of it, whatever the dice say.  `weight` is None for what is guaranteed.
    """

    kind: GoodsKind | None
    id: str
    amount: Span
    weight: int | None
    chance: Fraction
    average: Fraction


def odds(table: LootTable) -> list[Odds]:
    """Every line of the table in the order of the file; nothing, named by no kind, is last."""
    rows = [
        Odds(drop.kind, drop.id, drop.amount, None, Fraction(1), _middle(drop.amount))
        for drop in table.guaranteed
    ]
    for drop in table.drops:
        chance = Fraction(drop.weight, table.weights)
        average = _middle(table.rolls) * chance * _middle(drop.amount)
        rows.append(Odds(drop.kind, drop.id, drop.amount, drop.weight, chance, average))
    if table.nothing:
        chance = Fraction(table.nothing, table.weights)
        rows.append(Odds(None, "", Span(0, 0), table.nothing, chance, Fraction(0)))
    return rows


def averages(table: LootTable) -> dict[tuple[GoodsKind, str], int]:
    """What an opening gives on average of each thing, in thousandths, rounded to the nearest."""
    sums: dict[tuple[GoodsKind, str], Fraction] = {}
    for drop in odds(table):
        if drop.kind is not None:
            thing = (drop.kind, drop.id)
            sums[thing] = sums.get(thing, Fraction(0)) + drop.average
    return {thing: round(1000 * average) for thing, average in sums.items()}


def _middle(span: Span) -> Fraction:
    return Fraction(span.least + span.most, 2)

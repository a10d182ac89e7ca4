"""Over-budget decay: experience past what the chapter planned for its source is worth less.

The rule is a curve by how far over the ledger is, like the brackets of a tax: every XP is worth
what the bracket it falls into says, so that one large grant gives what many small ones give (but
for rounding down).  Thresholds are in the XP that was granted, as the ledger counts it.

Not for: reading the plan and the ledger (`rewards`).
"""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, model_validator

from domain.rules.sections import Permille, Section, Share, by_kind, refuse, tag


class NoDecay(Section):
    """The plan does not limit anything."""

    kind: Literal["none"] = "none"


class Bracket(Section):
    """From `over_permille` thousandths of the budget past it, an XP is worth `worth_permille`."""

    over_permille: Permille
    worth_permille: Share


class OverBudgetDecay(Section):
    """Brackets in rising order, each worth no more than the one before; below the first, all."""

    kind: Literal["decay"]
    brackets: Annotated[tuple[Bracket, ...], Field(min_length=1, max_length=100)] = (
        Bracket(over_permille=0, worth_permille=500),
        Bracket(over_permille=250, worth_permille=250),
        Bracket(over_permille=500, worth_permille=100),
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        steps = list(enumerate(pairwise(self.brackets), start=2))
        refuse(
            [
                f"brackets (entry {entry}) begins at over_permille {after.over_permille}, expected "
                f"above the {before.over_permille} before it: put the brackets in rising order"
                for entry, (before, after) in steps
                if after.over_permille <= before.over_permille
            ]
            + [
                f"brackets (entry {entry}) has worth_permille {after.worth_permille}, expected at "
                f"most the {before.worth_permille} before it: being further over must not pay more"
                for entry, (before, after) in steps
                if after.worth_permille > before.worth_permille
            ]
        )
        return self


OverBudgetRule = Annotated[
    Annotated[NoDecay, tag("none")] | Annotated[OverBudgetDecay, tag("decay")],
    Discriminator(by_kind("none")),
]


def worth(amount: int, spent: int, budget: int, rule: OverBudgetDecay) -> int:
    """What is left of `amount` when `spent` of `budget` XP is in the ledger: 0 to `amount`.

    With a budget of 0 everything is over by more than any bracket, and the last one holds.
    """
    if budget <= 0:
        return amount * rule.brackets[-1].worth_permille // 1000
    position, left, each = spent, amount, 1000
    for bracket in rule.brackets:
        edge = budget + budget * bracket.over_permille // 1000
        if position < edge:
            # XP of `left` that fill the stretch up to the edge, every one worth `each`.
            filling = -((edge - position) * -1000 // each) if each else left
            if filling >= left:
                return position - spent + left * each // 1000
            position, left = edge, left - filling
        each = bracket.worth_permille
    return position - spent + left * each // 1000

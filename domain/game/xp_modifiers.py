"""XP modifiers: what planned experience is worth to this player here and now, before a grant.

Three rules may apply, always in this order, each to what the one before it left:

1. level difference: how far the hostile's (or the quest's) level is from the player's;
2. repeat: how often this player has defeated the same hostile before;
3. over budget: how far the chapter's ledger is past what was planned for this source.

Every rule is off in the default rules.  None applies to experience from a service: it means the
amount it names.

Not for: granting (`progression`), or for counting defeats and reading ledgers (`rewards`).
"""

from typing import Literal

from msgspec import Struct

from domain.rules import over_budget, repeat
from domain.rules.compiled_rules import Rules
from domain.state.history import Factor, RuleName
from domain.state.rows import INTEGER_MAX, Source


class ModifierContext(Struct, frozen=True, gc=False):
    """What the modifiers may look at.

    `target_level` is the level of the hostile or the quest, None when it has none (then level
    difference does not apply).  `repeats` counts the earlier defeats of the same hostile inside
    `repeat_scope` (0 = this is the first).  `budget` is the chapter's planned XP for this source
    and `spent` what its ledger already holds of it; without a plan `budget` is None (then over
    budget does not apply).  All amounts are XP, 0 or more.
    """

    source: Source
    player_level: int
    target_level: int | None
    repeats: int
    budget: int | None
    spent: int


def modify_experience(
    planned: int, context: ModifierContext, rules: Rules
) -> tuple[int, tuple[Factor, ...]]:
    """The XP to grant, 0 to 53 bits, and every modifier that changed it, in order.

    Only level difference can give more than `planned`; with every rule off the answer is
    `(planned, ())`.  The same arguments give the same numbers on every machine.
    """
    if planned <= 0 or context.source is Source.SERVICE:
        return planned, ()
    penalties = rules.penalties
    factors: list[Factor] = []
    amount = planned
    differ = penalties.level_difference.of(context.source)
    if differ.kind != "none" and context.target_level is not None:
        after = differ.worth(amount, context.player_level, context.target_level)
        amount = _apply("level_difference", amount, min(after, INTEGER_MAX), factors)
    if penalties.repeat.kind != "none" and context.source is Source.HOSTILE_NPC:
        after = repeat.worth(amount, context.repeats, penalties.repeat)
        amount = _apply("repeat", amount, after, factors)
    if penalties.over_budget.kind != "none" and context.budget is not None:
        after = over_budget.worth(amount, context.spent, context.budget, penalties.over_budget)
        amount = _apply("over_budget", amount, after, factors)
    return amount, tuple(factors)


def repeat_scope(rules: Rules) -> Literal["none", "chapter", "day"]:
    """Over what earlier defeats of the same hostile are counted: the chapter, or the UTC day.

    `none` when the repeat rule is off and nobody needs to count.
    """
    penalty = rules.penalties.repeat
    return "none" if penalty.kind == "none" else penalty.scope


def _apply(rule: RuleName, before: int, after: int, factors: list[Factor]) -> int:
    """`after`; a modifier that changed something is added to `factors`."""
    if after != before:
        factors.append(Factor(rule, before, after))
    return after

"""Shaping: what planned experience is worth to this player, here and now, before it is granted.

Three rules may have a say, always in this order, each on what the one before it left:

1. level difference: how far the hostile's (or the quest's) level is from the player's;
2. repeat: how often this player has defeated the same hostile before;
3. over budget: how far the chapter's ledger is past what was planned for this source.

Every rule is off in the default rules.  Experience from a service is never shaped: whoever grants
it means what they say.

Not for: granting (`progression`), or for counting defeats and reading ledgers (`rewards`).
"""

from typing import Literal

from msgspec import Struct

from domain.rules import over_budget, repeat
from domain.rules.compiled_rules import Rules
from domain.state.rows import INTEGER_MAX, Source

RuleName = Literal["level_difference", "repeat", "over_budget"]


class Factor(Struct, frozen=True, gc=False):
    """One rule's say: the XP before and after it.  Rules that change nothing say nothing."""

    rule: RuleName
    before: int
    after: int


class Occasion(Struct, frozen=True, gc=False):
    """What shaping may look at.

    `target_level` is the level of the hostile or the quest, None when it has none (then level
    difference has no say).  `repeats` counts the earlier defeats of the same hostile inside
    `repeat_scope` (0 = this is the first).  `budget` is the chapter's planned XP for this source
    and `spent` what its ledger already holds of it; without a plan `budget` is None (then over
    budget has no say).  All amounts are XP, 0 or more.
    """

    source: Source
    player_level: int
    target_level: int | None
    repeats: int
    budget: int | None
    spent: int


def shape_experience(
    planned: int, occasion: Occasion, rules: Rules
) -> tuple[int, tuple[Factor, ...]]:
    """The XP to grant, 0 to 63 bits, and the say of every rule that changed it, in order.

    Only level difference can give more than `planned`; with every rule off the answer is
    `(planned, ())`.  The same arguments give the same numbers on every machine.
    """
    if planned <= 0 or occasion.source is Source.SERVICE:
        return planned, ()
    penalties = rules.penalties
    factors: list[Factor] = []
    amount = planned
    differ = penalties.level_difference.of(occasion.source)
    if differ.kind != "none" and occasion.target_level is not None:
        after = differ.worth(amount, occasion.player_level, occasion.target_level)
        amount = _say("level_difference", amount, min(after, INTEGER_MAX), factors)
    if penalties.repeat.kind != "none" and occasion.source is Source.HOSTILE_NPC:
        after = repeat.worth(amount, occasion.repeats, penalties.repeat)
        amount = _say("repeat", amount, after, factors)
    if penalties.over_budget.kind != "none" and occasion.budget is not None:
        after = over_budget.worth(amount, occasion.spent, occasion.budget, penalties.over_budget)
        amount = _say("over_budget", amount, after, factors)
    return amount, tuple(factors)


def repeat_scope(rules: Rules) -> Literal["none", "chapter", "day"]:
    """Over what earlier defeats of the same hostile are counted: the chapter, or the UTC day.

    `none` when the repeat rule is off and nobody needs to count.
    """
    penalty = rules.penalties.repeat
    return "none" if penalty.kind == "none" else penalty.scope


def _say(rule: RuleName, before: int, after: int, factors: list[Factor]) -> int:
    """`after`, with the rule's say noted when it changed something."""
    if after != before:
        factors.append(Factor(rule, before, after))
    return after

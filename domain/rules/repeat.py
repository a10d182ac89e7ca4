"""Repeat penalty: the n-th defeat of the same hostile by the same player is worth less.

n is the number of earlier defeats inside the rule's scope (the chapter, or the UTC day): 0 is the
first.  Amounts are XP, rounded down.

Not for: counting (`rewards`).
"""

from typing import Annotated, Literal

from pydantic import Discriminator, Field

from domain.rules.sections import Section, Share, by_kind, tag

Scope = Literal["chapter", "day"]


class NoRepeat(Section):
    """Every defeat is worth the same."""

    kind: Literal["none"] = "none"


class Decay(Section):
    """`max(0, steps - n) / steps`, never less than `floor_permille`.

    Published with 10 steps per target and day, nothing from the tenth repeat on (mangoszero,
    HonorableKillPoints): 100 %, 90, 80, ... 10, 0.
    """

    kind: Literal["decay"]
    scope: Scope = "day"
    steps: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = 10
    floor_permille: Share = 0


class FirstOnly(Section):
    """Only the first defeat is worth anything (TrinityCore, for quests that can be repeated)."""

    kind: Literal["first_only"]
    scope: Scope = "chapter"


class RepeatCurve(Section):
    """`permille` of the first, second, third ... defeat; the last holds for all beyond."""

    kind: Literal["curve"]
    scope: Scope = "chapter"
    permille: Annotated[tuple[Share, ...], Field(min_length=1, max_length=1000)]


AnyRepeat = Decay | FirstOnly | RepeatCurve

RepeatRule = Annotated[
    Annotated[NoRepeat, tag("none")]
    | Annotated[Decay, tag("decay")]
    | Annotated[FirstOnly, tag("first_only")]
    | Annotated[RepeatCurve, tag("curve")],
    Discriminator(by_kind("none")),
]


def worth(amount: int, repeats: int, rule: AnyRepeat) -> int:
    """What is left of `amount` after `repeats` earlier defeats: 0 to `amount`."""
    match rule:
        case Decay():
            left = amount * max(0, rule.steps - repeats) // rule.steps
            return max(left, amount * rule.floor_permille // 1000)
        case FirstOnly():
            return amount if repeats == 0 else 0
        case RepeatCurve():
            return amount * rule.permille[min(repeats, len(rule.permille) - 1)] // 1000

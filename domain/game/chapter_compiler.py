"""The chapter compiler: from blueprints (what a story holds) to whole plans (what it pays).

A chapter's place in the story is its weight times the tempo of its pace band, out of all of them;
the pseudo level curve turns both ends of that place into pseudo levels, so that every chapter
begins where the one before it ends.  Its budget is the XP between the two on the XP curve, split
by the band into quests and hostiles, and on to each quest by its weight and to each tier by its
count times its worth.  All shares add up to their budget exactly (`shares`).

Not for: writing rows (`chapters`), or for what a single battle pays (`profiles`).
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from msgspec import Struct

from domain.messages.command_parts import CHAPTERS_MAX, QUESTS_MAX, QuestWeight
from domain.messages.rejections import Code, Rejection
from domain.rules.compiled_rules import Rules
from domain.state.rows import PaceBand, Tier

COUNT_MAX = 1_000_000
"""The most defeats of one tier, or weight, a chapter may have."""


class ChapterBlueprint(Struct, frozen=True):
    """What one chapter holds.

    `quests` is how many there are, all of weight `standard`, or the weight of each; `hostiles` is
    how many defeats are expected of each tier.  `weight` is the chapter's length against others.
    """

    chapter_id: str
    quests: int | tuple[QuestWeight, ...] = 0
    hostiles: dict[Tier, int] = {}
    weight: int = 1
    pace_band: PaceBand = PaceBand.STEADY


class TierShare(Struct, frozen=True, gc=False):
    """The XP of all expected defeats of one tier; a single one pays `planned_xp // count`."""

    tier: Tier
    count: int
    planned_xp: int


class ChapterPlan(Struct, frozen=True):
    """One chapter's plan, in the fields of `ChapterProgression`, and the shares in it.

    `quest_xp` is each quest's share, in the blueprint's order, adding up to `planned_quest_xp`;
    `tiers` those of the tiers that occur, adding up to `planned_hostile_xp`.
    """

    chapter_id: str
    chapter_index: int
    total_chapters: int
    entry_pseudo_level_millis: int
    exit_pseudo_level_millis: int
    entry_level: int
    exit_level: int
    planned_total_xp: int
    planned_quest_xp: int
    planned_hostile_xp: int
    expected_hostile_defeat_count: int
    pace_band: PaceBand
    quest_xp: tuple[int, ...]
    tiers: tuple[TierShare, ...]


def compile_chapters(
    blueprints: Sequence[ChapterBlueprint], rules: Rules
) -> list[ChapterPlan] | Rejection:
    """One plan for each blueprint, in order, or every reason why they cannot be planned.

    Refused are: no chapter, more than `CHAPTERS_MAX`, a chapter named twice, one without quests
    and hostiles, counts or weights out of range, and chapters for which the curve has no XP.
    """
    if problems := list(_blueprint_problems(blueprints)):
        return _refused(problems)
    lengths = [
        blueprint.weight * rules.bands[blueprint.pace_band].tempo_permille
        for blueprint in blueprints
    ]
    whole = sum(lengths)
    ends = [rules.pseudo_level_at(done, whole) for done in (0, *accumulate(lengths))]
    plans = [
        _plan(blueprint, index, len(blueprints), entry, leave, rules)
        for index, (blueprint, (entry, leave)) in enumerate(
            zip(blueprints, pairwise(ends), strict=True), start=1
        )
    ]
    if poor := list(_poor_problems(plans, rules, ends)):
        return _refused(poor)
    return plans


def shares(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """`total` split by `weights` so that the shares add up to it exactly.

    Largest remainder: everyone gets their part rounded down, and the units that are left go to the
    largest remainders, the first ones when they tie.  No weights, or only zeros, get nothing.
    """
    whole = sum(weights)
    if whole == 0:
        return tuple(0 for _ in weights)
    parts = [total * weight // whole for weight in weights]
    left = total - sum(parts)
    by_remainder = sorted(range(len(parts)), key=lambda i: (-(total * weights[i] % whole), i))
    for place in by_remainder[:left]:
        parts[place] += 1
    return tuple(parts)


def _plan(
    blueprint: ChapterBlueprint, index: int, chapters: int, entry: int, leave: int, rules: Rules
) -> ChapterPlan:
    """The plan of one chapter between two pseudo levels."""
    quests = _quest_weights(blueprint, rules)
    tiers = [(tier, blueprint.hostiles[tier]) for tier in Tier if blueprint.hostiles.get(tier)]
    total = rules.xp_at(leave) - rules.xp_at(entry)
    quest_xp = total * rules.bands[blueprint.pace_band].quest_permille // 1000
    if not tiers or not quests:
        quest_xp = total if quests else 0
    # A tier that is worth nothing by the rules still counts when there is no other.
    worth = [count * rules.tiers[tier].experience_permille for tier, count in tiers]
    if not any(worth):
        worth = [count for _, count in tiers]
    return ChapterPlan(
        chapter_id=blueprint.chapter_id,
        chapter_index=index,
        total_chapters=chapters,
        entry_pseudo_level_millis=entry,
        exit_pseudo_level_millis=leave,
        entry_level=entry // 1000,
        exit_level=leave // 1000,
        planned_total_xp=total,
        planned_quest_xp=quest_xp,
        planned_hostile_xp=total - quest_xp,
        expected_hostile_defeat_count=sum(count for _, count in tiers),
        pace_band=blueprint.pace_band,
        quest_xp=shares(quest_xp, quests),
        tiers=tuple(
            TierShare(tier, count, share)
            for (tier, count), share in zip(tiers, shares(total - quest_xp, worth), strict=True)
        ),
    )


def _quest_weights(blueprint: ChapterBlueprint, rules: Rules) -> list[int]:
    weights = rules.quest_weights
    if isinstance(blueprint.quests, int):
        return [weights["standard"]] * blueprint.quests
    return [weights[quest] for quest in blueprint.quests]


def _blueprint_problems(blueprints: Sequence[ChapterBlueprint]) -> Iterator[str]:
    """What is wrong with the blueprints by themselves."""
    if not 1 <= len(blueprints) <= CHAPTERS_MAX:
        yield f"chapters has {len(blueprints)} blueprints, expected 1 to {CHAPTERS_MAX}"
    seen: dict[str, int] = {}
    for index, blueprint in enumerate(blueprints, start=1):
        name = f"chapter {index} ({blueprint.chapter_id})"
        if (first := seen.setdefault(blueprint.chapter_id, index)) != index:
            yield f"{name} has the chapter_id of chapter {first}: give it one of its own"
        quests = blueprint.quests if isinstance(blueprint.quests, int) else len(blueprint.quests)
        if not 0 <= quests <= QUESTS_MAX:
            yield f"{name} has {quests} quests, expected 0 to {QUESTS_MAX}"
        for tier, count in blueprint.hostiles.items():
            if not 0 <= count <= COUNT_MAX:
                yield f"{name} has {count} hostiles of tier {tier}, expected 0 to {COUNT_MAX}"
        if not 1 <= blueprint.weight <= COUNT_MAX:
            yield f"{name} has weight {blueprint.weight}, expected 1 to {COUNT_MAX}"
        if quests == 0 and not any(blueprint.hostiles.values()):
            yield f"{name} has no quests and no hostiles, so nothing could pay its budget: add one"


def _poor_problems(plans: list[ChapterPlan], rules: Rules, ends: list[int]) -> Iterator[str]:
    """The chapters for which the curve has no XP."""
    poor = [plan for plan in plans if plan.planned_total_xp == 0]
    if poor:
        xp = rules.xp_at(ends[-1]) - rules.xp_at(ends[0])
        yield (
            f"the curve has {xp} XP from pseudo level {ends[0]} to {ends[-1]} for {len(plans)} "
            f"chapters, which leaves none for {_listed(poor)}: plan fewer chapters, raise their "
            f"weight, or raise what levels cost"
        )


def _listed(plans: list[ChapterPlan]) -> str:
    names = [f"chapter {plan.chapter_index} ({plan.chapter_id})" for plan in plans[:3]]
    more = [f"{len(plans) - 3} more"] if len(plans) > 3 else []
    return ", ".join(names + more)


def _refused(problems: list[str]) -> Rejection:
    more = [f"and {len(problems) - 20} more"] if len(problems) > 20 else []
    return Rejection(Code.INVALID_FIELD, "; ".join([*problems[:20], *more]))

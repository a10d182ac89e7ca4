"""Chapter plans, their ledgers, and the point in the plan that a ledger has reached."""

from collections.abc import Iterable
from typing import NamedTuple

from msgspec.structs import replace

from domain.game.chapter_compiler import ChapterPlan
from domain.messages.commands import UpsertChapter
from domain.messages.rejections import Code, Rejection
from domain.state.rows import (
    INTEGER_MAX,
    BattleMode,
    BattleState,
    ChapterProgression,
    Source,
    Tier,
    TierLedger,
    chapter_progression_id,
)

Plan = UpsertChapter | ChapterPlan
"""A plan as a service gives it, or as the compiler does."""


def upsert_chapter_progression(
    user_id: str, before: ChapterProgression | None, plan: Plan, level: int, version: int, now: int
) -> ChapterProgression | Rejection:
    """The chapter's row with `plan` in it and its ledger at 0; `level` is the user's now [seed].

    `version` is the user's with this command.  `created_at` survives an overwrite.
    """
    for low, high in (
        ("chapter_index", "total_chapters"),
        ("entry_pseudo_level_millis", "exit_pseudo_level_millis"),
        ("entry_level", "exit_level"),
    ):
        least, most = getattr(plan, low), getattr(plan, high)
        if least > most:
            return Rejection(
                Code.INVALID_FIELD, f"{low} is {least}, expected at most {high}, which is {most}"
            )
    parts = plan.planned_quest_xp + plan.planned_hostile_xp
    if parts > plan.planned_total_xp:
        return Rejection(
            Code.INVALID_FIELD,
            f"planned_quest_xp and planned_hostile_xp add up to {parts}, expected at most "
            f"planned_total_xp, which is {plan.planned_total_xp}",
        )
    return ChapterProgression(
        chapter_progression_id=chapter_progression_id(user_id, plan.chapter_id),
        user_id=user_id,
        chapter_id=plan.chapter_id,
        chapter_index=plan.chapter_index,
        total_chapters=plan.total_chapters,
        entry_pseudo_level_millis=plan.entry_pseudo_level_millis,
        exit_pseudo_level_millis=plan.exit_pseudo_level_millis,
        entry_level=plan.entry_level,
        exit_level=plan.exit_level,
        planned_total_xp=plan.planned_total_xp,
        planned_quest_xp=plan.planned_quest_xp,
        planned_hostile_xp=plan.planned_hostile_xp,
        actual_quest_xp=0,
        actual_hostile_xp=0,
        expected_hostile_defeat_count=plan.expected_hostile_defeat_count,
        actual_hostile_defeat_count=0,
        level_at_entry=level,
        level_at_exit=None,
        pace_band=plan.pace_band,
        created_at=before.created_at if before else now,
        updated_at=now,
        hostile_tiers=tuple(
            TierLedger(share.tier, share.planned_xp, 0, share.count, 0)
            for share in (plan.tiers if isinstance(plan, ChapterPlan) else ())
        ),
        plan_version=version,
    )


def apply_chapter_progression_ledger_entry(
    row: ChapterProgression,
    *,
    granted_quest_xp: int = 0,
    granted_hostile_xp: int = 0,
    hostile_defeat_increment: int = 0,
    level_at_exit: int | None,
    now: int,
    tier: Tier | None = None,
) -> ChapterProgression | Rejection:
    """`row` with the amounts added to its ledger; `level_at_exit` is kept when None [seed].

    Hostile XP and defeats are also added to the share of `tier`, where the plan has one.  An entry
    that adds nothing and moves no level gives the same row back.
    """
    quest_xp = row.actual_quest_xp + granted_quest_xp
    hostile_xp = row.actual_hostile_xp + granted_hostile_xp
    defeats = row.actual_hostile_defeat_count + hostile_defeat_increment
    if quest_xp > INTEGER_MAX:
        return _full(row, "granted_quest_xp", granted_quest_xp, row.actual_quest_xp)
    if hostile_xp > INTEGER_MAX:
        return _full(row, "granted_hostile_xp", granted_hostile_xp, row.actual_hostile_xp)
    if defeats > INTEGER_MAX:
        held = row.actual_hostile_defeat_count
        return _full(row, "hostile_defeat_increment", hostile_defeat_increment, held)
    left_at = row.level_at_exit if level_at_exit is None else level_at_exit
    added = granted_quest_xp or granted_hostile_xp or hostile_defeat_increment
    if not added and left_at == row.level_at_exit:
        return row
    return replace(
        row,
        actual_quest_xp=quest_xp,
        actual_hostile_xp=hostile_xp,
        actual_hostile_defeat_count=defeats,
        level_at_exit=left_at,
        updated_at=now,
        hostile_tiers=_moved(row, tier, granted_hostile_xp, hostile_defeat_increment),
    )


def _full(row: ChapterProgression, name: str, amount: int, held: int) -> Rejection:
    return Rejection(
        Code.INVALID_FIELD,
        f"{name} is {amount}, but the {held} in the ledger of {row.chapter_id} "
        f"can only grow to {INTEGER_MAX}",
    )


def take_from_ledger(
    row: ChapterProgression, quest_xp: int, hostile_xp: int, tier: Tier | None, now: int
) -> ChapterProgression:
    """`row` with that much XP less in its ledger, never below 0; the same row for nothing.

    `tier` is that of the hostile who paid it, None when nobody knows.
    Defeats stay: the hostile fell, whatever became of what it paid.  So does `level_at_exit`: it
    is the level at the last entry, not today's.
    """
    quest = max(0, row.actual_quest_xp - quest_xp)
    hostile = max(0, row.actual_hostile_xp - hostile_xp)
    if quest == row.actual_quest_xp and hostile == row.actual_hostile_xp:
        return row
    return replace(
        row,
        actual_quest_xp=quest,
        actual_hostile_xp=hostile,
        updated_at=now,
        hostile_tiers=_moved(row, tier, -hostile_xp, 0),
    )


class Promised(NamedTuple):
    """What open battles of a chapter will book in its ledger if they are won."""

    defeats: int
    xp: int


NOTHING_PROMISED = Promised(0, 0)


def promised_to(battles: Iterable[BattleState], row: ChapterProgression, tier: Tier) -> Promised:
    """What open `battles` take of the share that a hostile of `tier` is paid from.

    That share is the tier's own where the plan has shares, else the whole chapter's.
    """
    rewards = [
        battle.experience_reward
        for battle in battles
        if battle.chapter_id == row.chapter_id
        and battle.mode is BattleMode.FIGHT
        and (battle.hostile.tier is tier or not row.hostile_tiers)
    ]
    return Promised(len(rewards), sum(rewards))


def hostile_share(
    row: ChapterProgression, tier: Tier, experience_permille: int, promised: Promised
) -> int | None:
    """What the plan pays for the next defeat of this tier; None when it expects none any more.

    An even part of what is left of the tier's own share, so that in whatever order hostiles fall
    each tier pays its share of the plan; what open battles were `promised` is as good as paid.
    A plan without shares knows only the defeats of all tiers together: then it is an even part of
    all that is left, times the tier's multiplier, and never more than is left.
    """
    if row.hostile_tiers:
        own = next((share for share in row.hostile_tiers if share.tier is tier), None)
        if own is None:
            return None
        defeats = own.expected_defeat_count - own.actual_defeat_count - promised.defeats
        left = max(0, own.planned_xp - own.actual_xp - promised.xp)
        return left // defeats if defeats > 0 else None
    defeats = row.expected_hostile_defeat_count - row.actual_hostile_defeat_count - promised.defeats
    if defeats <= 0:
        return None
    left = max(0, row.planned_hostile_xp - row.actual_hostile_xp - promised.xp)
    return min(left, left * experience_permille // (defeats * 1000))


def pseudo_level_reached(row: ChapterProgression) -> int:
    """Where between entry and exit pseudo level the ledger stands, in thousandths.

    The XP granted so far against the XP planned; never past the exit.
    """
    entry, leave = row.entry_pseudo_level_millis, row.exit_pseudo_level_millis
    actual, planned = row.actual_quest_xp + row.actual_hostile_xp, row.planned_total_xp
    if planned == 0:
        return entry
    return entry + (leave - entry) * min(actual, planned) // planned


def budget_of(row: ChapterProgression, source: Source) -> tuple[int, int]:
    """The XP planned for `source`, and what the ledger already holds of it."""
    if source is Source.QUEST:
        return row.planned_quest_xp, row.actual_quest_xp
    return row.planned_hostile_xp, row.actual_hostile_xp


def _moved(
    row: ChapterProgression, tier: Tier | None, xp: int, defeats: int
) -> tuple[TierLedger, ...]:
    """The shares of `row` with that of `tier` moved; its XP never falls below 0."""
    if not row.hostile_tiers:
        return ()
    return tuple(
        replace(
            share,
            actual_xp=max(0, share.actual_xp + xp),
            actual_defeat_count=share.actual_defeat_count + defeats,
        )
        if share.tier is tier
        else share
        for share in row.hostile_tiers
    )

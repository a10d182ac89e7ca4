"""Chapter plans and their ledgers."""

from msgspec.structs import replace

from domain.commands import UpsertChapter
from domain.rejections import Code, Rejection
from domain.rows import INTEGER_MAX, ChapterProgression, chapter_progression_id


def upsert_chapter_progression(
    user_id: str, before: ChapterProgression | None, plan: UpsertChapter, level: int, now: int
) -> ChapterProgression | Rejection:
    """The chapter's row with `plan` in it and its ledger at 0; `level` is the user's now [seed].

    `created_at` survives an overwrite.
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
    )


def apply_chapter_progression_ledger_entry(
    row: ChapterProgression,
    *,
    granted_quest_xp: int = 0,
    granted_hostile_xp: int = 0,
    hostile_defeat_increment: int = 0,
    level_at_exit: int | None,
    now: int,
) -> ChapterProgression | Rejection:
    """`row` with the amounts added to its ledger; `level_at_exit` is kept when None [seed].

    An entry that adds nothing and moves no level gives the same row back.
    """
    for name, amount, held in (
        ("granted_quest_xp", granted_quest_xp, row.actual_quest_xp),
        ("granted_hostile_xp", granted_hostile_xp, row.actual_hostile_xp),
        ("hostile_defeat_increment", hostile_defeat_increment, row.actual_hostile_defeat_count),
    ):
        if held + amount > INTEGER_MAX:
            return Rejection(
                Code.INVALID_FIELD,
                f"{name} is {amount}, but the {held} in the ledger of {row.chapter_id} "
                f"can only grow to {INTEGER_MAX}",
            )
    after = replace(
        row,
        actual_quest_xp=row.actual_quest_xp + granted_quest_xp,
        actual_hostile_xp=row.actual_hostile_xp + granted_hostile_xp,
        actual_hostile_defeat_count=row.actual_hostile_defeat_count + hostile_defeat_increment,
        level_at_exit=row.level_at_exit if level_at_exit is None else level_at_exit,
    )
    return row if after == row else replace(after, updated_at=now)

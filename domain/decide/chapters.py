"""What commands about chapters do: write a plan or a whole story of them, add to a ledger.

Not for: what blueprints compile to (`chapter_compiler`) or the rows' own rules (`chapters`).
"""

from collections.abc import Sequence

from domain.game import chapters
from domain.game.chapter_compiler import ChapterBlueprint, compile_chapters
from domain.game.progression import progression_of
from domain.messages.commands import ApplyChapterLedgerEntry, CompileChapters, UpsertChapter
from domain.messages.decision import NO_CHANGE, Decision
from domain.messages.events import ChapterLedgerApplied, ChapterPlanned
from domain.messages.rejections import Code, Rejection
from domain.rules.compiled_rules import Rules
from domain.state.rows import ChapterProgression
from domain.state.user_state import Changes, UserState


def upsert_chapter(
    state: UserState, command: UpsertChapter, now: int, rules: Rules
) -> Decision | Rejection:
    """One plan, its ledger at 0."""
    return _planned(state, [command], now, rules)


def compile_story(
    state: UserState, command: CompileChapters, now: int, rules: Rules
) -> Decision | Rejection:
    """The plans of a whole story, all of them or none."""
    blueprints = [
        ChapterBlueprint(
            chapter.chapter_id, chapter.quests, chapter.hostiles, chapter.weight, chapter.pace_band
        )
        for chapter in command.chapters
    ]
    plans = compile_chapters(blueprints, rules)
    return plans if isinstance(plans, Rejection) else _planned(state, plans, now, rules)


def apply_ledger_entry(
    state: UserState, command: ApplyChapterLedgerEntry, now: int
) -> Decision | Rejection:
    """An entry from outside; it needs a plan to be added to."""
    before = state.chapters.get(command.chapter_id)
    if before is None:
        return Rejection(
            Code.CHAPTER_NOT_FOUND, f"chapter_id is {command.chapter_id}, which has no plan"
        )
    after = chapters.apply_chapter_progression_ledger_entry(
        before,
        granted_quest_xp=command.granted_quest_xp,
        granted_hostile_xp=command.granted_hostile_xp,
        hostile_defeat_increment=command.hostile_defeat_increment,
        level_at_exit=command.level_at_exit,
        now=now,
    )
    if isinstance(after, Rejection):
        return after
    if after is before:
        return NO_CHANGE
    applied = ChapterLedgerApplied(
        chapter_id=command.chapter_id,
        quest_xp=command.granted_quest_xp,
        hostile_xp=command.granted_hostile_xp,
        defeats=command.hostile_defeat_increment,
    )
    return Decision(Changes(chapter_progression=(after,)), (applied,))


def _planned(
    state: UserState, plans: Sequence[chapters.Plan], now: int, rules: Rules
) -> Decision | Rejection:
    """Every plan as a row, each ledger at 0; `level_at_entry` is the user's level now [seed]."""
    level, version = progression_of(state, rules).level, state.version + 1
    rows: list[ChapterProgression] = []
    for plan in plans:
        before = state.chapters.get(plan.chapter_id)
        row = chapters.upsert_chapter_progression(state.user_id, before, plan, level, version, now)
        if isinstance(row, Rejection):
            return row
        rows.append(row)
    return Decision(
        Changes(chapter_progression=tuple(rows)),
        tuple(ChapterPlanned(row.chapter_id) for row in rows),
    )

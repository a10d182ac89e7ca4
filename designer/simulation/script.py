"""Compiled story: a story with the compiler's plans and a script for each chapter.

A chapter script is a row of steps (a quest or a fight) with the commands that a game service and
its players would send; it is made once for all players.

Not for: who plays it (`player`).
"""

from collections.abc import Iterator
from itertools import cycle, islice
from typing import get_args

from msgspec import Struct

from designer.simulation.story_file import Chapter, InvalidStory, Story
from domain.game.chapter_compiler import ChapterBlueprint, ChapterPlan, compile_chapters
from domain.messages.command_parts import QuestWeight
from domain.messages.commands import Command, decode_command
from domain.messages.rejections import Rejection
from domain.rules.compiled_rules import Rules
from domain.state.rows import Tier

assert set(get_args(QuestWeight)) == {"major", "standard", "minor"}


class QuestStep(Struct, frozen=True):
    """A quest of a chapter; a side quest may be given up."""

    experience: int
    side: bool
    offer: Command
    turn_in: Command
    abandon: Command


class FightStep(Struct, frozen=True):
    """A hostile that the chapter expects to be defeated."""

    tier: Tier
    hostile_id: str


Step = QuestStep | FightStep


class ChapterScript(Struct, frozen=True):
    """One chapter: its plan, its steps in order, and whom one may fight again afterwards."""

    plan: ChapterPlan
    steps: tuple[Step, ...]
    rematches: tuple[FightStep, ...]


class CompiledStory(Struct, frozen=True):
    """A story compiled under `rules`; `compile_command` is what a game service sends to plan it."""

    story: Story
    rules: Rules
    compile_command: Command
    chapters: tuple[ChapterScript, ...]


def compile_story(story: Story, rules: Rules) -> CompiledStory:
    """`story` compiled under `rules`.

    Raises:
        InvalidStory: the compiler has no plan for these chapters, or a loot table is none.
    """
    if problems := list(_loot_problems(story, rules)):
        raise InvalidStory(problems)
    blueprints = [
        ChapterBlueprint(
            chapter.chapter_id,
            (*chapter.quests, *chapter.side_quests),  # type: ignore[arg-type]  # checked by the story file
            chapter.hostiles.by_tier(),
            chapter.weight,
            chapter.pace_band,
        )
        for chapter in story.chapters
    ]
    plans = compile_chapters(blueprints, rules)
    if isinstance(plans, Rejection):
        raise InvalidStory(plans.detail.split("; "))
    chapters = tuple(
        _script(chapter, plan) for chapter, plan in zip(story.chapters, plans, strict=True)
    )
    return CompiledStory(story, rules, _compile_command(blueprints), chapters)


def _loot_problems(story: Story, rules: Rules) -> Iterator[str]:
    known = ", ".join(f'"{name}"' for name in rules.loot) or "none, for they have no loot tables"
    for number, chapter in enumerate(story.chapters, start=1):
        if chapter.quest_loot is not None and chapter.quest_loot not in rules.loot:
            yield (
                f'chapters (entry {number}).quest_loot is "{chapter.quest_loot}", expected one of '
                f"the rules' tables ({known}): choose one of them, or remove it"
            )


def _compile_command(blueprints: list[ChapterBlueprint]) -> Command:
    """What a game service sends to have the story planned."""
    chapters = [
        {
            "chapter_id": blueprint.chapter_id,
            "quests": blueprint.quests,
            "hostiles": blueprint.hostiles,
            "weight": blueprint.weight,
            "pace_band": blueprint.pace_band,
        }
        for blueprint in blueprints
    ]
    return decode_command({"type": "compile_chapters", "command_id": "story", "chapters": chapters})


def _script(chapter: Chapter, plan: ChapterPlan) -> ChapterScript:
    quests = [
        _quest(chapter, number, experience)
        for number, experience in enumerate(plan.quest_xp, start=1)
    ]
    fights = list(_fights(chapter))
    rematches = [step for step in fights if step.tier is not Tier.BOSS] or fights
    return ChapterScript(plan, tuple(_interleaved(quests, fights)), tuple(dict.fromkeys(rematches)))


def _quest(chapter: Chapter, number: int, experience: int) -> QuestStep:
    quest_id = f"{chapter.chapter_id}-{number}"
    named = {"command_id": quest_id, "quest_id": quest_id}
    loot = {} if chapter.quest_loot is None else {chapter.quest_loot: 1}
    reward = {"experience": experience, "loot": loot}
    offer = {"chapter_id": chapter.chapter_id, "reward": reward}
    return QuestStep(
        experience=experience,
        side=number > len(chapter.quests),
        offer=decode_command({"type": "offer_quest", **named, **offer}),
        turn_in=decode_command({"type": "turn_in_quest", **named}),
        abandon=decode_command({"type": "abandon_quest", **named}),
    )


def _fights(chapter: Chapter) -> Iterator[FightStep]:
    """Weak ones first, the boss last; the different ones of a tier take turns."""
    for tier, count in chapter.hostiles.by_tier().items():
        different = [
            FightStep(tier, f"{chapter.chapter_id}-{tier}-{number}")
            for number in range(1, min(chapter.different_hostiles, count) + 1)
        ]
        yield from islice(cycle(different), count)


def _interleaved(quests: list[QuestStep], fights: list[FightStep]) -> Iterator[Step]:
    """Quests and fights in turn, each spread evenly over the chapter."""
    met = 0
    for number, quest in enumerate(quests, start=1):
        yield quest
        until = len(fights) * number // len(quests)
        yield from fights[met:until]
        met = until
    yield from fights[met:]

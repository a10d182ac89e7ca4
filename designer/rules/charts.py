"""The rules as series of points: what `rules show`, `plot` and `diff` draw, asked of the rules.

Not for: drawing (`plot`, `designer.drawing.chart`).
"""

from designer.drawing.chart import Chart, ChartLine
from designer.rules.penalty_charts import decay, level_difference, repeats
from domain.game.chapter_compiler import ChapterBlueprint, compile_chapters
from domain.messages.rejections import Rejection
from domain.rules.compiled_rules import Rules
from domain.state.rows import Source, Tier

STORY_STEPS = 100
CHAPTERS_SHOWN = 10


def levels(rules: Rules) -> list[int]:
    """Every level."""
    return [level.level for level in rules.levels]


def costs(rules: Rules) -> Chart:
    """What each level costs; the cap costs nothing and is left out."""
    below = [level for level in rules.levels if level.xp_to_next]
    line = ChartLine("", [level.level for level in below], [level.xp_to_next for level in below])
    return Chart("XP to the next level", "level", "XP", [line])


def cumulative(rules: Rules) -> Chart:
    """What reaches each level."""
    line = ChartLine("", levels(rules), [level.cumulative_xp for level in rules.levels])
    return Chart("XP that reaches a level", "level", "XP", [line])


def strength(rules: Rules) -> Chart:
    """How strong a player is expected to be at each level."""
    line = ChartLine("", levels(rules), [level.reference_strength for level in rules.levels])
    return Chart("Reference strength", "level", "strength", [line])


def story(rules: Rules) -> Chart:
    """Where on the levels a story stands."""
    steps = range(STORY_STEPS + 1)
    reached = [rules.pseudo_level_at(step, STORY_STEPS) / 1000 for step in steps]
    line = ChartLine("", [100 * step / STORY_STEPS for step in steps], reached)
    return Chart("Level over the story", "% of the story", "level", [line], 1)


def budgets(rules: Rules) -> Chart | None:
    """What the chapters of a story of ten alike may pay; None for a curve that is too short."""
    alike = [
        ChapterBlueprint(str(number), quests=1, hostiles={Tier.STANDARD: 1})
        for number in range(1, CHAPTERS_SHOWN + 1)
    ]
    plans = compile_chapters(alike, rules)
    if isinstance(plans, Rejection):
        return None
    chapters = [plan.chapter_index for plan in plans]
    lines = [
        ChartLine("all of it", chapters, [plan.planned_total_xp for plan in plans]),
        ChartLine("for quests", chapters, [plan.planned_quest_xp for plan in plans]),
        ChartLine("for hostiles", chapters, [plan.planned_hostile_xp for plan in plans]),
    ]
    return Chart(f"Budgets of {CHAPTERS_SHOWN} steady chapters", "chapter", "XP", lines)


def tiers(rules: Rules) -> Chart:
    """What a hostile of each tier is worth without a plan, at its own level."""
    lines = []
    for tier, tier_rules in rules.tiers.items():
        worth = [
            (rules.hostile_experience.base + rules.hostile_experience.per_level * level)
            * tier_rules.experience_permille
            // 1000
            for level in levels(rules)
        ]
        lines.append(ChartLine(str(tier), levels(rules), worth))
    return Chart("What a hostile is worth without a plan", "its level", "XP", lines)


def charts(rules: Rules) -> list[Chart]:
    """Everything there is to draw; rules that are off are left out."""
    drawn = [
        costs(rules),
        cumulative(rules),
        strength(rules),
        story(rules),
        budgets(rules),
        tiers(rules),
        level_difference(rules, Source.HOSTILE_NPC),
        level_difference(rules, Source.QUEST),
        repeats(rules),
        decay(rules),
    ]
    return [chart for chart in drawn if chart is not None]

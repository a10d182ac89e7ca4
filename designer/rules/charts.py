"""The rules as series of points: what `rules show`, `plot` and `diff` draw, asked of the rules.

Not for: drawing (`plot`, `designer.drawing.chart`).
"""

from collections.abc import Iterable

from designer.drawing.chart import Chart, ChartLine
from domain.game.chapter_compiler import ChapterBlueprint, compile_chapters
from domain.messages.rejections import Rejection
from domain.rules import over_budget, repeat
from domain.rules.compiled_rules import Rules
from domain.state.rows import Source, Tier

_WORTH = 1_000_000
"""What is shaped to see which share comes out: rounding does not show."""
STORY_STEPS = 100
CHAPTERS_SHOWN = 10
REPEATS_SHOWN = 12
GAP_SHOWN = 15
OVER_SHOWN_PERMILLE = 1500


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


def level_difference(rules: Rules, source: Source) -> Chart | None:
    """What is paid at each distance, for three player levels; None when levels do not matter."""
    rule = rules.penalties.level_difference.of(source)
    if rule.kind == "none":
        return None
    lines = []
    for player in _three_levels(rules):
        gaps = [
            gap for gap in range(-GAP_SHOWN, GAP_SHOWN + 1) if 1 <= player + gap <= rules.level_cap
        ]
        shares = [_percent(rule.worth(_WORTH, player, player + gap)) for gap in gaps]
        lines.append(ChartLine(f"player at level {player}", gaps, shares))
    if _agree(lines):
        points = sorted({point for line in lines for point in zip(line.xs, line.ys, strict=True)})
        lines = [ChartLine("", [x for x, _ in points], [y for _, y in points])]
    whose = "a quest" if source is Source.QUEST else "a hostile"
    return Chart(
        f"What {whose} pays, by level", f"levels above the player ({rule.kind})", "%", lines
    )


def repeats(rules: Rules) -> Chart | None:
    """What the n-th defeat pays; None when every one pays the same."""
    rule = rules.penalties.repeat
    if rule.kind == "none":
        return None
    times = range(REPEATS_SHOWN + 1)
    shares = [_percent(repeat.worth(_WORTH, times, rule)) for times in times]
    line = ChartLine("", [time + 1 for time in times], shares)
    return Chart(
        "What the n-th defeat pays", f"defeat in a {rule.scope} ({rule.kind})", "%", [line]
    )


def decay(rules: Rules) -> Chart | None:
    """What an XP pays past the budget; None when the plan limits nothing."""
    rule = rules.penalties.over_budget
    if rule.kind == "none":
        return None
    over = range(-200, OVER_SHOWN_PERMILLE + 1, 10)
    budget = 1000 * _WORTH
    # A millionth of the budget at each point: the share of that one XP, as it were.
    shares = [
        _percent(over_budget.worth(_WORTH, budget + budget * permille // 1000, budget, rule))
        for permille in over
    ]
    line = ChartLine("", [permille / 10 for permille in over], shares)
    return Chart("What XP past the plan is worth", "% over the chapter's budget", "%", [line])


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


def switched_off(rules: Rules) -> list[str]:
    """The rules that shape nothing, in words."""
    difference, penalties = rules.penalties.level_difference, rules.penalties
    named = {
        "level difference (kills)": difference.kills.kind,
        "level difference (quests)": difference.quests.kind,
        "repeat": penalties.repeat.kind,
        "over budget": penalties.over_budget.kind,
    }
    return [name for name, kind in named.items() if kind == "none"]


def _three_levels(rules: Rules) -> Iterable[int]:
    """Low, middle and high; fewer where there are few levels."""
    cap = rules.level_cap
    return sorted({max(1, cap // 6), max(1, cap // 2), max(1, cap * 5 // 6)})


def _agree(lines: list[ChartLine]) -> bool:
    """Whether all lines say the same wherever they have a point."""
    points = {point for line in lines for point in zip(line.xs, line.ys, strict=True)}
    return len(points) == len({x for x, _ in points})


def _percent(worth: int) -> float:
    return 100 * worth / _WORTH

"""What is taken off XP, as charts: by the distance of levels, by repetition, past the budget.

Not for: the curves (`charts`), or drawing (`designer.drawing.chart`).
"""

from collections.abc import Iterable

from designer.drawing.chart import Chart, ChartLine
from domain.rules import over_budget, repeat
from domain.rules.compiled_rules import Rules
from domain.state.rows import Source

_WORTH = 1_000_000
"""XP that the rules are asked about: so much that rounding does not show."""
REPEATS_SHOWN = 12
GAP_SHOWN = 15
OVER_SHOWN_PERMILLE = 1500


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

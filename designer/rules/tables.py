"""Rules in the terminal: the tables of `rules show`, and every chart of `rules plot`.

Not for: what changes between two of them (`diff`).
"""

from typing import Any

from rich.console import Console
from rich.table import Table

from designer.drawing.chart import drawn
from designer.drawing.terminal import add_numbers, add_text, new_table, print_tables, some_rows
from designer.rules.charts import charts, costs
from designer.rules.loot_odds import odds
from designer.rules.penalty_charts import switched_off
from domain.rules.compiled_rules import LevelBenchmark, Rules
from domain.rules.loot_tables import LootTable, Span


def show(rules: Rules, console: Console, *, every_level: bool) -> None:
    """Print the tables and a small chart."""
    console.print(f"{rules.name}, level cap {rules.level_cap}", markup=False, style="bold")
    console.print(f"fingerprint {rules.fingerprint}")
    if rules.source:
        console.print(f"source: {rules.source}", markup=False)
    console.print()
    print_tables(console, _levels(rules, every_level))
    console.print(drawn(costs(rules), colors=console.is_terminal), markup=False)
    console.print()
    loot = (_loot(name, table) for name, table in rules.loot.items())
    print_tables(console, _tiers(rules), _bands(rules), _shaping(rules), *loot)


def show_charts(rules: Rules, console: Console) -> None:
    """Print every chart that a picture would have."""
    for chart in charts(rules):
        console.print(drawn(chart, colors=console.is_terminal), markup=False)
        console.print()
    if off := switched_off(rules):
        console.print(f"Off in these rules: {', '.join(off)}.")


def _levels(rules: Rules, every_level: bool) -> Table:
    table = new_table("Levels")
    add_numbers(table, "level", "XP to next", "XP in all", "reference strength")
    places = range(rules.level_cap) if every_level else some_rows(rules.level_cap)
    for place in places:
        table.add_row(*_level(rules.levels[place]))
    if len(places) < rules.level_cap:
        table.caption = f"{len(places)} of {rules.level_cap} levels; --all shows every one"
    return table


def _level(level: LevelBenchmark) -> tuple[str, ...]:
    cost = f"{level.xp_to_next:,}" if level.xp_to_next else "cap"
    return str(level.level), cost, f"{level.cumulative_xp:,}", f"{level.reference_strength:,}"


def _tiers(rules: Rules) -> Table:
    table = new_table("Tiers of hostiles")
    add_text(table, "tier")
    add_numbers(table, "level", "strength", "XP")
    add_text(table, "loot")
    for tier, tier_rules in rules.tiers.items():
        strength = tier_rules.strength_permille / 1000
        experience = tier_rules.experience_permille / 1000
        figures = f"{tier_rules.level_offset:+d}", f"× {strength:g}", f"× {experience:g}"
        table.add_row(str(tier), *figures, tier_rules.loot or "-")
    curve = rules.hostile_experience
    table.caption = (
        f"without a plan a victory pays ({curve.base:,} + {curve.per_level:,} × level) × XP"
    )
    return table


def _bands(rules: Rules) -> Table:
    table = new_table("Pace bands of chapters")
    add_text(table, "band")
    add_numbers(table, "XP for quests", "for hostiles", "length")
    for band, band_rules in rules.bands.items():
        quests = band_rules.quest_permille / 10
        length = band_rules.tempo_permille / 1000
        table.add_row(str(band), f"{quests:g} %", f"{100 - quests:g} %", f"× {length:g}")
    weights = ", ".join(f"{name} {weight}" for name, weight in rules.quest_weights.items())
    table.caption = f"quests share by weight: {weights}"
    return table


def _loot(name: str, loot: LootTable) -> Table:
    """One loot table: what a roll may give, and what an opening comes to."""
    table = new_table(f"Loot table {name}")
    add_text(table, "drop")
    add_numbers(table, "amount", "weight", "a roll", "an opening gives")
    for drop in odds(loot):
        if drop.kind is None:
            table.add_row("nothing", "", str(drop.weight), f"{float(100 * drop.chance):.4g} %", "")
            continue
        chance = "always" if drop.weight is None else f"{float(100 * drop.chance):.4g} %"
        weight = "" if drop.weight is None else str(drop.weight)
        average = f"{float(drop.average):,.6g}"
        table.add_row(f"{drop.kind} {drop.id}", _span(drop.amount), weight, chance, average)
    if loot.drops:
        rolls = _span(loot.rolls)
        table.caption = f"{rolls} roll{'' if rolls == '1' else 's'} an opening; averages"
    return table


def _span(span: Span) -> str:
    least, most = span
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def _shaping(rules: Rules) -> Table:
    """What shapes XP before it is granted, and where the deviation bands meet."""
    table = new_table("What shapes XP, and how far off counts as off")
    add_text(table, "rule", "in these rules")
    penalties = rules.penalties
    for name, rule in (
        ("level difference, kills", penalties.level_difference.kills),
        ("level difference, quests", penalties.level_difference.quests),
        ("repeat", penalties.repeat),
        ("over budget", penalties.over_budget),
        ("story on the levels", rules.pseudo_levels),
    ):
        table.add_row(name, _in_words(rule.model_dump()))
    limits = rules.deviation.model_dump().values()
    table.add_row(
        "deviation", "bands meet at " + ", ".join(f"{limit / 10:g} %" for limit in limits)
    )
    return table


def _in_words(section: dict[str, Any]) -> str:
    kind = section.pop("kind")
    if kind == "none":
        return "off"
    keys = [f"{name} {_short(value)}" for name, value in section.items() if value is not None]
    return ", ".join([kind, *keys])


def _short(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "/".join(map(str, value.values()))
    if isinstance(value, list | tuple):
        return "[" + " ".join(_short(part) for part in value) + "]"
    return str(value)

"""The answer of `rules diff` in the terminal.

Not for: finding the changes (`diff`).
"""

from typing import Any

from rich.console import Console
from rich.table import Table

from designer.drawing.terminal import add_numbers, add_text, new_table, print_tables, some_rows
from designer.rules.diff import KeyChange, LevelChange, LootChange, RulesChanges, XpRange

_REBASE = (
    "Players keep the level they have, and what their current level costs; `rebase_progression` "
    "reads a player's XP again: whoever gains levels gets them then, and nobody loses any."
)


def show(changes: RulesChanges, console: Console, *, every_level: bool) -> None:
    """Print it."""
    for word, name, fingerprint in (
        ("from", changes.before, changes.fingerprint_before),
        ("to", changes.after, changes.fingerprint_after),
    ):
        console.print(f"{word:<5}{name} ({fingerprint})", markup=False)
    console.print()
    if changes.same:
        console.print("Both mean the same: nothing changes for anybody.")
    if changes.keys:
        _print_keys(changes.keys, console)
    if changes.levels:
        print_tables(console, _levels(changes.levels, every_level))
    if changes.loot:
        print_tables(console, _loot(changes.loot))
    if changes.players:
        print_tables(console, _players(changes.players, every_level))
        console.print(_REBASE)
    elif not changes.same:
        console.print("At the same XP everybody stands at the same level.")


def _print_keys(changes: list[KeyChange], console: Console) -> None:
    """A line for each key, or two where the values are long."""
    console.print("Keys", style="italic")
    for change in changes:
        before, after = _both(change.before, change.after)
        line = f"{change.key}: {before} → {after}"
        if len(line) > console.width:
            line = f"{change.key}:\n  {before}\n  → {after}"
        console.print(line, markup=False)
    console.print()


def _both(before: Any, after: Any) -> tuple[str, str]:
    """Two values; of long lists, and of lists of sections, only how many entries differ."""
    lists = isinstance(before, tuple) and isinstance(after, tuple)
    if lists and (_is_long(before) or _is_long(after)):
        differ = sum(old != new for old, new in zip(before, after, strict=False))
        differ += abs(len(before) - len(after))
        return f"a list of {len(before)}", f"a list of {len(after)}; {differ} differ"
    return _value(before), _value(after)


def _value(value: Any) -> str:
    """As TOML has it, without quotes; `-` for a key that is not set."""
    if isinstance(value, tuple):
        return f"a list of {len(value)}" if _is_long(value) else ", ".join(map(_value, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return "-" if value is None else str(value)


def _is_long(entries: Any) -> bool:
    return len(entries) > 8 or any(isinstance(entry, dict) for entry in entries)


def _loot(loot: list[LootChange]) -> Table:
    table = new_table("Loot: what an opening gives on average")
    add_text(table, "table", "drop")
    add_numbers(table, "before", "after")
    for change in loot:
        averages = (_average(change.before), _average(change.after))
        table.add_row(change.table, f"{change.kind} {change.id}", *averages)
    return table


def _average(thousandths: int | None) -> str:
    return "no such table" if thousandths is None else f"{thousandths / 1000:,.6g}"


def _levels(levels: list[LevelChange], every_level: bool) -> Table:
    table = new_table("Levels")
    add_numbers(
        table, "level", "costs", "after", "reached at", "after", "strength", "after", "becomes"
    )
    places = range(len(levels)) if every_level else some_rows(len(levels))
    for place in places:
        change = levels[place]
        table.add_row(
            str(change.level),
            _number(change.cost_before),
            _number(change.cost_after),
            _number(change.reached_before),
            _number(change.reached_after),
            _number(change.strength_before),
            _number(change.strength_after),
            _moved(change.level, change.level_after),
        )
    table.caption = "becomes: the level of a player who has just reached this one"
    if len(places) < len(levels):
        table.caption += (
            f"\n{len(places)} of {len(levels)} levels that change; --all shows every one"
        )
    return table


def _players(players: list[XpRange], every_level: bool) -> Table:
    table = new_table("Players, by the XP they have")
    add_numbers(table, "from XP", "to XP", "level", "after", "becomes")
    places = range(len(players)) if every_level else some_rows(len(players))
    for place in places:
        change = players[place]
        to_xp = "and more" if change.to_xp is None else f"{change.to_xp:,}"
        moved = _moved(change.level_before, change.level_after)
        levels = (str(change.level_before), str(change.level_after))
        table.add_row(f"{change.from_xp:,}", to_xp, *levels, moved)
    gained = max(change.level_after - change.level_before for change in players)
    lost = max(change.level_before - change.level_after for change in players)
    most = [f"at most {gained} gained"] * (gained > 0) + [f"at most {lost} lower"] * (lost > 0)
    table.caption = f"{len(places)} of {len(players)} stretches shown; {', '.join(most)}"
    return table


def _moved(before: int, after: int | None) -> str:
    """`+2` for two levels more, `-1` for one less, `new` for a level there was not."""
    if after is None:
        return "new"
    return f"{after - before:+d}" if after != before else ""


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"

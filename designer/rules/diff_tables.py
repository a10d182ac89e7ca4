"""The answer of `rules diff` in the terminal.

Not for: finding the changes (`diff`).
"""

from typing import Any

from rich.console import Console
from rich.table import Table

from designer.rules.diff import LevelChange, LootChange, RulesChanges, XpRange
from designer.rules.tables import some_levels

_REBASE = (
    "Players keep the level they have, and what their current level costs; `rebase_progression` "
    "reads a player's XP again: whoever gains levels gets them then, and nobody loses any."
)


def show(changes: RulesChanges, console: Console, *, every_level: bool) -> None:
    """Print it."""
    names = f"{changes.before} ({changes.fingerprint_before})"
    console.print(
        f"From [bold]{names}[/] to [bold]{changes.after} ({changes.fingerprint_after})[/]"
    )
    if changes.same:
        console.print("Both mean the same: nothing changes for anybody.")
    if changes.keys:
        console.print(_keys(changes))
    if changes.levels:
        console.print(_levels(changes.levels, every_level))
    if changes.loot:
        console.print(_loot(changes.loot))
    if changes.players:
        console.print(_players(changes.players, every_level))
        console.print(_REBASE)
    elif not changes.same:
        console.print("At the same XP everybody stands at the same level.")


def _keys(changes: RulesChanges) -> Table:
    table = Table(title="Keys", title_justify="left")
    for name in ("key", "before", "after"):
        table.add_column(name)
    for one in changes.keys:
        table.add_row(one.key, *_both(one.before, one.after))
    return table


def _both(before: Any, after: Any) -> tuple[str, str]:
    """Two values; of long lists, and of lists of sections, only how many entries differ."""
    lists = isinstance(before, tuple) and isinstance(after, tuple)
    if lists and (_is_long(before) or _is_long(after)):
        differ = sum(one != other for one, other in zip(before, after, strict=False))
        differ += abs(len(before) - len(after))
        return f"a list of {len(before)}", f"a list of {len(after)}; {differ} differ"
    return _value(before), _value(after)


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return f"a list of {len(value)}" if _is_long(value) else ", ".join(map(str, value))
    return "-" if value is None else str(value)


def _is_long(entries: Any) -> bool:
    return len(entries) > 8 or any(isinstance(one, dict) for one in entries)


def _loot(loot: list[LootChange]) -> Table:
    table = Table(title="Loot: what an opening gives on average", title_justify="left")
    for name in ("table", "drop"):
        table.add_column(name)
    for name in ("before", "after"):
        table.add_column(name, justify="right")
    for one in loot:
        told = (_average(one.before), _average(one.after))
        table.add_row(one.table, f"{one.kind} {one.id}", *told)
    return table


def _average(thousandths: int | None) -> str:
    return "no such table" if thousandths is None else f"{thousandths / 1000:,.6g}"


def _levels(levels: list[LevelChange], every_level: bool) -> Table:
    table = Table(title="Levels", title_justify="left")
    for name in ("level", "costs", "after", "reached at", "after", "strength", "after"):
        table.add_column(name, justify="right")
    table.add_column("who has just reached it")
    places = range(len(levels)) if every_level else some_levels(len(levels))
    for place in places:
        one = levels[place]
        table.add_row(
            str(one.level),
            _number(one.cost_before),
            _number(one.cost_after),
            _number(one.reached_before),
            _number(one.reached_after),
            _number(one.strength_before),
            _number(one.strength_after),
            _moved(one.level, one.level_after),
        )
    if len(places) < len(levels):
        table.caption = f"{len(places)} of {len(levels)} levels that change; --all shows every one"
    return table


def _players(players: list[XpRange], every_level: bool) -> Table:
    table = Table(title="Players, by the XP they have", title_justify="left")
    for name in ("from XP", "to XP", "level", "after"):
        table.add_column(name, justify="right")
    table.add_column("")
    places = range(len(players)) if every_level else some_levels(len(players))
    for place in places:
        one = players[place]
        to_xp = "and more" if one.to_xp is None else f"{one.to_xp:,}"
        moved = _moved(one.level_before, one.level_after)
        levels = (str(one.level_before), str(one.level_after))
        table.add_row(f"{one.from_xp:,}", to_xp, *levels, moved)
    gained = max(one.level_after - one.level_before for one in players)
    lost = max(one.level_before - one.level_after for one in players)
    most = [f"at most {gained} gained"] * (gained > 0) + [f"at most {lost} lower"] * (lost > 0)
    table.caption = f"{len(places)} of {len(players)} stretches shown; {', '.join(most)}"
    return table


def _moved(before: int, after: int | None) -> str:
    if after is None:
        return "new level"
    if after == before:
        return ""
    levels = abs(after - before)
    many = f"{levels} level{'s' if levels > 1 else ''}"
    return f"gains {many}" if after > before else f"{many} lower by the curve, kept"


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"

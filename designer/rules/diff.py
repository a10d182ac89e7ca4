"""What changes between two rules files: for a player at each XP, for a level, and key by key.

Not for: changing the rules of a running server (`gateway.server.rules_reload`).
"""

import tomllib
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from designer.rules.loot_odds import averages
from domain.game.progression import level_by_curve
from domain.rules.compiled_rules import Rules
from domain.rules.rules_file import RulesFile


class XpRange(Struct, frozen=True):
    """Players with `from_xp` to `to_xp` XP (None: and more) stand at another level afterwards."""

    from_xp: int
    to_xp: int | None
    level_before: int
    level_after: int


class LevelChange(Struct, frozen=True):
    """One level's figures in both; None where the level does not exist.

    `level_after` is where a player who has just reached this level stands under the new curve.
    """

    level: int
    cost_before: int | None
    cost_after: int | None
    reached_before: int | None
    reached_after: int | None
    strength_before: int | None
    strength_after: int | None
    level_after: int | None


class LootChange(Struct, frozen=True):
    """How much of one thing an opening of one loot table gives on average, in thousandths.

    None where the rules do not have the table.
    """

    table: str
    kind: str
    id: str
    before: int | None
    after: int | None


class KeyChange(Struct, frozen=True):
    """One key of the files; None where it is not set."""

    key: str
    before: Any
    after: Any


class RulesChanges(Struct, frozen=True):
    """All of it.  `same` says that both mean the same, whatever they are called."""

    before: str
    after: str
    fingerprint_before: str
    fingerprint_after: str
    same: bool
    players: list[XpRange]
    levels: list[LevelChange]
    loot: list[LootChange]
    keys: list[KeyChange]


def changes(before: Rules, after: Rules, before_text: str, after_text: str) -> RulesChanges:
    """What changes when `after` takes the place of `before`; both texts are known to be good."""
    return RulesChanges(
        before=before.name,
        after=after.name,
        fingerprint_before=before.fingerprint,
        fingerprint_after=after.fingerprint,
        same=before.fingerprint == after.fingerprint,
        players=list(_players(before, after)),
        levels=list(_levels(before, after)),
        loot=list(_loot(before, after)),
        keys=list(_keys(before_text, after_text)),
    )


def _players(before: Rules, after: Rules) -> Iterator[XpRange]:
    """Every stretch of XP whose level changes; its ends are where one of both curves steps up."""
    steps = sorted({level.cumulative_xp for rules in (before, after) for level in rules.levels})
    for place, xp in enumerate(steps):
        was, becomes = level_by_curve(xp, before), level_by_curve(xp, after)
        if was != becomes:
            last = steps[place + 1] - 1 if place + 1 < len(steps) else None
            yield XpRange(xp, last, was, becomes)


def _levels(before: Rules, after: Rules) -> Iterator[LevelChange]:
    for place in range(max(before.level_cap, after.level_cap)):
        old = before.levels[place] if place < before.level_cap else None
        new = after.levels[place] if place < after.level_cap else None
        if old == new:
            continue
        yield LevelChange(
            level=place + 1,
            cost_before=None if old is None else old.xp_to_next,
            cost_after=None if new is None else new.xp_to_next,
            reached_before=None if old is None else old.cumulative_xp,
            reached_after=None if new is None else new.cumulative_xp,
            strength_before=None if old is None else old.reference_strength,
            strength_after=None if new is None else new.reference_strength,
            level_after=None if old is None else level_by_curve(old.cumulative_xp, after),
        )


def _loot(before: Rules, after: Rules) -> Iterator[LootChange]:
    for name in dict.fromkeys([*before.loot, *after.loot]):
        old, new = (
            averages(rules.loot[name]) if name in rules.loot else None for rules in (before, after)
        )
        for kind, thing in dict.fromkeys([*(old or ()), *(new or ())]):
            was = None if old is None else old.get((kind, thing), 0)
            becomes = None if new is None else new.get((kind, thing), 0)
            if was != becomes:
                yield LootChange(name, kind, thing, was, becomes)


def _keys(before_text: str, after_text: str) -> Iterator[KeyChange]:
    old, new = (_flat(_written(text)) for text in (before_text, after_text))
    for key in dict.fromkeys([*old, *new]):
        if old.get(key) != new.get(key):
            yield KeyChange(key, old.get(key), new.get(key))


def _written(text: str) -> dict[str, Any]:
    """The file with its defaults spelt out, as plain values."""
    return RulesFile.model_validate(tomllib.loads(text)).model_dump()


def _flat(value: Any, key: str = "") -> dict[str, Any]:
    """Nested keys with dots; lists stay whole."""
    if not isinstance(value, dict):
        return {key: value}
    found: dict[str, Any] = {}
    for name, part in value.items():
        found |= _flat(part, f"{key}.{name}" if key else str(name))
    return found

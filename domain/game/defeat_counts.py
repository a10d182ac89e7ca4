"""Defeat counts: how often each hostile was defeated; kept only while the repeat rule is on.

Counted per chapter or per UTC day, as the rules say.  A chapter has a row of its own; the day has
one row that starts again with each new day.  A new plan of a chapter leaves its counts: the player
has met these hostiles before.

Not for: what a repeated defeat is worth (`repeat`).
"""

from domain.game.xp_modifiers import repeat_scope
from domain.rules.compiled_rules import Rules
from domain.state.rows import DefeatCounts
from domain.state.user_state import UserState

DAY = 86_400_000_000
"""Microseconds of a UTC day."""


def current_counts(
    state: UserState, chapter_id: str | None, now: int, rules: Rules
) -> DefeatCounts | None:
    """The counts a defeat would be added to; None when nobody counts.

    Without a chapter there is nothing to count in per chapter.
    """
    scope = repeat_scope(rules)
    if scope == "day":
        today = now // DAY
        held = state.repeats.get("day")
        return held if held and held.day == today else DefeatCounts("day", today, {})
    if scope == "chapter" and chapter_id is not None:
        name = f"chapter/{chapter_id}"
        return state.repeats.get(name) or DefeatCounts(name, None, {})
    return None


def with_defeat(counts: DefeatCounts, hostile_id: str) -> DefeatCounts:
    """What changes in `counts` with one more defeat of this hostile."""
    return DefeatCounts(
        counts.scope, counts.day, {hostile_id: counts.defeats.get(hostile_id, 0) + 1}
    )

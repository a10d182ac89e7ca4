"""Tallies: how often each hostile was defeated, kept only while the repeat rule wants to know.

Counted per chapter or per UTC day, as the rules say.  A chapter has a row of its own; the day has
one row that starts again with each new day.  A new plan of a chapter leaves its tally: the player
has met these hostiles before.

Not for: what a repeated defeat is worth (`repeat`).
"""

from domain.game.xp_modifiers import repeat_scope
from domain.rules.compiled_rules import Rules
from domain.state.rows import RepeatTally
from domain.state.user_state import UserState

TALLY_MAX = 256
"""Hostiles in one tally; the one defeated longest ago is forgotten first."""
DAY = 86_400_000_000
"""Microseconds of a UTC day."""


def tally_now(
    state: UserState, chapter_id: str | None, now: int, rules: Rules
) -> RepeatTally | None:
    """The tally a defeat would count in; None when nobody counts.

    Without a chapter there is nothing to count in per chapter.
    """
    scope = repeat_scope(rules)
    if scope == "day":
        today = now // DAY
        held = state.repeats.get("day")
        return held if held and held.day == today else RepeatTally("day", today, {})
    if scope == "chapter" and chapter_id is not None:
        name = f"chapter/{chapter_id}"
        return state.repeats.get(name) or RepeatTally(name, None, {})
    return None


def with_defeat(tally: RepeatTally, hostile_id: str) -> RepeatTally:
    """`tally` with one more defeat of this hostile."""
    defeats = dict(tally.defeats)
    count = defeats.pop(hostile_id, 0)
    if len(defeats) == TALLY_MAX:
        del defeats[next(iter(defeats))]
    defeats[hostile_id] = count + 1  # at the end: the newest
    return RepeatTally(tally.scope, tally.day, defeats)

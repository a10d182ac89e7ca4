"""Limits: how many rows one user may own, so that one user's size is that user's own trouble.

Not for: how large one command or one reply may be (`command_parts`, the gateway's settings).
"""

from collections.abc import Iterator, Sized

from msgspec import Struct

from domain.messages.rejections import Code, Rejection
from domain.state.user_state import Changes, UserState


class Limits(Struct, frozen=True):
    """The most rows of each kind that one user may own; open ones may still pay."""

    items_max: int = 50_000
    currencies_max: int = 1_000
    npcs_max: int = 10_000
    chapters_max: int = 1_000
    quests_max: int = 100_000
    open_quests_max: int = 1_000
    battles_max: int = 100_000
    open_battles_max: int = 1_000


def over_limit(
    changes: Changes, before: UserState, after: UserState, limits: Limits
) -> Rejection | None:
    """The refusal of `changes` that lead from `before` to more rows than one user may own.

    Who is over a limit already, because it was lowered, may do whatever adds no row to it.
    """
    for kind, held, rows, most in _counts(changes, before, after, limits):
        if len(rows) > most and len(rows) > len(held):
            return Rejection(
                Code.LIMIT_REACHED,
                f"{kind} would be {len(rows)} with this command, expected at most {most}, which is "
                f"the setting {kind}_max",
            )
    return None


def _counts(
    changes: Changes, before: UserState, after: UserState, limits: Limits
) -> Iterator[tuple[str, Sized, Sized, int]]:
    """Of each kind that changed: its name, the rows before and after, and the most there may be."""
    if changes.quest_record:
        yield "quests", before.quests, after.quests, limits.quests_max
        yield "open_quests", before.open_quests, after.open_quests, limits.open_quests_max
    if changes.battle_state:
        yield "battles", before.battles, after.battles, limits.battles_max
        yield "open_battles", before.open_battles, after.open_battles, limits.open_battles_max
    if changes.chapter_progression:
        yield "chapters", before.chapters, after.chapters, limits.chapters_max
    if changes.inventory:
        yield "items", before.inventory, after.inventory, limits.items_max
    if changes.wallet:
        yield "currencies", before.wallet, after.wallet, limits.currencies_max
    if changes.affinity:
        yield "npcs", before.affinity, after.affinity, limits.npcs_max

"""Limits: how many rows one user may own, so that one user's size is that user's own trouble.

Not for: how large one command or one reply may be (`command_parts`, the gateway's settings).
"""

from collections.abc import Iterator

from msgspec import Struct

from domain.messages.rejections import Code, Rejection
from domain.state.user_state import Changes, UserState


class Limits(Struct, frozen=True):
    """The most rows of each kind that one user may own; open ones may still pay.

    `open_objectives_max` is about all open quests together: one signal may move every one of them.
    """

    items_max: int = 50_000
    currencies_max: int = 1_000
    npcs_max: int = 10_000
    chapters_max: int = 1_000
    quests_max: int = 100_000
    open_quests_max: int = 1_000
    open_objectives_max: int = 10_000
    battles_max: int = 100_000
    open_battles_max: int = 1_000


def over_limit(
    changes: Changes, before: UserState, after: UserState, limits: Limits
) -> Rejection | None:
    """The refusal of `changes` that lead from `before` to more rows than one user may own.

    Who is over a limit already, because it was lowered, may do whatever adds no row to it.
    """
    for kind, held, rows, most in _counts(changes, before, after, limits):
        if rows > most and rows > held:
            return Rejection(
                Code.LIMIT_REACHED,
                f"{kind} would be {rows} with this command, expected at most {most}, which is "
                f"the setting {kind}_max",
            )
    return None


def _counts(
    changes: Changes, before: UserState, after: UserState, limits: Limits
) -> Iterator[tuple[str, int, int, int]]:
    """Of each kind that changed: its name, the rows before and after, and the most there may be."""
    if changes.quest_record:
        yield "quests", len(before.quests), len(after.quests), limits.quests_max
        yield "open_quests", len(before.open_quests), len(after.open_quests), limits.open_quests_max
        objectives = before.open_quests.objectives, after.open_quests.objectives
        yield "open_objectives", *objectives, limits.open_objectives_max
    if changes.battle_state:
        yield "battles", len(before.battles), len(after.battles), limits.battles_max
        open_battles = len(before.open_battles), len(after.open_battles)
        yield "open_battles", *open_battles, limits.open_battles_max
    if changes.chapter_progression:
        yield "chapters", len(before.chapters), len(after.chapters), limits.chapters_max
    if changes.inventory:
        yield "items", len(before.inventory), len(after.inventory), limits.items_max
    if changes.wallet:
        yield "currencies", len(before.wallet), len(after.wallet), limits.currencies_max
    if changes.affinity:
        yield "npcs", len(before.affinity), len(after.affinity), limits.npcs_max

"""Limits: how many rows one user may own, so that one user's size is that user's own trouble.

Not for: how large one command or one reply may be (`command_parts`, the gateway's settings).
"""

from collections.abc import Sized

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
    refusal: Rejection | None = None
    if changes.quest_record:
        held, rows = before.open_quests, after.open_quests
        objectives = held.objectives, rows.objectives
        refusal = (
            _over("quests", before.quests, after.quests, limits.quests_max)
            or _over("open_quests", held, rows, limits.open_quests_max)
            or _more("open_objectives", *objectives, limits.open_objectives_max)
        )
    if changes.battle_state and refusal is None:
        refusal = _over("battles", before.battles, after.battles, limits.battles_max) or _over(
            "open_battles", before.open_battles, after.open_battles, limits.open_battles_max
        )
    if changes.chapter_progression and refusal is None:
        refusal = _over("chapters", before.chapters, after.chapters, limits.chapters_max)
    if changes.inventory and refusal is None:
        refusal = _over("items", before.inventory, after.inventory, limits.items_max)
    if changes.wallet and refusal is None:
        refusal = _over("currencies", before.wallet, after.wallet, limits.currencies_max)
    if changes.affinity and refusal is None:
        refusal = _over("npcs", before.affinity, after.affinity, limits.npcs_max)
    return refusal


def _over(kind: str, held: Sized, rows: Sized, most: int) -> Rejection | None:
    count = len(rows)
    return None if count <= most else _more(kind, len(held), count, most)


def _more(kind: str, held: int, count: int, most: int) -> Rejection | None:
    if count <= most or count <= held:
        return None
    return Rejection(
        Code.LIMIT_REACHED,
        f"{kind} would be {count} with this command, expected at most {most}, which is "
        f"the setting {kind}_max",
    )

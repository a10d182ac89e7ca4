"""Levels and experience of one user."""

from msgspec.structs import replace

from domain.rejections import Code, Rejection
from domain.rows import INTEGER_MAX, PlayerProgression, Source
from domain.rules import Rules


def default_player_progression(user_id: str, rules: Rules) -> PlayerProgression:
    """The row of a user who was never written: level 1, 0 XP, both times 0."""
    return PlayerProgression(
        user_id=user_id,
        level=1,
        current_level_xp=0,
        total_xp=0,
        xp_to_next_level=rules.xp_to_next(1),
        pending_level_ups=0,
        last_granted_source=None,
        created_at=0,
        updated_at=0,
    )


def grant_player_progression_experience(
    row: PlayerProgression, amount: int, source: Source, now: int, rules: Rules
) -> PlayerProgression | Rejection:
    """`row` with `amount` XP more, carried over as many levels as it reaches [seed].

    The cost of the level the row stands in is the row's own: new rules count from the next level
    on, so that a change of curve never takes a level away.
    An `amount` of 0 gives the same row back.
    """
    if amount < 0:
        return Rejection(Code.INVALID_FIELD, f"amount is {amount}, expected 0 or more")
    if amount == 0:
        return row
    total = row.total_xp + amount
    if total > INTEGER_MAX:
        return Rejection(
            Code.INVALID_FIELD,
            f"amount is {amount}, but total_xp {row.total_xp} can only grow to {INTEGER_MAX}",
        )
    level, current, cost = row.level, row.current_level_xp + amount, row.xp_to_next_level
    while 0 < cost <= current:
        current -= cost
        level += 1
        cost = rules.xp_to_next(level)
    return PlayerProgression(
        user_id=row.user_id,
        level=level,
        current_level_xp=current,
        total_xp=total,
        xp_to_next_level=cost,
        pending_level_ups=row.pending_level_ups + level - row.level,
        last_granted_source=source,
        created_at=row.created_at or now,
        updated_at=now,
    )


def acknowledge_level_ups(row: PlayerProgression, now: int) -> PlayerProgression:
    """`row` with no level-up left to show; the same row when there was none."""
    if row.pending_level_ups == 0:
        return row
    return replace(row, pending_level_ups=0, updated_at=now)

"""Levels and experience of one user."""

from bisect import bisect_right

from msgspec.structs import replace

from domain.messages.rejections import Code, Rejection
from domain.rules.compiled_rules import Rules
from domain.state.rows import INTEGER_MAX, PlayerProgression, Source
from domain.state.user_state import UserState


def progression_of(state: UserState, rules: Rules) -> PlayerProgression:
    """The user's progression row, or the default one; reading it writes nothing [seed]."""
    return state.player_progression or default_player_progression(state.user_id, rules)


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


def level_by_curve(total_xp: int, rules: Rules) -> int:
    """The level that `total_xp` reaches under `rules`."""
    return bisect_right(rules.levels, total_xp, key=lambda level: level.cumulative_xp)


def take_experience(
    row: PlayerProgression, amount: int, now: int, rules: Rules
) -> PlayerProgression:
    """`row` with `amount` XP less, at most all of it: the one way in which `total_xp` falls.

    What fits in the current level leaves the level alone; otherwise the level is read anew on the
    curve.  Level-ups that were lost before they were shown are not shown.
    """
    total = max(0, row.total_xp - amount)
    if total == row.total_xp:
        return row
    if amount <= row.current_level_xp:
        current = row.current_level_xp - amount
        return replace(row, total_xp=total, current_level_xp=current, updated_at=now)
    level = level_by_curve(total, rules)
    lost = row.level - level
    return replace(
        row,
        level=level,
        current_level_xp=total - rules.levels[level - 1].cumulative_xp,
        total_xp=total,
        xp_to_next_level=rules.xp_to_next(level),
        pending_level_ups=max(0, row.pending_level_ups - lost),
        updated_at=now,
    )


def rebase_progression(row: PlayerProgression, now: int, rules: Rules) -> PlayerProgression:
    """`row` read again under `rules`: the level by the curve, but never lower than it was.

    Where the kept level costs more than was earned, `total_xp` is raised to what it costs, so that
    total and level agree again.  The same row when there is nothing to do.  A level above a cap
    that has been lowered is kept, with the cap's figures.
    """
    level = max(row.level, level_by_curve(row.total_xp, rules))
    reached = rules.levels[rules.clamp_level(level) - 1].cumulative_xp
    total = max(row.total_xp, reached)
    after = replace(
        row,
        level=level,
        current_level_xp=total - reached,
        total_xp=total,
        xp_to_next_level=rules.xp_to_next(level),
        pending_level_ups=row.pending_level_ups + level - row.level,
    )
    return row if after == row else replace(after, updated_at=now)

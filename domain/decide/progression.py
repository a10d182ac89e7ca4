"""What commands about level and experience do: grant, acknowledge, rebase.

Not for: the curve (`progression`), or for taking a grant back (`undo`).
"""

from domain.game.progression import acknowledge_level_ups, rebase_progression
from domain.game.rewards import Grant, pay_out
from domain.messages.commands import GrantExperience, RebaseProgression
from domain.messages.decision import NO_CHANGE, Decision
from domain.messages.events import LevelReached, LevelUpsAcknowledged, ProgressionRebased
from domain.messages.rejections import Rejection
from domain.rules.compiled_rules import Rules
from domain.state.history import Cause, HistoryEntry
from domain.state.rows import Source
from domain.state.user_state import Changes, UserState


def grant_experience(
    state: UserState, command: GrantExperience, now: int, rules: Rules
) -> Decision | Rejection:
    """Experience as it was asked for: no rule shapes it, whatever source it names; 0 is nothing."""
    if command.amount == 0:
        return NO_CHANGE
    grant = Grant(
        command_id=command.command_id,
        cause=Cause.GRANT,
        cause_id=command.command_id,
        source=command.source,
        planned=command.amount,
    )
    return pay_out(state, grant, (), now, rules)


def acknowledge(state: UserState, now: int) -> Decision:
    """Clear the level-ups that were shown; no change when there is none to show."""
    row = state.player_progression
    if row is None or row.pending_level_ups == 0:
        return NO_CHANGE
    return Decision(
        Changes(player_progression=acknowledge_level_ups(row, now)),
        (LevelUpsAcknowledged(row.pending_level_ups),),
    )


def rebase(state: UserState, command: RebaseProgression, now: int, rules: Rules) -> Decision:
    """The progression row read again under `rules`, with what that cost in the history."""
    row = state.player_progression
    after = None if row is None else rebase_progression(row, now, rules)
    if row is None or after is None or after is row:
        return NO_CHANGE
    raised = after.total_xp - row.total_xp
    entry = HistoryEntry(
        sequence=state.next_sequence,
        version=state.version + 1,
        command_id=command.command_id,
        at=now,
        source=Source.SERVICE,
        cause=Cause.REBASE,
        cause_id=command.command_id,
        planned=raised,
        amount=raised,
        level_before=row.level,
        level_after=after.level,
        rules=rules.fingerprint,
    )
    return Decision(
        Changes(player_progression=after, history=(entry,)),
        (
            ProgressionRebased(after.level, after.total_xp, raised),
            *(LevelReached(level) for level in range(row.level + 1, after.level + 1)),
        ),
    )

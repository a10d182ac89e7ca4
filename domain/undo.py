"""Undo: what one command granted is taken back by another, as far as the user still has it.

The grant stays in the history; an entry of its own says that it was undone, so the sums hold.

Not for: quests, battles and defeats.  They happened: a turned-in quest stays turned in and a
defeat stays counted; only what they paid goes back.
"""

from domain.chapters import take_from_ledger
from domain.commands import UndoGrant
from domain.events import GrantUndone
from domain.goods import negated, take, take_affinity
from domain.history import Cause, HistoryEntry
from domain.progression import progression_of, take_experience
from domain.rejections import Code, Rejection
from domain.rows import Reward, Source
from domain.rules import Rules
from domain.state import Changes, Decision, UserState

_GRANTS = frozenset({Cause.QUEST, Cause.BATTLE, Cause.GRANT})


def undo_grant(
    state: UserState, command: UndoGrant, now: int, rules: Rules
) -> Decision | Rejection:
    """Take back what `undo_command_id` granted.  Looks in the history that is in memory."""
    entry = _find(state, command.undo_command_id)
    if isinstance(entry, Rejection):
        return entry
    before = progression_of(state, rules)
    after = take_experience(before, entry.amount, now, rules)
    experience = before.total_xp - after.total_xp
    inventory, items, no_items = take(state.inventory, entry.items)
    wallet, currency, no_currency = take(state.wallet, entry.currency)
    affinity, thanks = take_affinity(state.affinity, entry.affinity)
    chapter = None if entry.chapter_id is None else state.chapters.get(entry.chapter_id)
    is_quest = entry.source is Source.QUEST
    ledger = chapter and take_from_ledger(
        chapter, entry.amount if is_quest else 0, 0 if is_quest else entry.amount, now
    )
    taken = Reward(experience or None, items, currency, thanks)
    missing = Reward(entry.amount - experience or None, no_items, no_currency)
    levels = (before.level, after.level)
    changes = Changes(
        player_progression=None if after is before else after,
        chapter_progression=(ledger,) if ledger and ledger is not chapter else (),
        inventory=inventory,
        wallet=wallet,
        affinity=affinity,
        history=(_account(state, command, entry, taken, levels, now, rules),),
    )
    told = GrantUndone(entry.command_id, entry.sequence, after.level, taken, missing)
    return Decision(changes, (told,))


def _account(
    state: UserState,
    command: UndoGrant,
    entry: HistoryEntry,
    taken: Reward,
    levels: tuple[int, int],
    now: int,
    rules: Rules,
) -> HistoryEntry:
    """The entry that marks `entry` as undone: what was taken, as amounts below 0."""
    experience = -(taken.experience or 0)
    return HistoryEntry(
        sequence=state.next_sequence,
        version=state.version + 1,
        command_id=command.command_id,
        at=now,
        source=entry.source,
        cause=Cause.UNDO,
        cause_id=command.command_id,
        planned=experience,
        amount=experience,
        level_before=levels[0],
        level_after=levels[1],
        rules=rules.fingerprint,
        chapter_id=entry.chapter_id,
        items=negated(taken.items),
        currency=negated(taken.currency),
        affinity=negated(taken.affinity),
        undoes=entry.sequence,
    )


def _find(state: UserState, command_id: str) -> HistoryEntry | Rejection:
    """The newest grant of this command that was not undone."""
    for entry in reversed(state.history):
        if entry.command_id == command_id and entry.cause in _GRANTS:
            break
    else:
        return Rejection(
            Code.GRANT_NOT_FOUND,
            f"undo_command_id is {command_id}, which is no grant among the "
            f"{len(state.history)} newest entries of the history",
        )
    for later in state.history:
        if later.undoes == entry.sequence:
            return Rejection(
                Code.ALREADY_UNDONE,
                f"the grant of {command_id} was undone already by command {later.command_id}",
            )
    return entry
